// How many dead letters a type may make in one worker: a number of credits. Successes earn some, time earns a little, and
// each dead letter of an activity whose attempts are used up costs one. Pure: times are handed in.
//
// In any stretch of time the dead letters are at most the burst plus what was earned in it.

import type { Activity, AttemptFailureReport } from './activity.ts'
import { canRetry } from './retry-policy.ts'

/** What a budget is made of. */
export interface DeadLetterAllowance {
  /** Credits at first and at most. */
  readonly burst: number
  /** Credits that a success earns. */
  readonly perSuccess: number
  /** Credits that a minute earns. */
  readonly perMinute: number
}

/** Ten tenths are a whole credit, whatever they add up to in binary. */
const TOLERANCE = 1e-9
const MINUTE_MS = 60_000

/** The credits of one type. `nowMs`: by a clock that never jumps. */
export class DeadLetterBudget {
  readonly #allowance: DeadLetterAllowance
  #credits: number
  #countedAtMs: number

  constructor(allowance: DeadLetterAllowance, nowMs: number) {
    this.#allowance = allowance
    this.#credits = allowance.burst
    this.#countedAtMs = nowMs
  }

  /** Whole credits that are there. */
  creditsAt(nowMs: number): number {
    this.#count(nowMs)
    return Math.floor(this.#credits + TOLERANCE)
  }

  /** A success. */
  earn(nowMs: number): void {
    this.#count(nowMs)
    this.#add(this.#allowance.perSuccess)
  }

  /** Pays for one dead letter; false, and nothing is paid, when there is no whole credit. */
  spend(nowMs: number): boolean {
    if (this.creditsAt(nowMs) < 1) return false
    this.#credits = Math.max(0, this.#credits - 1)
    return true
  }

  /** Until time alone has earned the next whole credit: 0 when there is one, Infinity when it never will. */
  msUntilCredit(nowMs: number): number {
    if (this.creditsAt(nowMs) >= 1) return 0
    const { perMinute } = this.#allowance
    return perMinute === 0 ? Number.POSITIVE_INFINITY : ((1 - this.#credits) / perMinute) * MINUTE_MS
  }

  #count(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#countedAtMs)
    this.#countedAtMs += passedMs
    this.#add((passedMs / MINUTE_MS) * this.#allowance.perMinute)
  }

  #add(credits: number): void {
    this.#credits = Math.min(this.#allowance.burst, this.#credits + credits)
  }
}

/** Whether this failure uses up the attempts of its activity, so that it is what a budget pays for. */
export function usesUpAttempts(
  activity: Pick<Activity, 'retryCount' | 'maxAttempts'>,
  { kind }: Pick<AttemptFailureReport, 'kind'>,
): boolean {
  return (kind === 'retryable' || kind === 'timeout') && !canRetry(activity)
}
