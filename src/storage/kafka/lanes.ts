// The consuming side of the storage: a group per type, its records decoded into the lane buffers, poison set aside.
//
//   fetched ──▶ waiting ──claim──▶ claimed ──settle──▶ finished (its offset may be committed)
//                  ▲  └─held─▶ held ──▶ (looked at again) ──▶ waiting | done ──▶ finished
//                  └──release──────┘
//
// Invariant: a record is finished only when Kafka remembers what became of its attempt.

import type { Coordinates, PoisonRecord } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { ErrandError, fromUnknown } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import { laneTopic, laneTopics, workersGroup } from '../../core/topics.ts'
import type { FetchedRecord, LogRecord } from '../../consumer/fetched-record.ts'
import { GroupConsumer } from '../../consumer/group-consumer.ts'
import { marksOfTypes } from '../../consumer/watermark.ts'
import { readActivity } from '../../wire/activity-record.ts'
import type { ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import type { LaneEntry } from './lane-buffers.ts'
import { LaneBuffers } from './lane-buffers.ts'
import type { Publisher } from './publisher.ts'

/** How long poison waits before it is offered to the DLQ again. */
const POISON_RETRY_MS = 1_000

/** Groups and buffers of the subscribed types. */
export class Lanes {
  readonly buffers: LaneBuffers = new LaneBuffers()
  readonly #options: ResolvedKafkaStorageOptions
  readonly #publisher: Publisher
  readonly #consumers = new Map<string, GroupConsumer>()
  /** By topic, of the subscribed types. */
  readonly #lanes = new Map<string, { readonly type: string; readonly priority: Priority }>()
  readonly #joining = new Map<string, Promise<void>>()
  readonly #dead = new Map<string, ErrandError>()
  readonly #wakers = new Set<() => void>()
  readonly #clock: Clock
  readonly #logger: Logger
  #isClosed = false

  constructor(options: ResolvedKafkaStorageOptions, publisher: Publisher) {
    this.#options = options
    this.#publisher = publisher
    this.#clock = options.clock
    this.#logger = options.logger
  }

  get types(): readonly string[] {
    return [...this.#consumers.keys()]
  }

  /** Joins the groups of these types. */
  async subscribe(types: readonly string[]): Promise<void> {
    if (this.#isClosed) throw new ErrandError('conflict', 'the storage was closed; open a new one.')
    const marks = marksOfTypes(new Set([...this.#joining.keys(), ...types]).size)
    await Promise.all(
      types.map(type => {
        const joining = this.#joining.get(type) ?? this.#join(type, marks)
        this.#joining.set(type, joining)
        joining.catch(() => this.#joining.delete(type))
        return joining
      }),
    )
  }

  async #join(type: string, marks: ReturnType<typeof marksOfTypes>): Promise<void> {
    const { namespace, kafka, clock, logger, telemetry } = this.#options
    this.buffers.add(type)
    for (const priority of PRIORITIES) this.#lanes.set(laneTopic(namespace, type, priority), { type, priority })
    const consumer = new GroupConsumer({
      settings: kafka,
      groupId: workersGroup(namespace, type),
      topics: laneTopics(namespace, type),
      clock,
      logger,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      heartbeatMs: Math.max(200, Math.floor(this.#options.sessionTimeoutMs / 5)),
      rebalanceTimeoutMs: this.#options.sessionTimeoutMs * 2,
      maxWaitMs: this.#options.maxWaitMs,
      commitIntervalMs: this.#options.commitIntervalMs,
      ...marks,
      onRecords: records => this.#receive(records),
      onRevoked: () => this.buffers.dropLost(type),
      onChurn: what => telemetry.count(what, 1, { type }),
      onFatal: error => {
        logger.error('a consumer is dead for good', { type, error: error.message })
        this.#dead.set(type, error)
        this.#wake()
      },
    })
    await consumer.start()
    this.#consumers.set(type, consumer)
  }

  /** Why nothing of these types will ever be fetched again, when that is so of all of them. */
  deathOf(types: readonly string[]): ErrandError | undefined {
    const deaths = types.map(type => this.#dead.get(type))
    return deaths.every(death => death !== undefined) ? deaths[0] : undefined
  }

  /** Of each subscribed type, why it will never be consumed here again; null: it is, or will be once Kafka is back. */
  health(): readonly { readonly type: string; readonly death: string | null }[] {
    return [...this.#consumers].map(([type, consumer]) => {
      const stuck = consumer.isHealthy() ? null : 'the group does not let this process in any more'
      return { type, death: this.#dead.get(type)?.message ?? stuck }
    })
  }

  consumer(type: string): GroupConsumer | undefined {
    return this.#consumers.get(type)
  }

  consumers(): readonly GroupConsumer[] {
    return [...this.#consumers.values()]
  }

  /** Gives an entry (back) to those who wait. */
  offer(entry: LaneEntry): void {
    this.buffers.push(entry)
    this.#wake()
  }

  /** Marks records as finished: their offsets may be committed. */
  finish(entries: readonly LaneEntry[]): void {
    for (const { record } of entries) this.#consumerOf(record)?.finish(record)
  }

  /** Calls back once when something becomes ready; the function given stops it. */
  onReady(callback: () => void): () => void {
    this.#wakers.add(callback)
    return () => this.#wakers.delete(callback)
  }

  /** Stops fetching; what is claimed goes on. */
  pauseIntake(): void {
    for (const consumer of this.#consumers.values()) consumer.pauseIntake()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#joining.values()) // one that still joins would stay in its group for ever
    await Promise.all([...this.#consumers.values()].map(consumer => consumer.stop()))
  }

  #wake(): void {
    const wakers = [...this.#wakers]
    this.#wakers.clear()
    for (const wake of wakers) wake()
  }

  #consumerOf({ topic }: FetchedRecord): GroupConsumer | undefined {
    const lane = this.#lanes.get(topic)
    return lane === undefined ? undefined : this.#consumers.get(lane.type)
  }

  #receive(records: readonly FetchedRecord[]): void {
    for (const record of records) {
      try {
        this.buffers.push(this.#decode(record))
      } catch (error) {
        this.#setAside(record, fromUnknown(error, 'serialization'))
      }
    }
    this.#wake()
  }

  #decode(record: FetchedRecord): LaneEntry {
    const { activity, envelope } = readActivity(record.value)
    const lane = this.#lanes.get(record.topic)
    if (lane?.type !== activity.type || lane.priority !== activity.priority) {
      throw new ErrandError(
        'serialization',
        `a record of ${activity.type} at ${activity.priority} stands in ${record.topic}.`,
        {
          details: { reason: 'wrong_lane' },
        },
      )
    }
    return { record, activity, envelope, leaseId: null, heldLooks: 0 }
  }

  // A record that is none of ours goes to the DLQ with its raw bytes; only then is its offset finished.
  #setAside(record: FetchedRecord, error: ErrandError): void {
    const poison = poisonOf(record, error, this.#clock.nowMs())
    this.#logger.warn('poison record', { ...poison.source, reason: error.message })
    const publish = async (): Promise<void> => {
      while (!this.#isClosed && record.epoch.isOpen) {
        try {
          await this.#publisher.writePoison([poison])
          this.#consumerOf(record)?.finish(record)
          return
        } catch (failure) {
          this.#logger.error('poison could not be written to the DLQ', { error: String(failure) })
          await this.#clock.sleep(POISON_RETRY_MS)
        }
      }
    }
    publish().catch((failure: unknown) => this.#logger.error('setting poison aside failed', { error: String(failure) }))
  }
}

/** Where a fetched record stands. */
export function coordinatesOf(record: Pick<FetchedRecord, 'topic' | 'partition' | 'offset'>): Coordinates {
  return { topic: record.topic, partition: record.partition, offset: String(record.offset) }
}

/** A record that is none of ours, and in a word why. */
export function poisonOf(record: FetchedRecord | LogRecord, error: ErrandError, atMs: number): PoisonRecord {
  const { value, key } = record
  const { reason } = error.details
  return { reason: typeof reason === 'string' ? reason : 'invalid', source: coordinatesOf(record), value, key, atMs }
}
