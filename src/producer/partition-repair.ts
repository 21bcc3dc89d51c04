// What happens to the records of one partition after a request that carried them failed or did not cover them. From then
// on they travel alone, one request at a time and in their order, so that neither they harm other partitions nor a
// healthy partition is written again and again because of its neighbour. It ends when nothing is left:
//
//   written                          -> answered with offsets, the next ones go
//   too large, refused by content    -> halved, until a lone offender is refused
//   topic or partition unknown       -> a new producer; still unknown after some looks: not_found
//   broker away, leader moving, …    -> again after a pause, until the deadlines of the records have passed
//   not allowed                      -> refused

import type { Clock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import { PRODUCER_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { checkCoverage, settleWritten } from './coverage.ts'
import type { Part } from './coverage.ts'
import { fromKafka } from './kafka-client.ts'
import type { ProducerClient, ProducerClients } from './producer-clients.ts'
import type { Entry } from './write-call.ts'

const RETRY_MS_FIRST = 100
const RETRY_MS_MAX = 2_000

/** What was just made may be unknown to some brokers for a moment: looks of fresh producers before `not_found`, 1.3 s. */
const LOOKS = 4
const LOOK_MS_FIRST = 100
const LOOK_MS_FACTOR = 3

/** What a repair needs around it. */
export interface RepairSurroundings {
  readonly clients: ProducerClients
  readonly clock: Clock
  readonly logger: Logger
  /** Told of each failure that is tried again, for the message of a deadline that passes meanwhile. */
  readonly onFailure: (error: ErrandError) => void
}

interface Batch {
  readonly entries: Entry[]
  bytes: number
}

/** The records of one partition in trouble. */
export class PartitionRepair {
  readonly #topic: string
  readonly #partition: number
  readonly #around: RepairSurroundings
  /** The producer whose request failed first: a later one has a fresh picture of the cluster. */
  readonly #brokenGeneration: number
  #looksLeft: number
  #lookMs = LOOK_MS_FIRST
  /** The last answer said nothing about the partition: that producer will not look for it again by itself. */
  #wasLeftOut = false
  #retryMs = RETRY_MS_FIRST
  /** In the order in which they go; each fits a request. */
  readonly #batches: Batch[] = []
  /** The batch under way takes no more records. */
  #sending: Batch | undefined

  /** `knownMissing`: a fresh producer has just said so, and one look is enough. */
  constructor(
    place: {
      readonly topic: string
      readonly partition: number
      readonly generation: number
      readonly knownMissing: boolean
    },
    around: RepairSurroundings,
  ) {
    this.#topic = place.topic
    this.#partition = place.partition
    this.#around = around
    this.#brokenGeneration = place.knownMissing ? 0 : place.generation
    this.#looksLeft = place.knownMissing ? 1 : LOOKS
  }

  /** Puts records behind those that wait here already. */
  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const last = this.#batches.at(-1)
      if (
        last === undefined ||
        last === this.#sending ||
        last.bytes + entry.bytes > PRODUCER_LIMITS.partitionBatchBytesMax
      ) {
        this.#dropGivenUp()
        this.#batches.push({ entries: [entry], bytes: entry.bytes })
      } else {
        last.entries.push(entry)
        last.bytes += entry.bytes
      }
    }
  }

  // A broker that does not answer keeps the first for 10 s, and whole batches behind it pass their deadlines meanwhile. The
  // first stays, answered or not: whoever runs takes it away by its place.
  #dropGivenUp(): void {
    const [first, ...others] = this.#batches
    if (first === undefined) return
    const waiting = others.filter(({ entries }) => entries.some(entry => !entry.call.hasAnswer(entry.index)))
    if (waiting.length < others.length) this.#batches.splice(0, this.#batches.length, first, ...waiting)
  }

  /** True when nothing waits here. */
  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  /** Runs until nothing is left; says whether the partition turned out not to exist. `reason` is the first failure. */
  async run(reason: ErrandError): Promise<'repaired' | 'missing'> {
    if (isPassing(reason)) await this.#pause(reason)
    let ending: 'repaired' | 'missing' = 'repaired'
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
      await this.#around.clients.whenSettled()
      const client = this.#around.clients.current
      const failure = await this.#send(client, batch)
      ending = 'repaired'
      if (failure === undefined) this.#onWritten()
      else if (failure.code === 'not_found') ending = await this.#onUnknown(client, failure)
      else if (isPassing(failure)) await this.#pause(failure)
      else this.#onRefused(batch, failure)
    }
    return ending
  }

  /** The first batch, less what its deadline has answered; undefined when nothing waits. */
  #next(): Batch | undefined {
    for (let first = this.#batches[0]; first !== undefined; first = this.#batches[0]) {
      const waiting = first.entries.filter(entry => !entry.call.hasAnswer(entry.index))
      if (waiting.length > 0) return (this.#batches[0] = batchOf(waiting))
      this.#batches.shift()
    }
    return undefined
  }

  async #send(client: ProducerClient, batch: Batch): Promise<ErrandError | undefined> {
    const part: Part = { topic: this.#topic, partition: this.#partition, entries: batch.entries }
    this.#sending = batch
    this.#wasLeftOut = false
    try {
      const { written } = checkCoverage([part], await client.send([part]))
      for (const one of written) settleWritten(one)
      this.#wasLeftOut = written.length === 0
      return written.length > 0 ? undefined : this.#unknownPartition()
    } catch (error) {
      return this.#translate(error)
    } finally {
      this.#sending = undefined
    }
  }

  #onWritten(): void {
    this.#batches.shift()
    this.#retryMs = RETRY_MS_FIRST
    this.#looksLeft = LOOKS
    this.#lookMs = LOOK_MS_FIRST
  }

  async #onUnknown(client: ProducerClient, failure: ErrandError): Promise<'repaired' | 'missing'> {
    const isFresh = client.generation > this.#brokenGeneration
    if (isFresh && --this.#looksLeft <= 0) {
      // What came meanwhile belongs nowhere either.
      for (const batch of this.#batches.splice(0)) refuse(batch, failure)
      return 'missing'
    }
    this.#around.onFailure(failure)
    if (isFresh) {
      await this.#around.clock.sleep(this.#lookMs)
      this.#lookMs *= LOOK_MS_FACTOR
    }
    if (!isFresh || this.#wasLeftOut) {
      await this.#around.clients.renew(client, failure.message)
      // The brokers did not answer: the old producer is still there, and asking it again at once would spin.
      if (this.#around.clients.current === client) await this.#pause(failure)
    }
    return 'repaired'
  }

  #onRefused(batch: Batch, failure: ErrandError): void {
    const { entries } = batch
    const isByContent = failure.code === 'payload_too_large' || failure.code === 'invalid_argument'
    this.#batches.shift()
    if (!isByContent || entries.length === 1) return refuse(batch, failure)
    const half = entries.length >>> 1
    this.#batches.unshift(batchOf(entries.slice(0, half)), batchOf(entries.slice(half)))
  }

  async #pause(failure: ErrandError): Promise<void> {
    this.#around.onFailure(failure)
    await this.#around.clock.sleep(this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
  }

  #translate(error: unknown): ErrandError {
    return fromKafka(error, `writing to ${this.#topic}, partition ${this.#partition}`, {
      topic: this.#topic,
      partition: this.#partition,
    })
  }

  #unknownPartition(): ErrandError {
    const [topic, partition] = [this.#topic, this.#partition]
    return new ErrandError(
      'not_found',
      `topic ${topic} has no partition ${partition}. Check the number of partitions that its writers use.`,
      { details: { topic, partition } },
    )
  }
}

/** True for trouble that may be over at the next try. A defect of the client's own may be one of a moment as well. */
function isPassing(error: ErrandError): boolean {
  return error.code === 'unavailable' || error.code === 'timeout' || error.code === 'internal'
}

function refuse(batch: Batch, error: ErrandError): void {
  for (const entry of batch.entries) entry.call.settle(entry.index, { ok: false, error })
}

function batchOf(entries: Entry[]): Batch {
  return { entries, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0) }
}
