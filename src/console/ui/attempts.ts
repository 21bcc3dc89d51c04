// Attempts of an activity in numbers. Pure.

import type { ActivityView } from './api-types.ts'

/** Attempts that failed: the recorded ones are those that were retried, so the last of what ended in failure comes on top. */
export function failedAttempts({ status, retryCount }: Pick<ActivityView, 'status' | 'retryCount'>): number {
  return status === 'failed' || status === 'dead_letter' ? retryCount + 1 : retryCount
}
