// How an attempt left a worker's hands.

import type { RecordedFailure } from '../core/activity.ts'
import type { SettledOutcome } from './worker-events.ts'

/**
 * How an attempt left this worker. `lease_lost`: it counts for nothing · `abandoned`: the storage did not answer in time, so its
 * lease will expire.
 */
export interface AttemptEnding {
  readonly outcome: SettledOutcome | 'lease_lost' | 'abandoned'
  readonly error: RecordedFailure | null
  readonly retryInMs: number | null
  /** For `retrying`: when it is due, by the storage's clock. */
  readonly retryAtMs: number | null
}

/** An ending without an error. */
export function endingOf(outcome: AttemptEnding['outcome']): AttemptEnding {
  return { outcome, error: null, retryInMs: null, retryAtMs: null }
}
