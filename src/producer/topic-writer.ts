// Writes records to Kafka: acknowledged by all in-sync replicas, batched across callers, answered record by record.
//
// A record is `ok` only when the broker named its offset. It is refused (`payload_too_large`, `not_found`, …) only when
// that is certain. All else ends as `unavailable` at the call's deadline: the record may be on the log, and writing it
// again with the same id is safe, because readers tell duplicates by id and attempt. The producer is not idempotent in
// Kafka's sense on purpose: with kafkajs 2.2.4 that mode acknowledges records that are not in the log.

import type { Clock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import { Lifecycle } from '../core/lifecycle.ts'
import type { StopReport } from '../core/lifecycle.ts'
import { PRODUCER_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { KafkaSettings } from './kafka-client.ts'
import { MicroBatcher } from './micro-batcher.ts'
import { ProducerClients } from './producer-clients.ts'
import { OpenCalls, WriteCall } from './write-call.ts'
import type { Entry, WriteAnswer, WriteRecord } from './write-call.ts'
import { checkRecord, recordBytes, toEntry } from './write-record.ts'

export type { WriteAnswer, WriteRecord } from './write-call.ts'

/** How long a write may take unless told otherwise: longer than a broker's failover. Unit: ms. */
export const WRITE_DEADLINE_MS_DEFAULT = 30_000

/** Unit: ms. */
export const LINGER_MS_DEFAULT = 1

/** What a {@link TopicWriter} is made of. */
export interface TopicWriterOptions {
  readonly settings: KafkaSettings
  readonly clock: Clock
  readonly logger: Logger
  /** How long records gather while other requests are under way; a lone write never waits for it.
   * Unit: ms. Range: 0 to 1,000. @defaultValue 1 */
  readonly lingerMs?: number
}

/** The one way onto the log. */
export class TopicWriter {
  readonly #clock: Clock
  readonly #lifecycle = new Lifecycle('the topic writer')
  readonly #clients: ProducerClients
  readonly #calls: OpenCalls
  readonly #batcher: MicroBatcher
  /** The latest trouble, which a deadline that passes names. */
  #trouble: { readonly error: ErrandError; readonly atMs: number } | undefined
  #givenUp = 0

  constructor(options: TopicWriterOptions) {
    const { clock, logger, settings } = options
    this.#clock = clock
    this.#clients = new ProducerClients(settings, clock, logger)
    this.#calls = new OpenCalls(clock, call => this.#giveUp(call))
    this.#batcher = new MicroBatcher({
      clients: this.#clients,
      clock,
      logger,
      lingerMs: checkLinger(options.lingerMs ?? LINGER_MS_DEFAULT),
      onFailure: error => (this.#trouble = { error, atMs: clock.monotonicMs() }),
    })
  }

  /** Connects. Rejects with `unavailable` or `configuration`, naming the brokers, within about 15 s. */
  start(): Promise<void> {
    return this.#lifecycle.start(() => this.#clients.open())
  }

  /** Waits until every write has its answer, at the latest at the last deadline, then disconnects. */
  stop(): Promise<StopReport> {
    return this.#lifecycle.stop(async () => {
      const before = this.#givenUp
      await this.#calls.whenIdle()
      await this.#clients.close()
      const remaining = this.#givenUp - before
      return { drained: remaining === 0, remaining }
    })
  }

  /** Produce requests that the brokers have answered. */
  get requests(): number {
    return this.#clients.requests
  }

  /**
   * Writes records; the answers stand in the order of the records. Rejects only with `conflict` when the writer does not
   * run and with `invalid_argument` for a bad deadline, never for a record's own failure.
   *
   * Records of one partition are appended in the order of the calls as long as nothing fails.
   *
   * `deadlineMs`: unit ms, 1 or more. @defaultValue 30_000
   */
  async write(
    records: readonly WriteRecord[],
    options: { readonly deadlineMs?: number } = {},
  ): Promise<readonly WriteAnswer[]> {
    this.#lifecycle.check()
    const deadlineMs = checkDeadline(options.deadlineMs ?? WRITE_DEADLINE_MS_DEFAULT)
    if (records.length === 0) return []
    const sizes = records.map(recordBytes)
    const byteCount = sizes.reduce((sum, size) => sum + size, 0)
    const call = new WriteCall(records.length, byteCount, deadlineMs, this.#clock.monotonicMs())
    if (this.#isOverfull(call)) call.settleRest({ ok: false, error: queueFull() })
    else this.#accept(call, records, sizes)
    return call.answered
  }

  #accept(call: WriteCall, records: readonly WriteRecord[], sizes: readonly number[]): void {
    const entries: Entry[] = []
    records.forEach((record, index) => {
      const problem = checkRecord(record)
      if (problem === undefined) entries.push(toEntry(record, call, index, sizes[index] ?? 0))
      else call.settle(index, { ok: false, error: problem })
    })
    if (call.isDone) return
    this.#calls.add(call)
    void call.answered.then(() => this.#calls.remove(call))
    this.#batcher.add(entries)
  }

  #isOverfull(call: WriteCall): boolean {
    return (
      this.#calls.records + call.recordCount > PRODUCER_LIMITS.queueRecordsMax ||
      this.#calls.bytes + call.byteCount > PRODUCER_LIMITS.queueBytesMax
    )
  }

  #giveUp(call: WriteCall): void {
    const trouble = this.#trouble
    const isRecent = trouble !== undefined && this.#clock.monotonicMs() - trouble.atMs <= call.deadlineMs
    const why = isRecent ? ` The last trouble: ${trouble.error.message}` : ''
    const error = new ErrandError(
      'unavailable',
      `Kafka did not confirm the write within ${call.deadlineMs} ms; the outcome is unknown, and writing again with the same id is safe.${why}`,
      { details: { deadlineMs: call.deadlineMs }, cause: isRecent ? trouble.error : undefined },
    )
    this.#givenUp += call.settleRest({ ok: false, error })
  }
}

function queueFull(): ErrandError {
  const { queueRecordsMax, queueBytesMax } = PRODUCER_LIMITS
  return new ErrandError(
    'unavailable',
    `${queueRecordsMax} records or ${queueBytesMax} bytes wait for Kafka already; nothing of this call was written. Slow down and try again.`,
    { details: { queueRecordsMax, queueBytesMax } },
  )
}

function checkDeadline(deadlineMs: number): number {
  if (deadlineMs >= 1 && Number.isFinite(deadlineMs)) return deadlineMs
  throw new ErrandError('invalid_argument', `deadlineMs is ${deadlineMs}; it must be 1 or more.`, {
    details: { field: 'deadlineMs', received: deadlineMs, allowed: '1 or more' },
  })
}

function checkLinger(lingerMs: number): number {
  if (lingerMs >= 0 && lingerMs <= 1_000) return lingerMs
  throw new ErrandError('invalid_argument', `lingerMs is ${lingerMs}; it must be from 0 to 1,000.`, {
    details: { field: 'lingerMs', received: lingerMs, allowed: '0 to 1,000' },
  })
}
