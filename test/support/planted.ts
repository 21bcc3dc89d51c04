// A namespace in which bad records are planted by a foreign producer, and what becomes of them: what the DLQ holds of each,
// and whether what stands around them is claimed.

import type { Admin } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { expect } from 'vitest'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { dlqTopic } from '../../src/core/topics.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { decodeDlq } from '../../src/wire/dead-letter-record.ts'
import type { PoisonRow } from './bad-record-rows.ts'
import { settled } from './consuming.ts'
import { ForeignProducer } from './foreign-producer.ts'
import { ObservedNamespace, runAlone } from './observed-namespace.ts'
import { kafkaBrokers } from './stack.ts'

/** What is claimed here stays claimed until its test has settled it. */
const LEASE_MS = 120_000
const CLAIM_MS_MAX = 20_000

interface Letter {
  readonly value: Uint8Array | null
  readonly reason: string
}

/** A namespace with planted records. Disposing it takes its topics away. */
export class PlantedNamespace implements AsyncDisposable {
  readonly observed: ObservedNamespace
  /** Subscribed to the types. */
  readonly storage: KafkaStorage
  readonly foreign: ForeignProducer = new ForeignProducer()
  readonly admin: Admin
  readonly #places = new Map<PoisonRow, string>()
  #letters: ReadonlyMap<string, readonly Letter[]> = new Map()

  static async open(types: readonly string[]): Promise<PlantedNamespace> {
    const observed = await ObservedNamespace.open({ types, partitions: 2 })
    const storage = await observed.openAnother({ commitIntervalMs: 100 })
    const admin = new Kafka({ brokers: kafkaBrokers(), clientId: 'foreign-admin', logLevel: logLevel.NOTHING }).admin()
    await Promise.all([storage.subscribe({ types }), admin.connect()])
    return new PlantedNamespace(observed, storage, admin)
  }

  private constructor(observed: ObservedNamespace, storage: KafkaStorage, admin: Admin) {
    this.observed = observed
    this.storage = storage
    this.admin = admin
  }

  get namespace(): string {
    return this.observed.namespace
  }

  /** Writes each in a batch of its own, all into one partition. */
  async plant(topic: string, rows: readonly PoisonRow[]): Promise<void> {
    const planting = rows.map(async row => {
      this.#places.set(row, await this.foreign.send(topic, { key: row.key ?? row.name, value: row.value }))
    })
    await Promise.all(planting)
  }

  /** Writes all in one batch, in order, into one partition. */
  async plantTogether(topic: string, rows: readonly PoisonRow[]): Promise<void> {
    const records = rows.map(({ key, name, value }) => ({ key: key ?? name, value }))
    const places = await this.foreign.sendTogether(topic, records)
    for (const [at, row] of rows.entries()) this.#places.set(row, places[at] ?? '')
  }

  /** Reads what the DLQ holds now. */
  async harvest(): Promise<void> {
    const letters = new Map<string, Letter[]>()
    for (const { value, headers } of await this.observed.records(dlqTopic(this.namespace))) {
      const letter = decodeDlq(value, headers)
      if (letter.kind !== 'poison') continue
      const { source, reason } = letter.record
      const place = `${source.topic}/${source.partition}/${source.offset}`
      letters.set(place, [...(letters.get(place) ?? []), { value, reason }])
    }
    this.#letters = letters
  }

  /** Of a planted row there is exactly one letter, from its place, for its reason, with its very bytes. */
  check(row: PoisonRow): void {
    const found = this.#letters.get(this.#places.get(row) ?? '') ?? []
    expect(found.map(({ reason }) => reason)).toEqual([row.reason])
    const [given, kept] = [row.value ?? Buffer.alloc(0), found[0]?.value ?? Buffer.alloc(0)]
    expect(Buffer.compare(given, kept), 'its bytes').toBe(0)
  }

  /** Claims until so many are there; what is due is made ready meanwhile. */
  async claim(count: number): Promise<ClaimedAttempt[]> {
    const found: ClaimedAttempt[] = []
    const untilMs = systemClock.monotonicMs() + CLAIM_MS_MAX
    while (found.length < count && systemClock.monotonicMs() < untilMs) {
      await this.storage.processScheduled({ limit: 1_000 })
      const limit = count - found.length
      found.push(...(await this.storage.dequeue({ workerId: 'w', timeoutMs: 200, limit, leaseMs: LEASE_MS })))
    }
    expect(found.length, `attempts claimed. ${runAlone()}`).toBe(count)
    return found
  }

  async complete(attempts: readonly ClaimedAttempt[]): Promise<void> {
    const leases = attempts.map(({ activity: { id }, leaseId }) => ({ id, leaseId, resultJson: 'null' }))
    const answers = await this.storage.ackSuccess({ leases })
    expect(new Set(answers)).toEqual(new Set(['settled']))
  }

  /** Fails them; each must come out so. */
  async fail(attempts: readonly ClaimedAttempt[], outcome: 'retrying' | 'dead_letter'): Promise<void> {
    const failure = { kind: 'retryable', error: { name: 'Error', message: 'as planned' } } as const
    const answers = await Promise.all(
      attempts.map(({ activity: { id }, leaseId }) => this.storage.ackFailure({ id, leaseId, failure })),
    )
    expect(new Set(answers.map(answer => answer.outcome))).toEqual(new Set([outcome]))
  }

  /** Waits until a group has committed the end of a topic: nothing of it is left to be looked at. */
  committed(groupId: string, topic: string): Promise<void> {
    return settled(async () => {
      const [of] = await this.admin.fetchOffsets({ groupId, topics: [topic] })
      const ends = await this.admin.fetchTopicOffsets(topic)
      const offsetOf = (partition: number): string | undefined =>
        of?.partitions.find(each => each.partition === partition)?.offset
      return ends.every(({ partition, high }) => high === '0' || offsetOf(partition) === high)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.foreign[Symbol.asyncDispose]()
    await Promise.all([this.admin.disconnect(), this.storage.close()])
    await this.observed[Symbol.asyncDispose]()
  }
}
