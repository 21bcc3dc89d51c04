// Keeps types from emptying themselves into the DLQ while what their handlers call is down. It stands between the executor and
// the settler, sees how every attempt ends, and tells the intakes how many of a type they may claim; each type's own budget
// decides (`type-budget.ts`). Without budgets it lets everything through.

import type { AttemptFailureReport } from '../core/activity.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Attempt } from './attempt.ts'
import type { ResolvedDeadLetterBudget } from './dead-letter-budget-options.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { Settler } from './settler.ts'
import type { SlowReason, Withheld } from './type-budget.ts'
import { TypeBudget } from './type-budget.ts'
import type { WorkerEmitter } from './worker-events.ts'

/** What a guard needs. */
export interface DeadLetterGuardParts {
  /** Undefined: no budgets are kept. */
  readonly budget: ResolvedDeadLetterBudget | undefined
  readonly clock: Clock
  readonly held: HeldAttempts
  readonly settler: Settler
  readonly events: WorkerEmitter
  readonly logger: Logger
  readonly telemetry: Telemetry
  /** How much may be claimed has changed. */
  readonly onChange: () => void
}

/** What may be claimed now. */
export interface ClaimPlan {
  /** Types of which only the slots decide how many. */
  readonly open: readonly string[]
  /** The others of which some may be claimed, with how many. */
  readonly limited: readonly { readonly type: string; readonly limit: number }[]
  /** Until the next pause is over. Infinity when nothing changes by itself. Unit: ms. */
  readonly changesInMs: number
}

interface Guarded {
  readonly type: string
  readonly budget: TypeBudget
  disarm: () => void
  /** As it was told last. */
  slowReason: SlowReason | undefined
}

/** The budgets of a worker's types. */
export class DeadLetterGuard {
  readonly #parts: DeadLetterGuardParts
  readonly #types = new Map<string, Guarded>()
  #isStopped = false

  constructor(parts: DeadLetterGuardParts) {
    this.#parts = parts
  }

  /** Types that are slowed down now. */
  get slowed(): string[] {
    return [...this.#types.values()].filter(({ slowReason }) => slowReason !== undefined).map(({ type }) => type)
  }

  /** Keeps a budget for a type, of which so many attempts run at once at full pace. */
  add(type: string, limit: number): void {
    const { budget, settler, clock } = this.#parts
    if (budget === undefined) return
    const settle = ({ attempt, failure }: Withheld): void => settler.fail(attempt, failure)
    const giveBack = ({ attempt }: Withheld): void => settler.release(attempt)
    const withhold = (withheld: Withheld): void => this.#withhold(withheld)
    const parts = { limit, budget, random: Math.random, settle, giveBack, withhold }
    const own = new TypeBudget(parts, clock.monotonicMs())
    this.#types.set(type, { type, budget: own, disarm: () => undefined, slowReason: undefined })
  }

  /** What of these types may be claimed now. */
  plan(types: readonly string[]): ClaimPlan {
    const nowMs = this.#parts.clock.monotonicMs()
    const open: string[] = []
    const limited: { type: string; limit: number }[] = []
    let changesInMs = Number.POSITIVE_INFINITY
    for (const type of types) {
      const budget = this.#types.get(type)?.budget
      const limit = budget?.allowance(nowMs) ?? Number.POSITIVE_INFINITY
      if (limit === Number.POSITIVE_INFINITY) open.push(type)
      else if (limit > 0) limited.push({ type, limit })
      const pauseLeftMs = budget?.pauseLeftMs(nowMs) ?? 0
      if (pauseLeftMs > 0) changesInMs = Math.min(changesInMs, pauseLeftMs)
    }
    return { open, limited, changesInMs }
  }

  /** Whether one more attempt of this type may begin now. */
  admits(type: string): boolean {
    const { clock } = this.#parts
    return (this.#types.get(type)?.budget.allowance(clock.monotonicMs()) ?? 1) >= 1
  }

  begin(attempt: Attempt): void {
    this.#typeOf(attempt)?.budget.begin(attempt)
  }

  succeed(attempt: Attempt, resultJson: string): void {
    const guarded = this.#typeOf(attempt)
    guarded?.budget.succeed(attempt, this.#parts.clock.monotonicMs())
    this.#parts.settler.succeed(attempt, resultJson)
    if (guarded !== undefined) this.#tell(guarded)
  }

  fail(attempt: Attempt, failure: AttemptFailureReport): void {
    const { clock, settler } = this.#parts
    const guarded = this.#typeOf(attempt)
    if (guarded?.budget.fail(attempt, failure, clock.monotonicMs()) !== true) settler.fail(attempt, failure)
    // What fails while the worker stops is not kept: nobody would settle it.
    if (this.#isStopped) guarded?.budget.stop()
    if (guarded !== undefined) this.#tell(guarded)
  }

  release(attempt: Attempt): void {
    this.lost(attempt)
    this.#parts.settler.release(attempt)
  }

  /** The attempt's lease is somebody else's. */
  lost(attempt: Attempt): void {
    const guarded = this.#typeOf(attempt)
    guarded?.budget.leave(attempt, this.#parts.clock.monotonicMs())
    if (guarded !== undefined) this.#tell(guarded)
  }

  /** Its activity was asked to end. */
  cancel(attempt: Attempt): void {
    const guarded = this.#typeOf(attempt)
    guarded?.budget.cancel(attempt)
    if (guarded !== undefined) this.#tell(guarded)
  }

  /** Gives back, or settles, what is withheld. */
  stop(): void {
    this.#isStopped = true
    for (const { budget, disarm } of this.#types.values()) {
      disarm()
      budget.stop()
    }
  }

  #typeOf({ activity }: Attempt): Guarded | undefined {
    return this.#types.get(activity.type)
  }

  #withhold({ attempt, failure }: Withheld): void {
    const { held, events, telemetry, logger } = this.#parts
    const { id, type, priority } = attempt.activity
    const facts = { id, type, attempt: attempt.claimed.attempt, error: failure.error }
    held.withhold(attempt)
    telemetry.count('withheld', 1, { type, priority })
    logger.debug('a last failure is withheld: the dead-letter budget is spent', {
      ...attempt.logFields,
      error: facts.error.message,
    })
    events.emit('withheld', () => facts)
  }

  /** Says what has changed, and sets the clock for the next credit. */
  #tell(guarded: Guarded): void {
    if (this.#isStopped) return
    const { clock, events, logger, telemetry, onChange } = this.#parts
    const { type, budget } = guarded
    const { withheld, slowReason } = budget
    const wasSlow = guarded.slowReason !== undefined
    guarded.slowReason = slowReason
    if (slowReason !== undefined && !wasSlow) {
      const facts = { type, reason: slowReason, withheld }
      telemetry.count('backed_off', 1, { type, outcome: slowReason })
      logger.warn('a type backs off: claims of it are slowed down', facts)
      events.emit('backing_off', () => facts)
    } else if (slowReason === undefined && wasSlow) {
      logger.info('a type has recovered: claims of it are at full pace again', { type, withheld })
      events.emit('recovered', () => ({ type, withheld }))
    }
    guarded.disarm()
    const waitMs = withheld === 0 ? Number.POSITIVE_INFINITY : budget.msUntilPaid(clock.monotonicMs())
    guarded.disarm = waitMs === Number.POSITIVE_INFINITY ? () => undefined : this.#settleAfter(guarded, waitMs)
    if (wasSlow || slowReason !== undefined) onChange()
  }

  #settleAfter(guarded: Guarded, waitMs: number): () => void {
    const { clock } = this.#parts
    // A millisecond more than a credit takes: timers may be early, and time is counted in fractions.
    return clock.after(Math.ceil(waitMs) + 1, () => {
      guarded.budget.settleWhatIsPaid(clock.monotonicMs())
      this.#tell(guarded)
    })
  }
}
