// Gathers the records of concurrent writes into few requests without making a lone one wait:
//
//   nothing under way        -> send in this turn of the event loop, so that what is written together goes together
//   something under way      -> gather for the linger, or until enough waits, or until an answer arrives
//   all slots under way      -> gather until an answer arrives
//
// Requests to one broker go over one connection in the order in which they were started, so records of a partition are
// appended in the order of the write() calls. Two things could let a later request overtake: two started in one turn of
// the event loop, and one that has to ask for the cluster's picture first. Hence one start per turn, and such a request
// holds up the next until it is answered. After a failure a partition is repaired apart from all others.

import type { Clock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import { PRODUCER_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { checkCoverage, partKey, settleWritten } from './coverage.ts'
import type { Part } from './coverage.ts'
import { EntryQueue } from './entry-queue.ts'
import { fromKafka } from './kafka-client.ts'
import { PartitionRepair } from './partition-repair.ts'
import type { RepairSurroundings } from './partition-repair.ts'
import type { ProducerClient, ProducerClients } from './producer-clients.ts'
import { RequestBuilder } from './request-builder.ts'
import type { Entry } from './write-call.ts'

/** How long a partition that does not exist is refused without asking a new producer again. Unit: ms. */
const MISSING_MS = 2_000

/** What waits, what is under way, what is being repaired. */
export class MicroBatcher {
  readonly #clients: ProducerClients
  readonly #clock: Clock
  readonly #lingerMs: number
  readonly #around: RepairSurroundings
  readonly #queue = new EntryQueue()
  #underWay = 0
  /** A request that may wait for the cluster's picture is under way. */
  #isHeldUp = false
  #isTurnPlanned = false
  #isAwaitingSwap = false
  #cancelLinger: (() => void) | undefined
  readonly #repairs = new Map<string, PartitionRepair>()
  /** Partitions that do not exist, until when that is believed. */
  readonly #missingUntilMs = new Map<string, number>()

  constructor(options: {
    readonly clients: ProducerClients
    readonly clock: Clock
    readonly logger: Logger
    readonly lingerMs: number
    readonly onFailure: (error: ErrandError) => void
  }) {
    this.#clients = options.clients
    this.#clock = options.clock
    this.#lingerMs = options.lingerMs
    this.#around = options
  }

  /** Adds records; they leave in this order. */
  add(entries: readonly Entry[]): void {
    this.#queue.push(entries)
    this.#plan()
  }

  #canSend(): boolean {
    return this.#underWay < PRODUCER_LIMITS.requestsInFlightMax && !this.#isHeldUp && !this.#clients.isRenewing
  }

  #plan(wasAnswered = false): void {
    const waiting = this.#queue.records
    if (waiting === 0 || this.#isTurnPlanned) return
    if (this.#clients.isRenewing) return this.#planAfterSwap()
    if (!this.#canSend()) return
    if (wasAnswered || this.#underWay === 0 || this.#lingerMs === 0 || waiting >= PRODUCER_LIMITS.enoughRecords) {
      this.#cancelLinger?.()
      this.#planTurn()
    } else {
      this.#cancelLinger ??= this.#clock.after(this.#lingerMs, () => this.#planTurn())
    }
  }

  #planAfterSwap(): void {
    if (this.#isAwaitingSwap) return
    this.#isAwaitingSwap = true
    void this.#clients.whenSettled().then(() => {
      this.#isAwaitingSwap = false
      this.#plan()
    })
  }

  /** The end of this turn of the event loop: not a matter of time, so not of the clock. */
  #planTurn(): void {
    this.#cancelLinger = undefined
    this.#isTurnPlanned = true
    setImmediate(() => {
      this.#isTurnPlanned = false
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (!this.#canSend()) return
    const parts = this.#take()
    if (parts.length > 0) void this.#send(this.#clients.current, parts)
    this.#plan()
  }

  #take(): readonly Part[] {
    const builder = new RequestBuilder()
    this.#queue.take(entry => {
      if (!this.#isApart(entry)) return builder.tryAdd(entry)
      this.#setApart(entry)
      return true
    })
    return builder.parts()
  }

  /** True for a partition in trouble, and for one that was just found not to exist: neither may harm a request of others. */
  #isApart({ topic, partition }: Entry): boolean {
    if (this.#repairs.size === 0 && this.#missingUntilMs.size === 0) return false
    const key = partKey(topic, partition)
    return this.#repairs.has(key) || this.#isKnownMissing(key)
  }

  #setApart(entry: Entry): void {
    const { topic, partition } = entry
    this.#repair(this.#clients.current, { topic, partition, entries: [entry] }, notCovered(entry))
  }

  #isKnownMissing(key: string): boolean {
    return (this.#missingUntilMs.get(key) ?? 0) > this.#clock.monotonicMs()
  }

  /** Never rejects: what fails is repaired. */
  async #send(client: ProducerClient, parts: readonly Part[]): Promise<void> {
    const holdsUp = client.mayRefresh(parts)
    this.#underWay++
    if (holdsUp) this.#isHeldUp = true
    try {
      const { written, missing } = checkCoverage(parts, await client.send(parts))
      for (const one of written) settleWritten(one)
      for (const part of missing) this.#repair(client, part, notCovered(part))
    } catch (error) {
      const failure = fromKafka(error, `writing to ${parts.length} partitions`)
      for (const part of parts) this.#repair(client, part, failure)
    } finally {
      this.#underWay--
      if (holdsUp) this.#isHeldUp = false
      this.#plan(true)
    }
  }

  #repair(client: ProducerClient, part: Part, reason: ErrandError): void {
    const key = partKey(part.topic, part.partition)
    const running = this.#repairs.get(key)
    if (running !== undefined) return running.add(part.entries)
    const repair = new PartitionRepair(
      {
        topic: part.topic,
        partition: part.partition,
        generation: client.generation,
        knownMissing: this.#isKnownMissing(key),
      },
      this.#around,
    )
    this.#repairs.set(key, repair)
    repair.add(part.entries)
    void this.#runRepair(key, repair, reason)
  }

  async #runRepair(key: string, repair: PartitionRepair, reason: ErrandError): Promise<void> {
    let ending: 'repaired' | 'missing'
    // Records may have been added between the end of a run and this line.
    do ending = await repair.run(reason)
    while (!repair.isEmpty)
    this.#repairs.delete(key)
    if (ending === 'missing') this.#rememberMissing(key)
    this.#plan() // a swap may have held up what waits
  }

  #rememberMissing(key: string): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [other, untilMs] of this.#missingUntilMs) if (untilMs <= nowMs) this.#missingUntilMs.delete(other)
    this.#missingUntilMs.set(key, nowMs + MISSING_MS)
  }
}

function notCovered({ topic, partition }: Pick<Part, 'topic' | 'partition'>): ErrandError {
  return new ErrandError('not_found', `Kafka's answer says nothing about partition ${partition} of ${topic}.`, {
    details: { topic, partition },
  })
}
