// How far an operation is, in numbers that add up. Pure.

import type { OperationView } from './api-types.ts'
import { countText, spanText } from './time-text.ts'

type Progress = Pick<OperationView, 'state' | 'done' | 'already' | 'failed' | 'left' | 'perSecond'>

/** What it is done with, and of how many; null: not known. */
export function settledOf({ done, already, failed, left }: Progress): { settled: number; total: number | null } {
  // What it came upon waits its turn first: only what is done with is counted as such.
  const settled = done + already + failed
  return { settled, total: left === null ? null : settled + left }
}

/** In words: `11 settled of 33: 11 done, 0 had nothing to do, 0 failed; 22 not done`. */
export function progressText(operation: Progress): string {
  const { done, already, failed, left, perSecond } = operation
  const { settled, total } = settledOf(operation)
  const isOver = hasEnded(operation)
  const etaMs = left === null || perSecond === null || perSecond === 0 ? 0 : (left / perSecond) * 1_000
  return [
    `${countText(settled)} settled${total === null ? '' : ` of ${countText(total)}`}: ${countText(done)} done, `,
    `${countText(already)} had nothing to do, ${countText(failed)} failed`,
    ...(perSecond === null ? [] : [`; ${perSecond.toFixed(1)} a second`]),
    ...(left === null || left === 0 ? [] : [`; ${countText(left)} ${isOver ? 'not done' : 'left'}`]),
    ...(etaMs > 0 && !isOver ? [`, about ${spanText(etaMs)} more`] : []),
  ].join('')
}

/** True when it will not change any more. */
export function hasEnded({ state }: Pick<OperationView, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}
