import { systemClock } from '../src/core/clock.ts'

/** Milliseconds since the epoch with fractions, comparable between processes of one machine. */
export function preciseNowMs(): number {
  return performance.timeOrigin + systemClock.monotonicMs()
}
