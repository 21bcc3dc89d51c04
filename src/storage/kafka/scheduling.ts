// Scheduled attempts: `ns.delay` is read into the due-time index, what is due goes to its lane, then its delay record gets
// a tombstone, then the index forgets it. Whoever stops in between is continued by another, with the same records.

import { randomUUID } from 'node:crypto'
import type { Activity, PoisonRecord } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import { fromUnknown } from '../../core/errors.ts'
import { LIMITS, SCHEDULE_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { delayKey, schedulerGroup } from '../../core/topics.ts'
import type { FetchedRecord } from '../../consumer/fetched-record.ts'
import { GroupConsumer } from '../../consumer/group-consumer.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { readMarkers } from '../redis/markers.ts'
import type { DueEntry, IndexAnswer, IndexEntry } from '../redis/schedule.ts'
import { INDEX_START, forget, index, indexedMembers, indexedPartitions, takeDue } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { ScheduledReport } from '../storage.ts'
import { indexEntryOf, isHome, memberOf } from './delay-log.ts'
import type { ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import type { LogStretch } from './log-pages.ts'
import { poisonOf } from './lanes.ts'
import type { Publisher } from './publisher.ts'
import type { DueAttempt, Rehoming } from './rehoming.ts'
import { settlementOf } from './settled.ts'
import type { Standing } from './standing-records.ts'
import { standingOf, standingParts, standingRecords } from './standing-records.ts'
import type { TopicCatalog } from './topic-catalog.ts'
import type { Stranger } from './unknown-types.ts'
import { UnknownTypes } from './unknown-types.ts'

/** A dispatcher that does not finish within this is continued by another. */
const DISPATCH_CLAIM_MS = 10_000
/** How long the first step waits for what the log already holds. */
const FIRST_CATCH_UP_MS = 5_000
/** One sweep at a time, one recovery at a time. Another follows who dies at it after this. */
const LOCK_MS = 30_000
const RETRY_MS = 500

/** Reads the schedule, and makes what is due ready. */
export class Scheduling {
  readonly #store: SideStore
  readonly #publisher: Publisher
  readonly #rehoming: Rehoming
  readonly #catalog: TopicCatalog
  readonly #admin: TopicAdmin
  readonly #reader: LogReader
  readonly #options: ResolvedKafkaStorageOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #unknownTypes: UnknownTypes
  #consumer: GroupConsumer | undefined
  #starting: Promise<void> | undefined
  #indexing: Promise<void> = Promise.resolve()
  readonly #closed = new AbortController()

  constructor(parts: {
    store: SideStore
    publisher: Publisher
    rehoming: Rehoming
    catalog: TopicCatalog
    admin: TopicAdmin
    reader: LogReader
    options: ResolvedKafkaStorageOptions
  }) {
    this.#store = parts.store
    this.#publisher = parts.publisher
    this.#rehoming = parts.rehoming
    this.#catalog = parts.catalog
    this.#admin = parts.admin
    this.#reader = parts.reader
    this.#options = parts.options
    this.#clock = parts.options.clock
    this.#logger = parts.options.logger
    const { namespace, clock, logger } = parts.options
    const delayTopic = parts.catalog.shared().delay
    this.#unknownTypes = new UnknownTypes({ ...parts, namespace, delayTopic, clock, logger })
  }

  /** Moves up to `limit` due attempts to their lanes. */
  async dispatch(limit: number): Promise<ScheduledReport> {
    await this.#start()
    const { entries, nextDueInMs, atMs } = await crossing('dispatch.taken', () =>
      takeDue(this.#store, { limit, claimMs: DISPATCH_CLAIM_MS }),
    )
    const takenMs = this.#clock.monotonicMs()
    const readable = entries.flatMap(entry => this.#decode(entry))
    const types = await this.#catalog.declareEach(readable.map(({ activity }) => activity.type))
    const ready = await this.#rehoming.sift(readable.filter(({ activity }) => types.has(activity.type)))
    const strangers = readable.filter(({ activity }) => !types.has(activity.type))
    void this.#unknownTypes.judge(
      strangers.map(({ activity: { type }, entry: { member, partition } }) => ({
        member,
        type,
        partition,
        record: null,
      })),
    )
    const records = ready.map(({ activity, entry }) => this.#publisher.lane(activity, entry.envelope))
    const written = await crossing('dispatch.readied', () => this.#publisher.write(records))
    const moved = ready.filter((_, at) => written[at]?.ok === true)
    const latenessMs = latenessOf(moved, atMs + this.#clock.monotonicMs() - takenMs)
    await this.#bury(moved)
    const lost = written.find(answer => !answer.ok)
    if (lost !== undefined && !lost.ok) {
      this.#logger.warn('due attempts could not be made ready; they are due again soon', { error: lost.error.message })
    }
    return { moved: moved.length, nextDueInMs, latenessMs }
  }

  // Tombstones before forgetting: an entry that is forgotten first would come back with the next sweep.
  async #bury(moved: readonly { readonly activity: Activity; readonly entry: DueEntry }[]): Promise<void> {
    if (moved.length === 0) return
    const tombstones = moved.map(({ entry }) => this.#publisher.tombstone(entry.member, entry.partition))
    await crossing('dispatch.tombstoned', () => this.#publisher.writeAll(tombstones))
    const over = moved.map(({ activity, entry: { member } }) => ({
      member,
      activity: isHome(member) ? null : activity,
    }))
    await crossing('dispatch.forgotten', () => forget(this.#store, over))
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
      onChurn: what => this.#options.telemetry.count(what, 1, {}),
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
    while (!this.#closed.signal.aborted) {
      try {
        const { strangers } = await this.#apply(records)
        const strange = new Set<LogRecord | null>(strangers.map(({ record }) => record))
        this.#consumer?.finishMany(records.filter(record => !strange.has(record)))
        // Beside the others: a look takes its time, and they are to be indexed meanwhile.
        void this.#finishJudged(
          strangers,
          records.filter(record => strange.has(record)),
        )
        return
      } catch (error) {
        this.#logger.warn('the schedule could not be indexed; trying again', { error: String(error) })
        await this.#clock.sleep(RETRY_MS)
      }
    }
  }

  async #finishJudged(strangers: readonly Stranger[], records: readonly FetchedRecord[]): Promise<void> {
    if (strangers.length > 0 && (await this.#unknownTypes.judge(strangers))) this.#consumer?.finishMany(records)
  }

  async #apply(records: readonly (FetchedRecord | LogRecord)[], isSweep = false): Promise<Applied> {
    const { good, buried, poison } = this.#sort(records)
    // Poison stays in the log: only who consumes it sets it aside, not every sweep anew.
    if (poison.length > 0 && !isSweep) await this.#publisher.writePoison(poison)
    if (buried.length > 0) await crossing('schedule.forgotten', () => forget(this.#store, buried))
    if (good.length === 0) return { restored: 0, strangers: [] }
    const entries = good.map(({ entry }) => entry)
    const answers = await crossing('schedule.read', () => index(this.#store, entries))
    const over = entries.filter((_, at) => answers[at] === 'over')
    if (over.length > 0) await this.#finishOver(over)
    const restored = answers.filter(answer => answer === 'indexed').length
    return { restored, strangers: isSweep ? [] : await this.#strangersAmong(good, answers) }
  }

  // Every record is read, so that none hides behind another of its key. Of those that are ours only the last counts: what has
  // its tombstone right behind it is never indexed.
  #sort(records: readonly (FetchedRecord | LogRecord)[]): Sorted {
    const latest = new Map<string, Readable | null>()
    const poison: PoisonRecord[] = []
    for (const record of records) {
      try {
        latest.set(memberOf(record), record.value === null ? null : { record, entry: indexEntryOf(record) })
      } catch (error) {
        poison.push(poisonOf(record, fromUnknown(error, 'serialization'), this.#clock.nowMs()))
      }
    }
    const good = [...latest.values()].filter(each => each !== null)
    const buried = [...latest].flatMap(([member, each]) => (each === null ? [{ member, activity: null }] : []))
    return { good, buried, poison }
  }

  // Indexed like all others until they are judged: their tombstone may be the next record.
  async #strangersAmong(good: readonly Readable[], answers: readonly IndexAnswer[]): Promise<Stranger[]> {
    const scheduled = good.filter((_, at) => answers[at] !== 'over')
    const types = new Set(scheduled.map(({ entry }) => entry.record.activity.type))
    const undeclared = [...types].filter(type => !this.#catalog.isDeclared(type))
    if (undeclared.length === 0) return []
    const learnt = await this.#catalog.declareEach(undeclared)
    const unknown = new Set(undeclared.filter(type => !learnt.has(type)))
    return scheduled
      .map(({ entry, record }) => ({
        ...{ member: memberOf(record), type: entry.record.activity.type },
        ...{ partition: entry.partition, record },
      }))
      .filter(({ type }) => unknown.has(type))
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
    if (outcomes.length > 0) await crossing('schedule.ended', () => this.#publisher.writeAll(outcomes))
    const tombstones = over.map(({ record: { activity }, partition }) =>
      this.#publisher.tombstone(delayKey(activity.id, activity.attempt), partition),
    )
    await crossing('schedule.tombstoned', () => this.#publisher.writeAll(tombstones))
  }

  /** Re-reads the schedule's log as {@link restore}, unless another process is at it. Gives the number restored. */
  async sweep(): Promise<number> {
    let restored = 0
    await this.#alone(this.#store.keys.sweep, async () => {
      restored = await this.restore()
    })
    return restored
  }

  /** Recovers from a loss of Redis, unless another process is at it: false then. Waits for no sweep. */
  alone(work: () => Promise<void>): Promise<boolean> {
    return this.#alone(this.#store.keys.recovery, work)
  }

  async #alone(lock: string, work: () => Promise<void>): Promise<boolean> {
    const { main } = this.#store
    const token = randomUUID()
    const isMine = await crossing('sweep.locked', () =>
      main.guard('a lock', () => main.redis.set(lock, token, 'PX', LOCK_MS, 'NX')),
    )
    if (isMine !== 'OK') return false
    try {
      await work()
    } finally {
      // Only its own: after more than its time another may have it. Both do the same work twice then, which changes nothing.
      await crossing('sweep.unlocked', () => main.run('unlock', [lock], [token]))
    }
    return true
  }

  /**
   * Makes the index what the log says: puts in what it lacks and takes out what is not scheduled any more, as a Redis that
   * came back with an older state has it. Reads the log twice, and once more for every `membersMax` of the index beyond the
   * first. Gives the number put in.
   */
  async restore(): Promise<number> {
    let restored = 0
    let cursor = INDEX_START
    do {
      const isFirst = cursor === INDEX_START
      // Before the log's end is read: who indexes has written the record by then, so what stands of these lies below that end.
      const page = await indexedMembers(this.#store, { cursor, atLeast: SCHEDULE_LIMITS.membersMax })
      restored += await this.#compare(page.members, isFirst)
      cursor = page.cursor
    } while (cursor !== INDEX_START)
    return restored
  }

  /** `isFirst`: also puts in what the index lacks. */
  async #compare(members: Set<string>, isFirst: boolean): Promise<number> {
    const { delay: topic } = this.#catalog.shared()
    const { signal } = this.#closed
    let restored = 0
    const bounds = await this.#reader.bounds(topic)
    for (const { partition, low, high } of bounds) {
      const known = { topic, partition, from: low, to: high }
      const parts = isFirst ? this.#standing(known) : [await standingOf(this.#reader, known, members, signal)]
      for await (const standing of parts) {
        for (const member of standing.offsets.members()) members.delete(member)
        if (isFirst) restored += await this.#putIn(standing)
      }
    }
    // A partition that nobody told of, or that has never held anything, buries nothing.
    await this.#forgetBuried(members, new Set(bounds.flatMap(({ partition, high }) => (high > 0 ? [partition] : []))))
    return restored
  }

  #standing(known: LogStretch): AsyncIterable<Standing> {
    const { membersMax } = SCHEDULE_LIMITS
    // Up to its end of now: what was dispatched since has its tombstone by then, and is not put in again.
    const stretch = async (): Promise<LogStretch> => {
      const bounds = await this.#reader.bounds(known.topic)
      return { ...known, to: bounds.find(({ partition }) => partition === known.partition)?.high ?? known.to }
    }
    return standingParts({ reader: this.#reader, stretch, membersMax, signal: this.#closed.signal })
  }

  async #putIn(standing: Standing): Promise<number> {
    let restored = 0
    for await (const records of standingRecords(this.#reader, standing, this.#closed.signal)) {
      for (let at = 0; at < records.length; at += LIMITS.scriptBatchMax) {
        restored += (await this.#apply(records.slice(at, at + LIMITS.scriptBatchMax), true)).restored
      }
    }
    return restored
  }

  async #forgetBuried(members: ReadonlySet<string>, read: ReadonlySet<number>): Promise<void> {
    for await (const page of indexedPartitions(this.#store, [...members])) {
      const buried = page.flatMap(({ member, partition }) => (read.has(partition) ? [{ member, activity: null }] : []))
      if (buried.length === 0) continue
      await crossing('schedule.forgotten', () => forget(this.#store, buried))
      this.#logger.info('taken out of the schedule: its log holds them no more', { attempts: buried.length })
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#starting?.catch(() => undefined) // whoever asked for it has the error
    await this.#indexing
    await this.#unknownTypes.close()
    await this.#consumer?.stop()
  }
}

interface Readable {
  readonly record: LogRecord
  readonly entry: IndexEntry
}

/** Records by what they say. */
interface Sorted {
  readonly good: readonly Readable[]
  readonly buried: readonly { readonly member: string; readonly activity: null }[]
  readonly poison: readonly PoisonRecord[]
}

interface Applied {
  readonly restored: number
  readonly strangers: readonly Stranger[]
}

/** From due to ready, by Redis's clock. Homes stand for what was ready long ago. */
function latenessOf(moved: readonly DueAttempt[], nowMs: number): number[] {
  return moved.flatMap(({ activity: { scheduledAtMs }, entry: { member } }) =>
    scheduledAtMs === null || isHome(member) ? [] : [Math.max(0, Math.round(nowMs - scheduledAtMs))],
  )
}
