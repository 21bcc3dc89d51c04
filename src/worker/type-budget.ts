// One type's dead-letter budget at work: how fast the type may be claimed, and what becomes of attempts that have used up
// their activity and find no credit. Those are withheld: the lease is kept alive and the failure waits, until
//
//   a credit is there ──▶ settled as dead letter, the longest withheld first
//   a probe succeeds  ──▶ given back uncounted: what they called was down, so they run once more, but only once
//   the worker stops  ──▶ given back uncounted
//   cancelled         ──▶ settled as cancelled
//   lease lost        ──▶ forgotten
//
// Activities that asked for one attempt only are never given back: they wait for a credit, or for the stop.
// While a type is paused its credits are kept, and only time settles what is withheld: successes will tell whose fault it was.
//
// Every attempt that is begun has a place to go if it fails: a credit, or room among the withheld. So when both get scarce
// the type slows down, and it never makes a dead letter that was not paid for.

import type { AttemptFailureReport } from '../core/activity.ts'
import { DeadLetterBudget, usesUpAttempts } from '../core/dead-letter-budget.ts'
import { WORKER_LIMITS } from '../core/limits.ts'
import type { Attempt } from './attempt.ts'
import type { ResolvedDeadLetterBudget } from './dead-letter-budget-options.ts'
import { FAILURES_IN_A_ROW, Pace } from './pace.ts'

const MINUTE_MS = 60_000

/** Why a type is slowed down. `failures`: nothing succeeds · `budget`: too many of its activities die. */
export type SlowReason = 'failures' | 'budget'

/** A failure that waits. */
export interface Withheld {
  readonly attempt: Attempt
  readonly failure: AttemptFailureReport
}

/** What a type's budget is made from. */
export interface TypeBudgetParts {
  /** Attempts at once, at full pace. */
  readonly limit: number
  readonly budget: ResolvedDeadLetterBudget
  readonly random: () => number
  /** Writes a failure down. */
  readonly settle: (withheld: Withheld) => void
  /** Gives an attempt back uncounted. */
  readonly giveBack: (withheld: Withheld) => void
  /** The attempt's failure begins to wait. */
  readonly withhold: (withheld: Withheld) => void
}

/** The budget of one type. `nowMs`: by a clock that never jumps. */
export class TypeBudget {
  readonly #parts: TypeBudgetParts
  readonly #credits: DeadLetterBudget
  readonly #pace: Pace
  /** The round of each attempt that is under way. */
  readonly #underWay = new Map<Attempt, number>()
  #withheld: Withheld[] = []
  readonly #ranOnceMore = new Set<string>()
  /** While paused: the next one is settled then. */
  #settlesAtMs = 0
  #slowReason: SlowReason | undefined

  constructor(parts: TypeBudgetParts, nowMs: number) {
    const { limit, budget, random } = parts
    this.#parts = parts
    this.#credits = new DeadLetterBudget(budget, nowMs)
    this.#pace = new Pace({ limit, pauseMsMax: budget.pauseMaxMs, random })
  }

  /** How many are withheld. */
  get withheld(): number {
    return this.#withheld.length
  }

  /** Why it is slowed down; undefined while it is not. */
  get slowReason(): SlowReason | undefined {
    return this.#slowReason
  }

  /** How many more attempts may begin now; Infinity when only the slots decide. */
  allowance(nowMs: number): number {
    const byPace = this.#pace.allowance(nowMs)
    if (byPace === Number.POSITIVE_INFINITY && this.#withheld.length <= this.#parts.budget.burst) return byPace
    const { limit, budget } = this.#parts
    const room = limit + budget.burst + this.#credits.creditsAt(nowMs) - this.#withheld.length - this.#underWay.size
    return Math.max(0, Math.min(byPace, room))
  }

  /** What is left of a pause; 0 outside one. Unit: ms. */
  pauseLeftMs(nowMs: number): number {
    return this.#pace.pauseLeftMs(nowMs)
  }

  begin(attempt: Attempt): void {
    this.#underWay.set(attempt, this.#pace.begin())
  }

  succeed(attempt: Attempt, nowMs: number): void {
    const wasPaused = this.#isPaused
    this.#pace.succeed(this.#end(attempt))
    if (wasPaused && !this.#isPaused) this.#runOnceMore()
    this.#ranOnceMore.delete(attempt.activity.id)
    this.#credits.earn(nowMs)
    this.settleWhatIsPaid(nowMs)
  }

  /** True when the failure is withheld or settled here; false when it is an ordinary one, for the caller to settle. */
  fail(attempt: Attempt, failure: AttemptFailureReport, nowMs: number): boolean {
    const round = this.#end(attempt)
    if (failure.kind !== 'retryable' && failure.kind !== 'timeout') {
      this.#pace.leave(round)
      return false
    }
    const isLast = usesUpAttempts(attempt.activity, failure)
    let isWithheld = false
    if (isLast) {
      this.#withheld.push({ attempt, failure })
      this.settleWhatIsPaid(nowMs)
      isWithheld = this.#withheld.at(-1)?.attempt === attempt
      if (isWithheld) this.#parts.withhold({ attempt, failure })
    }
    this.#judge(round, { isDeliberate: failure.retryAfterMs !== undefined, isWithheld }, nowMs)
    return isLast
  }

  /** The attempt is given back or its lease is lost: also when it is withheld. */
  leave(attempt: Attempt, nowMs: number): void {
    const round = this.#underWay.get(attempt)
    if (round !== undefined) {
      this.#underWay.delete(attempt)
      this.#pace.leave(round)
    } else {
      this.#withheld = this.#withheld.filter(each => each.attempt !== attempt)
      this.#see()
    }
    this.settleWhatIsPaid(nowMs)
  }

  /** Its activity is to end as cancelled, which costs nothing. */
  cancel(attempt: Attempt): void {
    const withheld = this.#withheld.find(each => each.attempt === attempt)
    if (withheld === undefined) return
    this.#withheld = this.#withheld.filter(each => each !== withheld)
    this.#parts.settle(withheld)
    this.#see()
  }

  /** Nothing is withheld any more. */
  stop(): void {
    const withheld = this.#withheld
    this.#withheld = []
    for (const each of withheld) this.#parts[isSingle(each) ? 'settle' : 'giveBack'](each)
  }

  /** Settles the longest withheld, as far as there are credits for them. */
  settleWhatIsPaid(nowMs: number): void {
    while (this.#withheld.length > 0 && this.msUntilPaid(nowMs) === 0 && this.#credits.spend(nowMs)) {
      const oldest = this.#withheld.shift()
      if (oldest === undefined) return
      this.#ranOnceMore.delete(oldest.attempt.activity.id)
      this.#parts.settle(oldest)
      this.#settlesAtMs = nowMs + this.#intervalMs
    }
    this.#see()
  }

  /** Until one that is withheld is settled for a credit that time has earned. */
  msUntilPaid(nowMs: number): number {
    const untilCreditMs = this.#credits.msUntilCredit(nowMs)
    const { limit, budget } = this.#parts
    const isRoom = this.#withheld.length <= limit + budget.burst
    if (!this.#isPaused || !isRoom) return untilCreditMs
    return Math.max(untilCreditMs, this.#settlesAtMs - nowMs, 0)
  }

  get #isPaused(): boolean {
    return this.#pace.phase === 'paused'
  }

  get #intervalMs(): number {
    return MINUTE_MS / this.#parts.budget.perMinute
  }

  #end(attempt: Attempt): number {
    const round = this.#underWay.get(attempt) ?? -1
    this.#underWay.delete(attempt)
    return round
  }

  #judge(round: number, how: { readonly isDeliberate: boolean; readonly isWithheld: boolean }, nowMs: number): void {
    const wasPaused = this.#isPaused
    const { burst } = this.#parts.budget
    const enough = how.isWithheld ? Math.min(burst, FAILURES_IN_A_ROW) : FAILURES_IN_A_ROW
    this.#pace.fail(round, { isDeliberate: how.isDeliberate, enough }, nowMs)
    if (!wasPaused && this.#isPaused) this.#settlesAtMs = nowMs + this.#intervalMs
    this.#see()
  }

  /** What fails again then fails by its own fault, and waits for a credit. */
  #runOnceMore(): void {
    const mayRun = (each: Withheld): boolean => !isSingle(each) && !this.#ranOnceMore.has(each.attempt.activity.id)
    const given = this.#withheld.filter(mayRun)
    this.#withheld = this.#withheld.filter(each => !mayRun(each))
    for (const each of given) {
      this.#ranOnceMore.add(each.attempt.activity.id)
      this.#parts.giveBack(each)
    }
    for (const id of this.#ranOnceMore) {
      if (this.#ranOnceMore.size <= WORKER_LIMITS.ranOnceMoreMax) break
      this.#ranOnceMore.delete(id)
    }
  }

  /** Slowed down from a full burst withheld until half of it is settled, so that it does not change at every credit. */
  #see(): void {
    const { burst } = this.#parts.budget
    const isShort = this.#withheld.length > (this.#slowReason === undefined ? burst : burst / 2)
    this.#slowReason = this.#pace.phase !== 'flowing' ? 'failures' : isShort ? 'budget' : undefined
  }
}

function isSingle({ attempt }: Withheld): boolean {
  return attempt.activity.maxAttempts === 1
}
