// A call to the storage that is made until it is answered: what Redis or Kafka did not answer may be sent again as it is.

import type { Clock } from '../core/clock.ts'
import type { ErrandError } from '../core/errors.ts'
import { ERROR_TABLE, fromUnknown, isErrandError } from '../core/errors.ts'

/** First and longest pause between two tries. */
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 2_000

/** How a call is repeated. */
export interface RepeatParts {
  readonly clock: Clock
  /** Aborted: no further try. */
  readonly abandon: AbortSignal
  /** Told of each failure that will be repeated, with how many there were before. */
  readonly onFailure: (error: ErrandError, failuresBefore: number) => void
}

/**
 * Calls until there is an answer; undefined when it was abandoned first. Throws an error for which trying again is no help.
 */
export async function untilAnswered<T>(parts: RepeatParts, call: () => Promise<T>): Promise<T | undefined> {
  for (let failures = 0; ; failures++) {
    try {
      return await call()
    } catch (error) {
      // What is none of our errors comes from below the port, where everything is a matter of reaching something.
      const known = fromUnknown(error, 'unavailable')
      if (ERROR_TABLE[known.code].retry !== 'as_it_is') throw known
      parts.onFailure(known, failures)
    }
    if (!(await paused(parts, Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** failures)))) return undefined
  }
}

/** Pauses; false when the signal ended the pause. Throws whatever is no end of a pause. */
export async function paused({ clock, abandon }: Pick<RepeatParts, 'clock' | 'abandon'>, ms: number): Promise<boolean> {
  try {
    await clock.sleep(ms, { signal: abandon })
    return true
  } catch (error) {
    if (isErrandError(error, 'cancelled')) return false
    throw error
  }
}
