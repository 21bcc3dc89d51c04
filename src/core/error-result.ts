// The result of an activity that ended without one: what waiters and `getResult` get for failed, dead-lettered and
// cancelled activities. The field names are fixed by rule 3 of the storage contract.

import type { ErrorResultType, RecordedFailure, StoredResult } from './activity.ts'

/** What an error result is made from. `attempts`: how many were started. */
export interface ErrorResultParts {
  readonly failure: RecordedFailure
  readonly type: ErrorResultType
  readonly failedAtMs: number
  readonly attempts: number
}

/** The stored form of an error: state `err`, data `{ error, type, failed_at, attempts, failure }`. */
export function errorResult({ failure, type, failedAtMs, attempts }: ErrorResultParts): StoredResult {
  const data = { error: failure.message, type, failed_at: new Date(failedAtMs).toISOString(), attempts, failure }
  return { state: 'err', dataJson: JSON.stringify(data), atMs: failedAtMs }
}
