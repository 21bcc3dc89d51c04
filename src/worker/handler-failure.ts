// Whatever a handler threw, as what the storage is told. Handlers throw strings, null, thenables and proxies whose every trap
// throws; none of that may harm the worker.

import type { AttemptFailureReport } from '../core/activity.ts'
import { isNonRetryable, isRetryAfter } from '../core/errors.ts'
import { recordFailure } from '../core/failure.ts'
import { LIMITS } from '../core/limits.ts'
import type { AttemptAbortedError } from './attempt-aborted-error.ts'

/** What {@link AttemptFailureReport} a throw makes. `retryAfterMs` comes from `RetryAfterError`. Never throws. */
export function failureReport(thrown: unknown, abortReason: AttemptAbortedError | undefined): AttemptFailureReport {
  const error = recordFailure(thrown)
  const wish = wishOf(thrown)
  if (wish === 'non_retryable') return { kind: 'non_retryable', error }
  if (abortReason?.why === 'cancelled') return { kind: 'cancelled', error }
  return wish === undefined ? { kind: 'retryable', error } : { kind: 'retryable', error, retryAfterMs: wish }
}

/** True when the throw says itself what should follow, so that it counts also while the worker stops. */
export function isDeliberate(thrown: unknown): boolean {
  return wishOf(thrown) !== undefined
}

function wishOf(thrown: unknown): 'non_retryable' | number | undefined {
  try {
    if (isNonRetryable(thrown)) return 'non_retryable'
    return isRetryAfter(thrown) ? delayOf(thrown.delayMs) : undefined
  } catch {
    return undefined // a value that cannot even be looked at is a throw like any other
  }
}

/** Thirty years: what `RetryAfterError` promises at most. */
const RETRY_AFTER_MS_MAX = Math.min(30 * 365.25 * 24 * 3_600_000, LIMITS.scheduleAheadMsMax)

function delayOf(delayMs: unknown): number | undefined {
  if (typeof delayMs !== 'number' || Number.isNaN(delayMs)) return undefined
  return Math.min(RETRY_AFTER_MS_MAX, Math.max(0, Math.ceil(delayMs)))
}
