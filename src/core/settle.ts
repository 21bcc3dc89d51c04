// How an attempt ends: a pure decision. Storages apply it atomically; see rules 1 to 3 and 5 of the storage contract.

import type { Activity, AttemptFailure, AttemptFailureReport, RecordedFailure } from './activity.ts'
import { LIMITS } from './limits.ts'
import { backoffMs, canRetry } from './retry-policy.ts'
import { clipUtf8 } from './text.ts'

/** What becomes of an activity after a failed attempt. */
export type SettleDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'failed' }
  | { readonly kind: 'dead_letter' }
  | { readonly kind: 'cancelled' }

type Tried = Pick<Activity, 'retryCount' | 'maxAttempts'> & Partial<Pick<Activity, 'attempt'>>

/** Decides a failed attempt. `cancelRequested`: somebody asked for the activity to end while it ran. */
export function decideFailure(
  activity: Tried & Pick<Activity, 'retryDelayMs' | 'retryDelayMaxMs'>,
  failure: Pick<AttemptFailureReport, 'kind' | 'retryAfterMs'>,
  cancelRequested: boolean,
): SettleDecision {
  if (failure.kind === 'non_retryable') return { kind: 'failed' }
  if (cancelRequested) return { kind: 'cancelled' }
  if (!canRetry(activity)) return { kind: 'dead_letter' }
  return { kind: 'retry', delayMs: askedDelayMs(failure.retryAfterMs) ?? backoffMs(activity) }
}

/** What a handler asked for, in range and whole; what is no number counts as not asked for. */
function askedDelayMs(retryAfterMs: number | undefined): number | undefined {
  if (retryAfterMs === undefined || Number.isNaN(retryAfterMs)) return undefined
  return Math.ceil(Math.min(Math.max(0, retryAfterMs), LIMITS.retryAfterMsMax))
}

/** Decides an expired lease: a retryable failure without backoff. */
export function decideExpiry(activity: Tried, cancelRequested: boolean): SettleDecision {
  if (cancelRequested) return { kind: 'cancelled' }
  return canRetry(activity) ? { kind: 'retry', delayMs: 0 } : { kind: 'dead_letter' }
}

/** What an attempt's end is recorded with. */
export interface AttemptEnd {
  readonly error: RecordedFailure
  readonly atMs: number
  readonly worker: string | null
  /** W3C traceparent of its run, where it was traced. */
  readonly traceparent?: string | null | undefined
}

/** The record of the attempt after this one. `dueAtMs` null: at once. */
export function nextAttempt(activity: Activity, end: AttemptEnd, dueAtMs: number | null): Activity {
  return {
    ...activity,
    attempt: activity.attempt + 1,
    retryCount: activity.retryCount + 1,
    scheduledAtMs: dueAtMs,
    // Of a run that nobody tells of, as when its worker died, the one before is still the way back.
    attemptTraceparent: end.traceparent ?? activity.attemptTraceparent,
    failures: withFailure(activity, end),
  }
}

/** The failures of an activity with one more, at most {@link LIMITS.failureHistoryMax}: the first is kept, then the latest. */
export function withFailure(activity: Activity, end: AttemptEnd): readonly AttemptFailure[] {
  const failure: AttemptFailure = {
    attempt: activity.attempt,
    atMs: end.atMs,
    name: clipUtf8(end.error.name, LIMITS.failureNameBytesMax),
    message: clipUtf8(end.error.message, LIMITS.failureHistoryMessageBytesMax),
    ...(end.worker === null ? {} : { worker: clipUtf8(end.worker, LIMITS.workerIdBytesMax) }),
  }
  const all = [...activity.failures, failure]
  if (all.length <= LIMITS.failureHistoryMax) return all
  return [...all.slice(0, 1), ...all.slice(all.length - LIMITS.failureHistoryMax + 1)]
}
