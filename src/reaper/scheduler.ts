// Makes due activities ready: looks, moves what is due, and sleeps until the next due time, at most its interval, because
// something due sooner may be scheduled elsewhere meanwhile.

import { fromUnknown } from '../core/errors.ts'
import { SCHEDULE_LIMITS } from '../core/limits.ts'
import { loopRounds } from './chore-loop.ts'
import type { ResolvedReaperOptions } from './reaper-options.ts'

/** What one round did. */
export interface SchedulerReport {
  readonly moved: number
  /** Until the next known due time; null when there is none. Unit: ms. */
  readonly nextDueInMs: number | null
  /** Whether the storage failed; the error is in the log. */
  readonly failed: boolean
}

/** The loop around `processScheduled`. Held by the Reaper; any number may run at once. */
export class Scheduler {
  readonly #options: ResolvedReaperOptions

  constructor(options: ResolvedReaperOptions) {
    this.#options = options
  }

  /** One round: moves what is due, batch by batch, until a batch is not full. Never throws. */
  async tick(): Promise<SchedulerReport> {
    const { storage, batch, logger, telemetry } = this.#options
    let moved = 0
    try {
      for (let batches = 0; batches < SCHEDULE_LIMITS.batchesPerRoundMax; batches++) {
        const report = await storage.processScheduled({ limit: batch })
        moved += report.moved
        for (const ms of report.latenessMs) telemetry.duration('lateness', ms, {})
        if (report.moved < batch) return { moved, nextDueInMs: report.nextDueInMs, failed: false }
      }
      return { moved, nextDueInMs: 0, failed: false }
    } catch (error) {
      logger.error('moving due activities failed; trying again', { error: fromUnknown(error, 'internal').message })
      return { moved, nextDueInMs: null, failed: true }
    }
  }

  /** Rounds until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { clock, scheduleIntervalMs } = this.#options
    return loopRounds(clock, signal, async () => {
      const { nextDueInMs, failed } = await this.tick()
      // At least a millisecond, so that a due time that the storage's clock has not quite reached cannot spin the loop.
      return { pauseMs: Math.max(1, Math.min(scheduleIntervalMs, nextDueInMs ?? scheduleIntervalMs)), failed }
    })
  }
}
