// One attempt in this worker's hands:
//
//   running ──result, throw, timeout──▶ settling ──answered──▶ ended
//      │ │                               ▲ a credit, cancelled
//      │ └──last failure, no credit──▶ withheld ──lease lost──▶ ended
//      │                                 ▼ recovered, stopping
//      ├─────────────stopping─────────▶ releasing ──answered──▶ ended
//      └──lease lost──▶ ended
//
// The handler's own life goes beside it: it may outlive the attempt (after a timeout, a lost lease), and it keeps its slot
// until it ends. Whatever it then returns counts for nothing.

import type { Activity, ClaimedAttempt } from '../core/activity.ts'
import type { LogFields } from '../core/logger.ts'
import type { ActivitySpan, SpanEnd } from '../telemetry/telemetry.ts'
import type { AbortWhy } from './attempt-aborted-error.ts'
import { AttemptAbortedError } from './attempt-aborted-error.ts'
import type { Registration } from './registry.ts'
import type { Slots } from './slots.ts'

/** Where an attempt stands. */
export type AttemptState = 'running' | 'withheld' | 'settling' | 'releasing' | 'ended'

/** What an attempt is made of. */
export interface AttemptParts {
  readonly claimed: ClaimedAttempt
  readonly registration: Registration
  readonly slots: Slots
  readonly span: ActivitySpan
  /** By the monotonic clock. */
  readonly startedMs: number
}

/** A claimed attempt and how it stands. */
export class Attempt {
  readonly claimed: ClaimedAttempt
  readonly registration: Registration
  readonly slots: Slots
  readonly span: ActivitySpan
  readonly startedMs: number
  /** By the monotonic clock: when its handler has run too long. */
  readonly timeoutAtMs: number
  state: AttemptState = 'running'
  /** Whether the handler still runs. */
  isHandlerRunning = true
  /** By the monotonic clock: when the lease was last known to be whole. */
  renewedMs: number
  /** By the monotonic clock: when its fate was decided, and began to be written down. */
  decidedMs = 0
  #reason: AttemptAbortedError | undefined
  #controller: AbortController | undefined
  #isSpanEnded = false

  constructor({ claimed, registration, slots, span, startedMs }: AttemptParts) {
    this.claimed = claimed
    this.registration = registration
    this.slots = slots
    this.span = span
    this.startedMs = startedMs
    this.renewedMs = startedMs
    this.timeoutAtMs = startedMs + claimed.activity.timeoutMs
  }

  get activity(): Activity {
    return this.claimed.activity
  }

  /** What entitles to settle, renew and release. */
  get lease(): { readonly id: string; readonly leaseId: string } {
    return { id: this.claimed.activity.id, leaseId: this.claimed.leaseId }
  }

  /** Made when first asked for: most handlers never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Why it was aborted first; undefined when it was not. */
  get abortReason(): AttemptAbortedError | undefined {
    return this.#reason
  }

  /** Aborts the signal. Only the first reason counts. */
  abort(why: AbortWhy): void {
    if (this.#reason !== undefined) return
    this.#reason = new AttemptAbortedError(why, { id: this.activity.id, attempt: this.claimed.attempt })
    this.#controller?.abort(this.#reason)
  }

  /** What each log line about it says, and its trace where there is one. */
  get logFields(): LogFields {
    const { activity, claimed, span } = this
    return { activityId: activity.id, activityType: activity.type, attempt: claimed.attempt, ...span.logFields }
  }

  /** Ends the span of the run. Only the first end counts, which says true: a handler may outlive its attempt. */
  endSpan(end: SpanEnd): boolean {
    if (this.#isSpanEnded) return false
    this.#isSpanEnded = true
    this.span.end(end)
    return true
  }
}
