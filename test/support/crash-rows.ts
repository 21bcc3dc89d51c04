// Which process dies where, what happens meanwhile, and how the activity must end all the same. Read by the crash-point
// test, which makes them happen, and by the test that every point is in here.

import type { TerminalStatus } from '../../src/core/activity.ts'
import type { CrashPoint } from '../../src/core/crash-point.ts'

/** What a process does when it dies; `crash-child.ts` knows how. */
export const SCENARIOS = [
  'enqueue plain',
  'enqueue delayed',
  'enqueue keyed',
  'enqueue keyed and delayed',
  'claim',
  'complete',
  'retry',
  'fail',
  'exhaust',
  'release',
  'cancel pending',
  'cancel scheduled',
  'dispatch',
  'dispatch a retry',
  'reap',
  'reap exhausted',
  'reap cancelled',
  'confirm reservations',
  'redrive',
] as const
/** One of {@link SCENARIOS}. */
export type ScenarioName = (typeof SCENARIOS)[number]

/** What happens between the death and the work of those who live. */
export const MEANWHILES = [
  'nothing',
  'its key is enqueued again',
  'the same activity is enqueued again',
  'it is cancelled',
  'it is redriven again',
  'Redis is emptied',
] as const
/** One of {@link MEANWHILES}. */
export type Meanwhile = (typeof MEANWHILES)[number]

/** One activity, one or more deaths, one end. */
export interface CrashRow {
  readonly title: string
  /** Processes that die one after another, each over what the one before has left. */
  readonly crashes: readonly { readonly scenario: ScenarioName; readonly point: CrashPoint }[]
  readonly meanwhile: Meanwhile
  readonly ends: TerminalStatus
  /** Attempts that may be claimed after the last death, in order; null: any, but none twice. */
  readonly claims: readonly number[] | null
  /** Housekeeping takes up the schedule's log, as it does now and then. */
  readonly isSwept: boolean
}

/** Every row. */
export const CRASH_ROWS: readonly CrashRow[] = [
  ...dying('enqueue plain', ['enqueue.produced'], { ends: 'completed', claims: [1] }),
  ...dying('enqueue plain', ['enqueue.produced'], {
    meanwhile: 'the same activity is enqueued again',
    ends: 'completed',
    claims: [1],
  }),
  ...dying('enqueue delayed', ['enqueue.produced', 'schedule.indexed'], { ends: 'completed', claims: [1] }),
  ...dying('enqueue keyed', ['enqueue.reserved', 'enqueue.produced', 'enqueue.confirmed'], {
    ends: 'completed',
    claims: [1],
  }),
  ...dying('enqueue keyed', ['enqueue.reserved', 'enqueue.produced'], {
    meanwhile: 'its key is enqueued again',
    ends: 'completed',
    claims: [1],
  }),
  ...dying('enqueue keyed', ['enqueue.reserved'], {
    meanwhile: 'the same activity is enqueued again',
    ends: 'completed',
    claims: [1],
  }),
  ...dying('enqueue keyed and delayed', ['enqueue.reserved', 'enqueue.produced', 'schedule.indexed'], {
    ends: 'completed',
    claims: [1],
  }),
  ...dying('claim', ['claim.leased'], { ends: 'completed', claims: [2] }),
  ...dying('complete', ['settle.decided', 'settle.published', 'settle.finished'], { ends: 'completed', claims: [] }),
  ...dying('retry', ['settle.decided', 'settle.outcome', 'settle.published', 'schedule.indexed', 'settle.finished'], {
    ends: 'completed',
    claims: [2],
  }),
  ...dying('fail', ['settle.decided', 'settle.published', 'settle.finished'], { ends: 'failed', claims: [] }),
  ...dying('exhaust', ['settle.decided', 'settle.outcome', 'settle.published', 'settle.finished'], {
    ends: 'dead_letter',
    claims: [],
  }),
  ...dying('release', ['release.released'], { ends: 'completed', claims: [1] }),
  ...dying('cancel pending', ['cancel.decided', 'cancel.published'], { ends: 'cancelled', claims: [] }),
  ...dying('cancel scheduled', ['cancel.decided', 'cancel.published'], {
    ends: 'cancelled',
    claims: [],
    isSwept: true,
  }),
  ...dying('dispatch', ['dispatch.taken', 'dispatch.readied', 'dispatch.tombstoned'], {
    ends: 'completed',
    claims: [1],
  }),
  ...dying('dispatch a retry', ['dispatch.readied'], { ends: 'completed', claims: [2] }),
  ...dying('reap', ['reap.taken', 'reap.published', 'reap.settled'], { ends: 'completed', claims: [2] }),
  ...dying('reap exhausted', ['reap.taken', 'reap.published', 'reap.settled'], { ends: 'dead_letter', claims: [] }),
  ...dying('reap cancelled', ['reap.taken', 'reap.published', 'reap.settled'], { ends: 'cancelled', claims: [] }),
  // What a reaper has published stands: a cancel that comes after it is for the next attempt, if there is one.
  ...dying('reap exhausted', ['reap.published'], { meanwhile: 'it is cancelled', ends: 'dead_letter', claims: [] }),
  ...dying('reap', ['reap.published'], { meanwhile: 'it is cancelled', ends: 'completed', claims: [2] }),
  ...dying('dispatch', ['dispatch.readied', 'dispatch.tombstoned'], {
    meanwhile: 'it is cancelled',
    ends: 'cancelled',
    claims: [],
  }),
  ...dying('redrive', ['redrive.enqueued'], { meanwhile: 'it is redriven again', ends: 'failed', claims: [1] }),

  // Whoever finishes what the dead has left may die of the same.
  row([
    ['enqueue keyed', 'enqueue.reserved'],
    ['confirm reservations', 'reservation.produced'],
  ]),
  row(
    [
      ['claim', 'claim.leased'],
      ['reap', 'reap.taken'],
      ['reap', 'reap.published'],
    ],
    { claims: [2] },
  ),
  row([
    ['dispatch', 'dispatch.readied'],
    ['dispatch', 'dispatch.tombstoned'],
  ]),

  // At least once is all that is promised then, and schedules come back by the sweep.
  ...emptied('enqueue delayed', ['schedule.indexed']),
  ...emptied('complete', ['settle.decided']),
  ...emptied('retry', ['settle.decided']),
  ...emptied('cancel scheduled', ['cancel.decided']),
  ...emptied('dispatch', ['dispatch.readied']),
  ...emptied('dispatch a retry', ['dispatch.taken', 'dispatch.readied']),
  ...emptied('reap', ['reap.taken']),

  // What Kafka knew by then stands: an emptied Redis is told before anything is claimed.
  ...remembered('complete', ['settle.published', 'settle.finished'], { ends: 'completed', claims: [] }),
  ...remembered('retry', ['settle.outcome', 'settle.published'], { ends: 'completed', claims: [2] }),
  ...remembered('fail', ['settle.published'], { ends: 'failed', claims: [] }),
  ...remembered('exhaust', ['settle.outcome', 'settle.published'], { ends: 'dead_letter', claims: [] }),
  ...remembered('cancel pending', ['cancel.published'], { ends: 'cancelled', claims: [] }),
  ...remembered('reap', ['reap.published'], { ends: 'completed', claims: [2] }),
  ...remembered('reap exhausted', ['reap.published'], { ends: 'dead_letter', claims: [] }),
]

type Rest = Partial<Omit<CrashRow, 'title' | 'crashes'>>

/** A row per point. */
function dying(scenario: ScenarioName, points: readonly CrashPoint[], rest: Rest): CrashRow[] {
  return points.map(point => row([[scenario, point]], rest))
}

function emptied(scenario: ScenarioName, points: readonly CrashPoint[]): CrashRow[] {
  return dying(scenario, points, { meanwhile: 'Redis is emptied', claims: null, isSwept: true })
}

function remembered(scenario: ScenarioName, points: readonly CrashPoint[], rest: Rest): CrashRow[] {
  return dying(scenario, points, { ...rest, meanwhile: 'Redis is emptied' })
}

function row(crashes: readonly (readonly [ScenarioName, CrashPoint])[], rest: Rest = {}): CrashRow {
  const { meanwhile = 'nothing', ends = 'completed', claims = [1], isSwept = false } = rest
  const deaths = crashes.map(([scenario, point]) => `'${scenario}' dies at ${point}`).join(', then ')
  const then = meanwhile === 'nothing' ? '' : ` and ${meanwhile}`
  return {
    title: `an activity ends ${ends}, once, when ${deaths}${then}`,
    crashes: crashes.map(([scenario, point]) => ({ scenario, point })),
    meanwhile,
    ends,
    claims,
    isSwept,
  }
}
