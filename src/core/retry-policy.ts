// When a failed attempt is tried again. Pure; the numbers are fixed by rules 1 and 2 of the storage contract.

import { LIMITS } from './limits.ts'

/** Backoff is capped at an hour unless the activity says otherwise. */
export const DEFAULT_RETRY_DELAY_MAX_MS = 3_600_000
/** Base of the backoff unless the activity says otherwise. */
export const DEFAULT_RETRY_DELAY_MS = 1_000
/** Total attempts unless the activity says otherwise. */
export const DEFAULT_MAX_ATTEMPTS = 3

/**
 * Whether another attempt is allowed after this failure. `retryCount`: failed attempts before it. Never when the numbers of
 * another one would be above what a record can say, which a record of another producer may start close to.
 */
export function canRetry(policy: {
  readonly retryCount: number
  readonly maxAttempts: number | 'unlimited'
  readonly attempt?: number
}): boolean {
  if (Math.max(policy.retryCount, policy.attempt ?? 0) >= LIMITS.attemptsMax) return false
  return policy.maxAttempts === 'unlimited' || policy.retryCount + 1 < policy.maxAttempts
}

/**
 * Milliseconds until the next attempt: `min(cap, base * 2^(retryCount + 1))`, without overflow however large.
 * `retryCount`: failed attempts before this failure. Base 0: at once.
 */
export function backoffMs(policy: {
  readonly retryCount: number
  readonly retryDelayMs: number
  readonly retryDelayMaxMs: number
}): number {
  if (policy.retryDelayMs <= 0) return 0
  // 2^1023 is the largest power that is finite; the product may be Infinity and the cap still holds.
  const factor = 2 ** Math.min(policy.retryCount + 1, 1_023)
  return Math.min(policy.retryDelayMaxMs, policy.retryDelayMs * factor)
}

/**
 * Spreads a delay over `[delay * (1 - jitter), delay]`, so that what failed together does not return together.
 * `jitter`: 0 (off) to 1. `random`: a number in [0, 1).
 */
export function withJitter(delayMs: number, jitter: number, random: number): number {
  return Math.round(delayMs * (1 - jitter * random))
}
