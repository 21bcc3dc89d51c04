// Watches an operation as people do who have time: that Kafka or Redis are away for a while says nothing about how it goes on.

import { systemClock } from '../core/clock.ts'
import { isErrandError, saidBy } from '../core/errors.ts'
import type { OperationView, WatchParams } from '../operations/watch-operation.ts'
import { watchOperation } from '../operations/watch-operation.ts'

/** Who cannot look for so long gives up. Unit: ms. */
const AWAY_MS_MAX = 300_000
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 10_000

/** What {@link watchPatiently} takes. */
export interface PatientWatchParams extends WatchParams {
  /** Called once for each time that it cannot be looked at, with why. */
  readonly onAway: (why: string) => void
}

/**
 * As `watchOperation`, and looks again, with pauses, while Kafka or Redis do not answer. Throws `not_found`, and `unavailable` when
 * they have not for five minutes.
 */
export async function* watchPatiently(params: PatientWatchParams): AsyncGenerator<OperationView, void, undefined> {
  const { signal, clock = systemClock, onAway } = params
  let awayAtMs: number | undefined
  let pauseMs = PAUSE_MS_MIN
  while (!signal.aborted) {
    try {
      for await (const view of watchOperation(params)) {
        awayAtMs = undefined
        pauseMs = PAUSE_MS_MIN
        yield view
      }
      return
    } catch (error) {
      if (!isErrandError(error, 'unavailable') && !isErrandError(error, 'timeout')) throw error
      if (awayAtMs === undefined) onAway(saidBy(error))
      awayAtMs ??= clock.monotonicMs()
      if (clock.monotonicMs() - awayAtMs >= AWAY_MS_MAX) throw error
    }
    await clock.sleep(pauseMs, { signal }).catch((error: unknown) => {
      if (!isErrandError(error, 'cancelled')) throw error // cancelled: the loop ends
    })
    pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2)
  }
}
