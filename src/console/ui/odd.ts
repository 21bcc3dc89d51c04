// What is odd, first and in words: from how the lanes stand. Pure.

import type { LaneFigures } from '../../storage/storage.ts'
import { counted, spanText } from './time-text.ts'

/** Something that somebody should look at. */
export interface Oddity {
  readonly severity: 'error' | 'warning'
  readonly type: string
  readonly says: string
  /** What to do. */
  readonly hint: string
  /** A command line that helps, where there is one. */
  readonly command: string | null
}

/** All lanes of one type, together. */
export interface TypeFigures {
  readonly type: string
  readonly lanes: readonly LaneFigures[]
  readonly pending: number
  readonly running: number
  readonly scheduled: number
  readonly deadLetters: number
  readonly oldestPendingAtMs: number | null
  readonly frontierStuckMs: number
  readonly consumers: number | null
}

/** The type of Errand's own operations: bulk work, which has a page of its own. */
export const OPERATION_TYPE = 'errand-operation'

/** Standing so long with work behind it, a frontier is held by something. */
const STUCK_MS = 60_000
/** Waiting so long, what is pending is late. */
const LATE_MS = 60_000

/** Lanes by type, in the order of the alphabet. */
export function figuresByType(lanes: readonly LaneFigures[]): TypeFigures[] {
  const types = Map.groupBy(lanes, ({ type }) => type)
  return [...types].map(([type, of]) => together(type, of)).toSorted((a, b) => (a.type < b.type ? -1 : 1))
}

/** What is odd, the worst first. */
export function oddities(types: readonly TypeFigures[], nowMs: number): Oddity[] {
  const found = types.flatMap(each => [...unattended(each), ...late(each, nowMs), ...stuck(each)])
  return found.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'))
}

/** What ended badly and is still remembered, in words; empty: nothing. `failed`: for good; null: not known. */
export function endedBadly(types: readonly TypeFigures[], failed: number | null): string {
  const deadLetters = types.reduce((sum, each) => sum + each.deadLetters, 0)
  const parts = [
    ...(deadLetters === 0 ? [] : [counted(deadLetters, 'dead letter')]),
    ...(failed === null || failed === 0 ? [] : [`${counted(failed, 'activity', 'activities')} that failed for good`]),
  ]
  return parts.join(' and ')
}

function together(type: string, lanes: readonly LaneFigures[]): TypeFigures {
  const sum = (of: 'pending' | 'running' | 'scheduled' | 'deadLetters'): number =>
    lanes.reduce((total, lane) => total + lane[of], 0)
  const oldest = lanes.flatMap(({ oldestPendingAtMs }) => (oldestPendingAtMs === null ? [] : [oldestPendingAtMs]))
  return {
    ...{ type, lanes, pending: sum('pending'), running: sum('running'), scheduled: sum('scheduled') },
    deadLetters: sum('deadLetters'),
    oldestPendingAtMs: oldest.length === 0 ? null : Math.min(...oldest),
    frontierStuckMs: Math.max(0, ...lanes.map(({ frontierStuckMs }) => frontierStuckMs)),
    consumers: lanes[0]?.consumers ?? null,
  }
}

function unattended({ type, pending, consumers }: TypeFigures): Oddity[] {
  if (pending === 0 || consumers !== 0) return []
  return [
    {
      ...{
        severity: 'error',
        type,
        says: `${counted(pending, 'activity', 'activities')} pending, nobody subscribes to ${type}`,
      },
      ...{ hint: 'Start a worker whose module handles this type.', command: 'errand worker --import ./worker.ts' },
    },
  ]
}

function late({ type, oldestPendingAtMs, consumers, running }: TypeFigures, nowMs: number): Oddity[] {
  if (oldestPendingAtMs === null || consumers === 0 || nowMs - oldestPendingAtMs < LATE_MS) return []
  const says = `the oldest pending ${type} waits for ${spanText(nowMs - oldestPendingAtMs)}`
  const hint =
    running === 0
      ? 'Nothing of this type runs: its workers may have paused after failures in a row, or be full of other work.'
      : 'More workers, or more slots for each, take it up sooner; no more than there are partitions help.'
  return [{ severity: 'warning', type, says, hint, command: null }]
}

function stuck({ type, frontierStuckMs, lanes }: TypeFigures): Oddity[] {
  if (frontierStuckMs < STUCK_MS) return []
  const ahead = lanes.reduce((sum, lane) => sum + lane.finishedAhead, 0)
  return [
    {
      ...{ severity: 'warning', type },
      says: `a frontier of ${type} stands for ${spanText(frontierStuckMs)}, with ${counted(ahead, 'record')} finished behind it`,
      ...{ hint: 'Something unfinished holds it: see the running ones that are oldest.', command: null },
    },
  ]
}
