// Every write, in each flow that makes it, with what becomes of the activity when the process stops before it, or after it.
// That its answer was lost is the same as "after" to everybody else: it was carried out. Read by the tests that make it
// happen, and by the test that every point is in here.

import type { TerminalStatus } from '../../src/core/activity.ts'
import type { CrashPoint } from '../../src/core/crash-point.ts'
import type { WriteKind } from './reply-loss.ts'
import type { ScenarioName } from './crash-scenarios.ts'

/** How an activity ends, and which attempts may still be claimed, in order (null: any, but none twice). */
export interface Fate {
  readonly ends: TerminalStatus
  readonly claims: readonly number[] | null
}

/** One write in one flow. */
export interface MatrixRow {
  readonly scenario: ScenarioName
  readonly point: CrashPoint
  /** Null: as if nobody had ever asked. */
  readonly before: Fate | null
  readonly after: Fate
  /** It cannot be stopped at twice in one process: what stands still there is what all of its kind wait for. */
  readonly isAlone: boolean
}

const FIRST: Fate = { ends: 'completed', claims: [1] }
const SECOND: Fate = { ends: 'completed', claims: [2] }
const COMPLETED: Fate = { ends: 'completed', claims: [] }
const FAILED: Fate = { ends: 'failed', claims: [] }
const DEAD: Fate = { ends: 'dead_letter', claims: [] }
const CANCELLED: Fate = { ends: 'cancelled', claims: [] }
/** It ends failed, as it had; what it was redriven as runs. */
const REDRIVEN: Fate = { ends: 'failed', claims: [1] }

/** Every row. */
export const CRASH_MATRIX: readonly MatrixRow[] = [
  row('enqueue plain', 'enqueue.produced', null, FIRST),
  row('enqueue delayed', 'enqueue.produced', null, FIRST),
  row('enqueue delayed', 'schedule.indexed', FIRST, FIRST),
  row('enqueue keyed', 'enqueue.reserved', null, FIRST),
  row('enqueue keyed', 'enqueue.produced', FIRST, FIRST),
  row('enqueue keyed', 'enqueue.confirmed', FIRST, FIRST),
  row('enqueue keyed and delayed', 'enqueue.produced', FIRST, FIRST),
  row('enqueue keyed and delayed', 'schedule.indexed', FIRST, FIRST),
  alone('confirm reservations', 'reservation.confirmed', FIRST, FIRST),
  alone('drop a reservation', 'reservation.dropped', FIRST, FIRST),

  row('claim', 'claim.leased', FIRST, SECOND),
  alone('return a claim', 'claim.returned', anyOf('completed'), anyOf('completed')),
  alone('look at what is over', 'done.claimed', COMPLETED, COMPLETED),
  alone('look at what is over', 'done.published', COMPLETED, COMPLETED),

  row('complete', 'settle.decided', SECOND, COMPLETED),
  row('complete', 'settle.outcome', COMPLETED, COMPLETED),
  alone('complete', 'offsets.committed', COMPLETED, COMPLETED),
  row('retry', 'settle.decided', SECOND, SECOND),
  row('retry', 'settle.outcome', SECOND, SECOND),
  row('retry', 'settle.followed', SECOND, SECOND),
  row('retry', 'schedule.indexed', SECOND, SECOND),
  row('fail', 'settle.decided', SECOND, FAILED),
  row('fail', 'settle.outcome', FAILED, FAILED),
  row('exhaust', 'settle.decided', DEAD, DEAD),
  row('exhaust', 'settle.outcome', DEAD, DEAD),
  row('exhaust', 'settle.followed', DEAD, DEAD),

  row('renew', 'lease.renewed', SECOND, SECOND),
  row('release', 'release.released', SECOND, FIRST),
  alone('close', 'close.released', SECOND, FIRST),
  row('store a result', 'result.stored', FIRST, FIRST),
  row('cancel pending', 'cancel.decided', FIRST, CANCELLED),
  row('cancel pending', 'cancel.published', CANCELLED, CANCELLED),
  row('cancel scheduled', 'cancel.decided', FIRST, CANCELLED),
  row('cancel scheduled', 'cancel.published', CANCELLED, CANCELLED),
  row('cancel scheduled', 'cancel.tombstoned', CANCELLED, CANCELLED),
  row('cancel running', 'cancel.decided', SECOND, CANCELLED),
  row('redrive', 'redrive.decided', REDRIVEN, REDRIVEN),
  row('redrive', 'redrive.enqueued', REDRIVEN, REDRIVEN),
  row('redrive', 'redrive.confirmed', REDRIVEN, REDRIVEN),
  row('discard', 'discard.noted', DEAD, DEAD),
  row('save an operation', 'operation.saved', FIRST, FIRST),
  row('set poison aside', 'poison.published', null, COMPLETED),

  alone('read the schedule', 'schedule.read', FIRST, FIRST),
  alone('dispatch', 'schedule.forgotten', FIRST, FIRST),
  alone('sweep over what was cancelled', 'schedule.ended', CANCELLED, CANCELLED),
  alone('sweep over what was cancelled', 'schedule.tombstoned', CANCELLED, CANCELLED),
  alone('sweep', 'sweep.locked', FIRST, FIRST),
  alone('sweep', 'sweep.unlocked', FIRST, FIRST),
  alone('dispatch', 'dispatch.taken', FIRST, FIRST),
  row('dispatch', 'dispatch.readied', FIRST, FIRST),
  row('dispatch', 'dispatch.tombstoned', FIRST, FIRST),
  row('dispatch', 'dispatch.forgotten', FIRST, FIRST),
  row('dispatch a retry', 'dispatch.readied', SECOND, SECOND),

  alone('reap', 'reap.taken', SECOND, SECOND),
  row('reap', 'reap.followed', SECOND, SECOND),
  row('reap', 'reap.published', SECOND, SECOND),
  row('reap', 'reap.settled', SECOND, SECOND),
  row('reap exhausted', 'reap.followed', DEAD, DEAD),
  row('reap exhausted', 'reap.settled', DEAD, DEAD),
  row('reap cancelled', 'reap.published', CANCELLED, CANCELLED),
  row('reap cancelled', 'reap.settled', CANCELLED, CANCELLED),
  row('reap what has no envelope', 'reap.returned', FIRST, FIRST),
  // The attempt that runs dies with its process, whether it has a home or not; nobody finds its lane record and its home both.
  alone('rehome', 'rehome.written', SECOND, SECOND),
  alone('rehome', 'rehome.indexed', SECOND, SECOND),
  alone('rehome', 'offsets.committed', SECOND, SECOND),
  row('complete what was re-homed', 'settle.decided', SECOND, COMPLETED),
  row('complete what was re-homed', 'settle.outcome', COMPLETED, COMPLETED),
  row('complete what was re-homed', 'rehome.tombstoned', COMPLETED, COMPLETED),
  row('complete what was re-homed', 'rehome.forgotten', COMPLETED, COMPLETED),
  row('retry what was re-homed', 'settle.outcome', SECOND, SECOND),
  row('retry what was re-homed', 'settle.followed', SECOND, SECOND),
  row('retry what was re-homed', 'rehome.tombstoned', SECOND, SECOND),
  row('look at what was re-homed', 'rehome.looked', SECOND, SECOND),
  row('look at what was re-homed and is over', 'rehome.ended', COMPLETED, COMPLETED),
  row('look at what was re-homed and is over', 'rehome.tombstoned', COMPLETED, COMPLETED),
  row('give back what was re-homed', 'release.released', SECOND, FIRST),
  row('give back what was re-homed', 'dispatch.readied', FIRST, FIRST),
  row('give back what was re-homed', 'dispatch.tombstoned', FIRST, FIRST),
  row('give back what was re-homed', 'dispatch.forgotten', FIRST, FIRST),
  row('cancel what was re-homed and given back', 'cancel.decided', FIRST, CANCELLED),
  row('cancel what was re-homed and given back', 'cancel.published', CANCELLED, CANCELLED),
  row('cancel what was re-homed and given back', 'cancel.tombstoned', CANCELLED, CANCELLED),
  alone('trim', 'trim.deleted', COMPLETED, COMPLETED),
  alone('restore', 'restore.begun', COMPLETED, COMPLETED),
  alone('restore', 'restore.markers', COMPLETED, COMPLETED),
  alone('restore', 'restore.generation', COMPLETED, COMPLETED),
  alone('rebuild', 'restore.keys', FIRST, FIRST),
  alone('rebuild', 'restore.redriven', FIRST, FIRST),
  alone('rebuild', 'rebuild.begun', FIRST, FIRST),
  alone('rebuild', 'restore.scheduled', FIRST, FIRST),
  alone('rebuild', 'rebuild.advanced', FIRST, FIRST),
  alone('rebuild', 'rebuild.finished', FIRST, FIRST),
]

const KAFKA_WRITES: Partial<Record<CrashPoint, WriteKind>> = {
  'enqueue.produced': 'Produce',
  'done.published': 'Produce',
  'settle.outcome': 'Produce',
  'settle.followed': 'Produce',
  'offsets.committed': 'OffsetCommit',
  'rehome.written': 'Produce',
  'rehome.ended': 'Produce',
  'rehome.tombstoned': 'Produce',
  'cancel.published': 'Produce',
  'cancel.tombstoned': 'Produce',
  'redrive.enqueued': 'Produce',
  'poison.published': 'Produce',
  'schedule.ended': 'Produce',
  'schedule.tombstoned': 'Produce',
  'dispatch.readied': 'Produce',
  'dispatch.tombstoned': 'Produce',
  'reap.followed': 'Produce',
  'reap.published': 'Produce',
  'trim.deleted': 'DeleteRecords',
}

/** To which server a point's write goes. */
export function kindOf(point: CrashPoint): WriteKind {
  return KAFKA_WRITES[point] ?? 'Redis'
}

function row(scenario: ScenarioName, point: CrashPoint, before: Fate | null, after: Fate): MatrixRow {
  return { scenario, point, before, after, isAlone: false }
}

function alone(scenario: ScenarioName, point: CrashPoint, before: Fate | null, after: Fate): MatrixRow {
  return { scenario, point, before, after, isAlone: true }
}

function anyOf(ends: TerminalStatus): Fate {
  return { ends, claims: null }
}
