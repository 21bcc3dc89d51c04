// What a rebuild does with activities that have not ended: those in the schedule and those in the lanes.

import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { Activity } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import { REBUILD_LIMITS } from '../../core/limits.ts'
import { murmur2 } from '../../core/murmur2.ts'
import { parseLaneTopic } from '../../core/topics.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { redrivesAmong, restoreRedrives } from '../redis/redriven.ts'
import { restoreKeys } from '../redis/rekey.ts'
import { index } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import { StandingOffsets, indexEntryOf, memberOf } from './delay-log.ts'
import { readPages } from './log-pages.ts'
import type { PlannedStretch } from './rebuild-plan.ts'

/** What was read and written. */
export interface RestoredWaiting {
  readonly activities: number
  readonly unreadable: number
  readonly scheduled: number
  readonly keys: number
  readonly unseen: number
  readonly redriven: number
}

/** What a page of a lane is restored with. */
export interface LaneRequest {
  readonly store: SideStore
  readonly namespace: string
  readonly stretch: PlannedStretch
  /** What is unfinished by a commit that tells of all that was seen before the outcomes were restored; null: nothing. */
  readonly lookAgain: () => Promise<PlannedStretch | null>
}

/** Restores keys and redrives of what waits in a lane, and which of it was cancelled. */
export async function restoreLanePage(request: LaneRequest, records: readonly LogRecord[]): Promise<RestoredWaiting> {
  const { store, namespace, stretch } = request
  const lane = parseLaneTopic(namespace, stretch.topic)
  const waiting = records.filter(({ offset }) => isUnfinished(stretch, offset))
  const found = waiting
    .flatMap(({ value, offset }) => tryDecode(() => ({ activity: decodeActivity(value), offset })))
    .filter(({ activity: { type, priority } }) => type === lane?.type && priority === lane.priority)
  const known = found.map(({ activity }) => ({ activity, ended: null, laneRecord: 'unfinished' as const }))
  const { keys, undecided } = await crossing('restore.keys', () => restoreKeys(store, known))
  const activities = found.map(({ activity }) => activity)
  return {
    keys,
    unseen: await restoreUnseen(
      request,
      found.filter(({ activity }) => undecided.has(activity.id)),
    ),
    activities: found.length,
    unreadable: waiting.length - found.length,
    scheduled: 0,
    redriven: await crossing('restore.redriven', () => restoreRedrives(store, redrivesAmong(activities))),
  }
}

// Cancelled, and who sees its record will say so. One that was seen before Redis lost its data is not seen again, but its
// offset is committed by and by: kept from running for ever, it would be missing from what is pending for ever.
async function restoreUnseen(
  { store, lookAgain }: LaneRequest,
  cancelled: readonly { readonly activity: Activity; readonly offset: number }[],
): Promise<number> {
  const stretch = cancelled.length === 0 ? null : await lookAgain()
  if (stretch === null) return 0
  const waiting = cancelled.filter(({ offset }) => isUnfinished(stretch, offset))
  const known = waiting.map(({ activity }) => ({ activity, ended: null, laneRecord: 'waits' as const }))
  return (await crossing('restore.keys', () => restoreKeys(store, known))).unseen
}

function isUnfinished({ from, finishedAhead }: PlannedStretch, offset: number): boolean {
  return offset >= from && !finishedAhead.some(run => offset >= run.from && offset < run.to)
}

/** What a partition of the schedule is restored with. */
export interface ScheduleRequest {
  readonly reader: LogReader
  readonly store: SideStore
  readonly stretch: PlannedStretch
  readonly signal: AbortSignal
  readonly onPage: (restored: RestoredWaiting, rounds: number, offsets: number) => void
}

/**
 * Restores one partition of the schedule. Read twice, for of a record only what comes later tells whether it still holds: at
 * first the members that have no tombstone, then their records. Of more members than may be held at once a share at a time.
 */
export async function restoreSchedule(request: ScheduleRequest): Promise<void> {
  const { topic, partition, from, to } = request.stretch
  const rounds = Math.max(1, Math.ceil((to - from) / REBUILD_LIMITS.membersMax))
  for (let round = 0; round < rounds; round++) {
    const bounds = await request.reader.bounds(topic)
    // What was dispatched since the last round has its tombstone by now.
    const high = bounds.find(each => each.partition === partition)?.high ?? to
    const live = await liveMembers(request, { high, rounds, round })
    await indexLive(request, { high, rounds, live })
  }
}

async function liveMembers(
  { reader, stretch, signal, onPage }: ScheduleRequest,
  { high, rounds, round }: { readonly high: number; readonly rounds: number; readonly round: number },
): Promise<StandingOffsets> {
  const isOfRound = (member: string): boolean =>
    rounds === 1 || (murmur2(Buffer.from(member, 'latin1')) >>> 0) % rounds === round
  const live = new StandingOffsets(isOfRound)
  let at = stretch.from
  for await (const { records, nextOffset } of readPages(reader, { ...stretch, to: high }, signal)) {
    for (const record of records) live.add(record)
    onPage(NOTHING, rounds, nextOffset - at)
    at = nextOffset
  }
  return live
}

async function indexLive(
  { reader, store, stretch, signal, onPage }: ScheduleRequest,
  { high, rounds, live }: { readonly high: number; readonly rounds: number; readonly live: StandingOffsets },
): Promise<void> {
  let at = stretch.from
  const pages = readPages(reader, { ...stretch, to: live.size === 0 ? at : high }, signal)
  for await (const { records, nextOffset } of pages) {
    const holding = records.filter(record => live.get(memberOf(record)) === record.offset)
    onPage(await indexRecords(store, holding), rounds, nextOffset - at)
    at = nextOffset
  }
  onPage(NOTHING, rounds, Math.max(0, stretch.to - at))
}

async function indexRecords(store: SideStore, records: readonly LogRecord[]): Promise<RestoredWaiting> {
  const entries = records.flatMap(record => tryDecode(() => indexEntryOf(record)))
  const answers = await crossing('restore.scheduled', () => index(store, entries))
  const activities = entries.map(({ record }) => record.activity)
  const keyed = activities.filter(({ key }) => key !== null)
  const known = keyed.map(activity => ({ activity, ended: null, laneRecord: null }))
  const { keys, unseen } = await crossing('restore.keys', () => restoreKeys(store, known))
  return {
    keys,
    unseen,
    activities: activities.length,
    unreadable: records.length - entries.length,
    scheduled: answers.filter(answer => answer === 'indexed').length,
    redriven: await crossing('restore.redriven', () => restoreRedrives(store, redrivesAmong(activities))),
  }
}

function tryDecode<T>(decode: () => T): T[] {
  try {
    return [decode()]
  } catch {
    return [] // poison: counted, and set aside by whoever consumes it
  }
}

const NOTHING: RestoredWaiting = { activities: 0, unreadable: 0, scheduled: 0, keys: 0, unseen: 0, redriven: 0 }
