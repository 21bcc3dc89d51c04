// Scheduled attempts: `ns.delay` is read into the due-time index, what is due goes to its lane, then its delay record gets
// a tombstone, then the index forgets it. Whoever stops in between is continued by another, with the same records.

import type { Activity, DelayRecord, PoisonRecord } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { crashPoint } from '../../core/crash-point.ts'
import { ErrandError, fromUnknown } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { delayKey, schedulerGroup } from '../../core/topics.ts'
import type { FetchedRecord } from '../../consumer/fetched-record.ts'
import { GroupConsumer } from '../../consumer/group-consumer.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { decodeActivity, encodeActivity } from '../../wire/activity-record.ts'
import { decodeDelay } from '../../wire/delay-record.ts'
import { readMarkers } from '../redis/markers.ts'
import type { DueEntry, IndexEntry } from '../redis/schedule.ts'
import { forget, index, takeDue } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { ScheduledReport } from '../storage.ts'
import type { ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import { poisonOf } from './lanes.ts'
import type { Publisher } from './publisher.ts'
import { settlementOf } from './settled.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** A dispatcher that does not finish within this is continued by another. */
const DISPATCH_CLAIM_MS = 10_000
/** How long the first step waits for what the log already holds. */
const FIRST_CATCH_UP_MS = 5_000
/** One sweep at a time, and not more often than this. */
const SWEEP_LOCK_MS = 30_000
const RETRY_MS = 500

/** Reads the schedule, and makes what is due ready. */
export class Scheduling {
  readonly #store: SideStore
  readonly #publisher: Publisher
  readonly #catalog: TopicCatalog
  readonly #admin: TopicAdmin
  readonly #reader: LogReader
  readonly #options: ResolvedKafkaStorageOptions
  readonly #clock: Clock
  readonly #logger: Logger
  #consumer: GroupConsumer | undefined
  #starting: Promise<void> | undefined
  #indexing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(parts: {
    store: SideStore
    publisher: Publisher
    catalog: TopicCatalog
    admin: TopicAdmin
    reader: LogReader
    options: ResolvedKafkaStorageOptions
  }) {
    this.#store = parts.store
    this.#publisher = parts.publisher
    this.#catalog = parts.catalog
    this.#admin = parts.admin
    this.#reader = parts.reader
    this.#options = parts.options
    this.#clock = parts.options.clock
    this.#logger = parts.options.logger
  }

  /** Moves up to `limit` due attempts to their lanes. */
  async dispatch(limit: number): Promise<ScheduledReport> {
    await this.#start()
    const { entries, nextDueInMs } = await takeDue(this.#store, { limit, claimMs: DISPATCH_CLAIM_MS })
    crashPoint('dispatch.taken')
    const readable = entries.flatMap(entry => this.#decode(entry))
    const types = await this.#catalog.declareEach(readable.map(({ activity }) => activity.type))
    const ready = readable.filter(({ activity }) => types.has(activity.type))
    const written = await this.#publisher.write(
      ready.map(({ activity, entry }) => this.#publisher.lane(activity, entry.envelope)),
    )
    crashPoint('dispatch.readied')
    const moved = ready.filter((_, at) => written[at]?.ok === true)
    await this.#bury(moved)
    const lost = written.find(answer => !answer.ok)
    if (lost !== undefined && !lost.ok) {
      this.#logger.warn('due attempts could not be made ready; they are due again soon', { error: lost.error.message })
    }
    return { moved: moved.length, nextDueInMs }
  }

  // Tombstones before forgetting: an entry that is forgotten first would come back with the next sweep.
  async #bury(moved: readonly { readonly activity: Activity; readonly entry: DueEntry }[]): Promise<void> {
    if (moved.length === 0) return
    await this.#publisher.writeAll(moved.map(({ entry }) => this.#publisher.tombstone(entry.member, entry.partition)))
    crashPoint('dispatch.tombstoned')
    await forget(
      this.#store,
      moved.map(({ activity, entry }) => ({ member: entry.member, activity })),
    )
  }

  #decode(entry: DueEntry): { activity: Activity; entry: DueEntry }[] {
    try {
      return [{ activity: decodeActivity(entry.envelope), entry }]
    } catch (error) {
      this.#logger.error('a due attempt cannot be read; it stays in the index', {
        member: entry.member,
        error: String(error),
      })
      return []
    }
  }

  /** Reads the delay topic from the group's position on. The first call waits until what is there already is indexed. */
  #start(): Promise<void> {
    this.#starting ??= this.#join().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #join(): Promise<void> {
    const { namespace, kafka, sessionTimeoutMs, maxWaitMs, commitIntervalMs } = this.#options
    const { delay } = this.#catalog.shared()
    const consumer = new GroupConsumer({
      settings: kafka,
      groupId: schedulerGroup(namespace),
      topics: [delay],
      clock: this.#clock,
      logger: this.#logger,
      sessionTimeoutMs,
      heartbeatMs: Math.max(200, Math.floor(sessionTimeoutMs / 5)),
      rebalanceTimeoutMs: sessionTimeoutMs * 2,
      maxWaitMs,
      commitIntervalMs,
      onRecords: records => this.#receive(records),
      onFatal: error => this.#logger.error('the scheduler is dead for good', { error: error.message }),
    })
    const ends = await this.#admin.offsets(delay)
    await consumer.start()
    this.#consumer = consumer
    await consumer.waitForPosition(
      ends.map(({ partition, high }) => ({ topic: delay, partition, offset: high })),
      FIRST_CATCH_UP_MS,
    )
    await this.#indexing
  }

  // One after another, so that a tombstone never overtakes its record.
  #receive(records: readonly FetchedRecord[]): void {
    this.#indexing = this.#indexing.then(() => this.#indexUntilDone(records))
  }

  async #indexUntilDone(records: readonly FetchedRecord[]): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#apply(records)
        this.#consumer?.finishMany(records)
        return
      } catch (error) {
        this.#logger.warn('the schedule could not be indexed; trying again', { error: String(error) })
        await this.#clock.sleep(RETRY_MS)
      }
    }
  }

  // Poison stays in the log: only who consumes it sets it aside, not every sweep anew.
  async #apply(records: readonly (FetchedRecord | LogRecord)[], isSweep = false): Promise<number> {
    // Of several records of one key only the last counts: what has its tombstone right behind it is never indexed.
    const latest = new Map(records.map(record => [Buffer.from(record.key ?? []).toString('utf8'), record]))
    const entries: IndexEntry[] = []
    const buried: { member: string; activity: null }[] = []
    const poison: PoisonRecord[] = []
    for (const [member, record] of latest) {
      if (record.value === null) {
        buried.push({ member, activity: null })
        continue
      }
      try {
        const delay = decodeUnderKey(record.value, member)
        entries.push({ record: delay, partition: record.partition, envelope: encodeActivity(delay.activity) })
      } catch (error) {
        poison.push(poisonOf(record, fromUnknown(error, 'serialization'), this.#clock.nowMs()))
      }
    }
    if (poison.length > 0 && !isSweep) await this.#publisher.writePoison(poison)
    if (buried.length > 0) await forget(this.#store, buried)
    const answers = await index(this.#store, entries)
    const over = entries.filter((_, at) => answers[at] === 'over')
    if (over.length > 0) await this.#finishOver(over)
    return answers.filter(answer => answer === 'indexed').length
  }

  // The rule for `done` records, for what never came to a lane: whoever cancelled it may have died before Kafka was told.
  async #finishOver(over: readonly IndexEntry[]): Promise<void> {
    const activities = over.map(({ record }) => record.activity)
    const markers = await readMarkers(
      this.#store,
      activities.map(({ id }) => id),
    )
    const outcomes = activities.flatMap((activity, at) => {
      const settlement = settlementOf(activity, null, markers[at] ?? null)
      return settlement?.outcome === 'cancelled' ? this.#publisher.settlement(settlement) : []
    })
    await this.#publisher.writeAll(outcomes)
    const tombstones = over.map(({ record: { activity }, partition }) =>
      this.#publisher.tombstone(delayKey(activity.id, activity.attempt), partition),
    )
    await this.#publisher.writeAll(tombstones)
  }

  /** Re-reads the schedule's log and restores what the index lacks, unless another process is at it. Gives the number restored. */
  async sweep(): Promise<number> {
    let restored = 0
    await this.alone(async () => {
      restored = await this.restore()
    })
    return restored
  }

  /** Does something that one process at a time should do; false when another is at it. */
  async alone(work: () => Promise<void>): Promise<boolean> {
    const { redis } = this.#store.main
    const isMine = await this.#store.main.guard('the sweep lock', () =>
      redis.set(this.#store.keys.sweep, '1', 'PX', SWEEP_LOCK_MS, 'NX'),
    )
    if (isMine !== 'OK') return false
    try {
      await work()
    } finally {
      // Not fenced: should it have run over its time, two of them at once do the same work twice, which changes nothing.
      await this.#store.main.guard('the sweep lock', () => redis.del(this.#store.keys.sweep))
    }
    return true
  }

  /** Re-reads the whole compacted topic and restores what the index lacks. Gives the number restored. */
  async restore(): Promise<number> {
    let restored = 0
    const { delay } = this.#catalog.shared()
    for (const { partition, low, high } of await this.#reader.bounds(delay)) {
      // Only what the end, read beforehand, still holds: what is dispatched meanwhile has its tombstone beyond it.
      const latest = new Map<string, LogRecord>()
      await this.#reader.scan({
        topic: delay,
        partition,
        from: low,
        to: high,
        maxRecords: high - low,
        onRecord: record => {
          const member = Buffer.from(record.key ?? []).toString('utf8')
          if (record.value === null) latest.delete(member)
          else latest.set(member, record)
        },
      })
      const live = [...latest.values()]
      for (let at = 0; at < live.length; at += LIMITS.scriptBatchMax) {
        restored += await this.#apply(live.slice(at, at + LIMITS.scriptBatchMax), true)
      }
    }
    return restored
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#starting?.catch(() => undefined) // whoever asked for it has the error
    await this.#indexing
    await this.#consumer?.stop()
  }
}

/** Under another key its tombstone would not reach it, and every sweep would bring it back. */
function decodeUnderKey(value: Uint8Array, member: string): DelayRecord {
  const record = decodeDelay(value)
  const { id, attempt } = record.activity
  if (member === delayKey(id, attempt)) return record
  throw new ErrandError('serialization', `the delay record of ${id}, attempt ${attempt}, stands under another key.`, {
    details: { reason: 'wrong_key' },
  })
}
