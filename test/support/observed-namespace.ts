// A namespace on real servers with somebody who watches it from outside: what the log says became of every attempt. The log
// is what counts, so waiting for an end means waiting for its record in the outcomes topic.

import { expect } from 'vitest'
import { Client } from '../../src/client/client.ts'
import type { ActivityDefinition } from '../../src/client/define-activity.ts'
import type { EnqueueOptions } from '../../src/client/submission.ts'
import type { LogRecord } from '../../src/consumer/fetched-record.ts'
import { LogReader } from '../../src/consumer/log-reader.ts'
import type { OutcomeRecord } from '../../src/core/activity.ts'
import { isTerminal } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { outcomesTopic } from '../../src/core/topics.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/kafka-storage-options.ts'
import { decodeOutcome } from '../../src/wire/outcome-record.ts'
import { dropTopics } from './drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from './stack.ts'

const LOOK_MS = 50
/** So many ids in a message; the rest is a number. */
const IDS_SHOWN = 10

/** Where a namespace is, and what is to be in it. */
export interface ObservedOptions {
  readonly types: readonly string[]
  /** @defaultValue 2: two processes share a lane; more would only make the broker's work. */
  readonly partitions?: number
  /** Servers of the test's own. @defaultValue those that all tests share */
  readonly servers?: { readonly kafkaBrokers: readonly string[]; readonly redisUrl: string }
  /** What is to be there before the first storage opens. */
  readonly prepare?: (namespace: string) => Promise<void>
}

/** A namespace, watched. Disposing it takes its topics away, where the servers are shared. */
export class ObservedNamespace implements AsyncDisposable {
  readonly namespace: string
  readonly storage: KafkaStorage
  readonly client: Client
  readonly #options: KafkaStorageOptions
  readonly #reader: LogReader
  readonly #isShared: boolean
  readonly #outcomes: OutcomeRecord[] = []
  readonly #positions = new Map<number, number>()
  /** Reads of the outcomes go one after another, so that none is taken in twice. */
  #reading: Promise<void> = Promise.resolve()

  static async open({ types, partitions = 2, servers, prepare }: ObservedOptions): Promise<ObservedNamespace> {
    const options: KafkaStorageOptions = {
      namespace: freshNamespace('i'),
      brokers: servers?.kafkaBrokers ?? kafkaBrokers(),
      redisUrl: servers?.redisUrl ?? redisUrl(),
      partitions,
    }
    await prepare?.(options.namespace)
    const storage = await KafkaStorage.open(options)
    await storage.declareTypes({ types })
    return new ObservedNamespace(options, storage, servers === undefined)
  }

  private constructor(options: KafkaStorageOptions, storage: KafkaStorage, isShared: boolean) {
    const { namespace, brokers } = options
    const settings = { brokers, clientId: 'observer', logger: silentLogger }
    this.namespace = namespace
    this.storage = storage
    this.client = new Client({ storage })
    this.#options = options
    this.#reader = new LogReader({ settings, namespace, clock: systemClock, logger: silentLogger })
    this.#isShared = isShared
  }

  /** Another storage on this namespace; the caller closes it. */
  openAnother(more: Partial<KafkaStorageOptions> = {}): Promise<KafkaStorage> {
    return KafkaStorage.open({ ...this.#options, ...more })
  }

  /** Enqueues so many at once and gives their ids; each must be accepted. */
  async enqueueAll<Given>(
    definition: ActivityDefinition<Given>,
    inputs: readonly Given[],
    options: EnqueueOptions = {},
  ): Promise<string[]> {
    const answers = await this.client.enqueueMany(
      definition,
      inputs.map(input => ({ input, options })),
    )
    return answers.map(answer => {
      if (answer.outcome === 'created') return answer.handle.id
      throw new ErrandError('internal', `an enqueue was answered ${answer.outcome}`, {
        cause: 'error' in answer ? answer.error : undefined,
      })
    })
  }

  /** Every record of a topic, in the order of its partitions. */
  async records(topic: string): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    for (const { partition, low, high } of await this.#reader.bounds(topic)) {
      const onRecord = (record: LogRecord): void => void records.push(record)
      await this.#reader.scan({ topic, partition, from: low, to: high, maxRecords: high - low, onRecord })
    }
    return records
  }

  /** First and next offsets of a topic's partitions. */
  bounds(topic: string): Promise<{ partition: number; low: number; high: number }[]> {
    return this.#reader.bounds(topic)
  }

  /** Every outcome up to now. */
  async outcomes(): Promise<readonly OutcomeRecord[]> {
    this.#reading = this.#reading.then(() => this.#readOn())
    await this.#reading
    return this.#outcomes
  }

  /** Waits until each of these has ended, and gives how; says which have not when it takes longer than `withinMs`. */
  async ended(ids: readonly string[], withinMs = 30_000): Promise<ReadonlyMap<string, OutcomeRecord>> {
    const untilMs = systemClock.monotonicMs() + withinMs
    for (;;) {
      const ends = endsOf(await this.outcomes().catch(() => this.#outcomes)) // a broker may be away: looked at again
      const missing = ids.filter(id => !ends.has(id))
      if (missing.length === 0) return ends
      if (systemClock.monotonicMs() > untilMs) throw await this.#notEnded(missing, ids.length, withinMs)
      await systemClock.sleep(LOOK_MS)
    }
  }

  async #notEnded(missing: readonly string[], inAll: number, withinMs: number): Promise<ErrandError> {
    const shown = await Promise.all(
      missing.slice(0, IDS_SHOWN).map(async id => {
        const now = await this.storage
          .getActivity({ id })
          .catch((error: unknown) => ({ status: String(error), attempt: 0 }))
        return `${id} (${now?.status ?? 'unknown'}, attempt ${now?.attempt ?? 0})`
      }),
    )
    const text = `${missing.length} of ${inAll} have not ended within ${withinMs} ms: ${shown.join(', ')}. ${runAlone()}`
    return new ErrandError('timeout', text)
  }

  async #readOn(): Promise<void> {
    const topic = outcomesTopic(this.namespace)
    for (const { partition, high } of await this.#reader.bounds(topic)) {
      const from = this.#positions.get(partition) ?? 0
      if (from >= high) continue
      const found: OutcomeRecord[] = []
      const onRecord = ({ value }: LogRecord): void => void found.push(decodeOutcome(value))
      await this.#reader.scan({ topic, partition, from, to: high, maxRecords: high - from, onRecord })
      this.#positions.set(partition, high)
      this.#outcomes.push(...found)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage.close()
    await this.#reader.stop()
    if (this.#isShared) await dropTopics(this.namespace)
  }
}

/** The terminal outcome of each activity that has one. */
function endsOf(outcomes: readonly OutcomeRecord[]): Map<string, OutcomeRecord> {
  return new Map(outcomes.filter(({ outcome }) => isTerminal(outcome)).map(outcome => [outcome.id, outcome]))
}

/** What breaks the promise of one accepted settlement for each attempt, and of one end for each activity; for messages. */
export function settledTwice(outcomes: readonly OutcomeRecord[]): string[] {
  const attempts = new Map<string, string>()
  const ends = new Map<string, number>()
  const broken: string[] = []
  for (const { id, attempt, outcome, leaseId } of outcomes) {
    // The same settlement may be on the log twice: that is how every crash window is closed.
    const settlement = `${outcome} by ${leaseId}`
    const before = attempts.get(`${id}:${attempt}`)
    if (before !== undefined && before !== settlement) broken.push(`${id} attempt ${attempt}: ${before}, ${settlement}`)
    attempts.set(`${id}:${attempt}`, settlement)
    if (!isTerminal(outcome)) continue
    const endedAt = ends.get(id)
    if (endedAt !== undefined && endedAt !== attempt) broken.push(`${id} ended with attempts ${endedAt} and ${attempt}`)
    ends.set(id, attempt)
  }
  return broken
}

/** How many attempts there are of each outcome. */
export function countOutcomes(outcomes: readonly OutcomeRecord[]): Record<string, number> {
  const counts: Record<string, number> = {}
  const settlements = new Map(outcomes.map(each => [`${each.id}:${each.attempt}`, each.outcome]))
  for (const outcome of settlements.values()) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** The command that runs the current test alone. */
export function runAlone(): string {
  const { testPath = '', currentTestName = '' } = expect.getState()
  const file = testPath.slice(Math.max(0, testPath.indexOf('test/')))
  return `Alone: npm test -- ${file} -t ${JSON.stringify(currentTestName.split(' > ').at(-1))}`
}
