// A loop that never ends by itself: round, pause, round. A round that fails doubles the pause, up to a bound.

import type { Clock } from '../core/clock.ts'
import { isErrandError } from '../core/errors.ts'

/** The longest pause after failures. */
const PAUSE_MS_MAX = 30_000

/** One bounded round of a loop: how long to pause after it, and whether something in it failed. */
export interface Round {
  readonly pauseMs: number
  readonly failed: boolean
}

/** Runs rounds until the signal aborts. `round` must not throw: it logs what fails and says so. */
export async function loopRounds(clock: Clock, signal: AbortSignal, round: () => Promise<Round>): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    const { pauseMs, failed } = await round()
    failures = failed ? failures + 1 : 0
    await pause(
      clock,
      signal,
      failures === 0 ? pauseMs : Math.min(PAUSE_MS_MAX, Math.max(pauseMs, 100) * 2 ** failures),
    )
  }
}

async function pause(clock: Clock, signal: AbortSignal, ms: number): Promise<void> {
  try {
    await clock.sleep(ms, { signal })
  } catch (error) {
    if (!isErrandError(error, 'cancelled')) throw error // cancelled: stopping ended the pause
  }
}
