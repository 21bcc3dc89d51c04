// What the matrix does not hold: deaths after which something happens before others take up what is left, and deaths of
// those who do. Each is after a write.

import type { TerminalStatus } from '../../src/core/activity.ts'
import type { CrashPhase, CrashPoint } from '../../src/core/crash-point.ts'
import type { ScenarioName } from './crash-scenarios.ts'

/** What happens between the death and the work of those who live. */
export const MEANWHILES = [
  'nothing',
  'its key is enqueued again',
  'the same activity is enqueued again',
  'it is cancelled',
  'Redis is emptied',
] as const
/** One of {@link MEANWHILES}. */
export type Meanwhile = (typeof MEANWHILES)[number]

/** One activity, one or more deaths, one end. */
export interface CrashRow {
  readonly title: string
  /** Processes that die one after another, each over what the one before has left. */
  readonly crashes: readonly {
    readonly scenario: ScenarioName
    readonly point: CrashPoint
    readonly phase: CrashPhase
  }[]
  readonly meanwhile: Meanwhile
  readonly ends: TerminalStatus
  /** Attempts that may be claimed after the last death, in order; null: any, but none twice. */
  readonly claims: readonly number[] | null
  /** Housekeeping takes up the schedule's log, as it does now and then. */
  readonly isSwept: boolean
}

/** Every row. */
export const CRASH_ROWS: readonly CrashRow[] = [
  ...dying('enqueue plain', ['enqueue.produced'], { meanwhile: 'the same activity is enqueued again' }),
  ...dying('enqueue keyed', ['enqueue.reserved', 'enqueue.produced'], { meanwhile: 'its key is enqueued again' }),
  ...dying('enqueue keyed', ['enqueue.reserved'], { meanwhile: 'the same activity is enqueued again' }),
  // What a reaper has published stands: a cancel that comes after it is for the next attempt, if there is one.
  ...dying('reap exhausted', ['reap.published'], { meanwhile: 'it is cancelled', ends: 'dead_letter', claims: [] }),
  ...dying('reap', ['reap.published'], { meanwhile: 'it is cancelled', claims: [2] }),
  ...dying('dispatch', ['dispatch.readied', 'dispatch.tombstoned'], {
    meanwhile: 'it is cancelled',
    ends: 'cancelled',
    claims: [],
  }),
  ...dying('rehome', ['offsets.committed'], { meanwhile: 'it is cancelled', ends: 'cancelled', claims: [] }),
  ...dying('give back what was re-homed', ['release.released', 'dispatch.readied', 'dispatch.tombstoned'], {
    meanwhile: 'it is cancelled',
    ends: 'cancelled',
    claims: [],
  }),

  // Whoever finishes what the dead has left may die of the same.
  row([
    ['enqueue keyed', 'enqueue.reserved'],
    ['confirm reservations', 'enqueue.produced'],
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
  ...emptied('rehome', ['rehome.written', 'rehome.indexed', 'offsets.committed']),
  ...emptied('complete what was re-homed', ['settle.decided']),
  ...emptied('give back what was re-homed', ['release.released', 'dispatch.readied', 'dispatch.tombstoned']),

  // What Kafka knew by then stands: an emptied Redis is told before anything is claimed.
  ...remembered('complete', ['settle.outcome', 'offsets.committed'], { claims: [] }),
  ...remembered('retry', ['settle.outcome', 'settle.followed'], { claims: [2] }),
  ...remembered('fail', ['settle.outcome'], { ends: 'failed', claims: [] }),
  ...remembered('exhaust', ['settle.outcome', 'settle.followed'], { ends: 'dead_letter', claims: [] }),
  ...remembered('cancel pending', ['cancel.published'], { ends: 'cancelled', claims: [] }),
  ...remembered('reap', ['reap.published'], { claims: [2] }),
  ...remembered('complete what was re-homed', ['settle.outcome', 'rehome.tombstoned'], { claims: [] }),
  ...remembered('retry what was re-homed', ['settle.outcome', 'settle.followed'], { claims: [2] }),
  ...remembered('look at what was re-homed and is over', ['rehome.ended'], { claims: [] }),
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
  const deaths = crashes.map(([scenario, point]) => `'${scenario}' dies after ${point}`).join(', then ')
  const then = meanwhile === 'nothing' ? '' : ` and ${meanwhile}`
  return {
    title: `an activity ends ${ends}, once, when ${deaths}${then}`,
    crashes: crashes.map(([scenario, point]) => ({ scenario, point, phase: 'after' })),
    meanwhile,
    ends,
    claims,
    isSwept,
  }
}
