// The lanes as gauges. Asked for by whoever collects, at the storage at most every few seconds: between two looks only the ages
// go on. What is older than that is not shown, nor does a storage that hangs hold up who collects.

import type { Clock } from '../core/clock.ts'
import { withDeadline } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import type { InspectionStorage, LaneFigures } from '../storage/storage.ts'
import type { GaugeReading } from '../telemetry/telemetry.ts'

/** Collecting waits no longer for a look: a page of metrics without lanes is better than none. Unit: ms. */
const LOOK_MS_MAX = 5_000

/** What {@link LaneGauges} are made from. */
export interface LaneGaugesParts {
  readonly storage: Pick<InspectionStorage, 'laneFigures'>
  readonly clock: Clock
  /** How long a look holds. Unit: ms. */
  readonly intervalMs: number
}

/** Reads how lanes stand, and keeps it for a while. */
export class LaneGauges {
  readonly #parts: LaneGaugesParts
  #latest: { readonly atMs: number; readonly lanes: readonly LaneFigures[] } | undefined
  #looking: Promise<readonly LaneFigures[]> | undefined

  constructor(parts: LaneGaugesParts) {
    this.#parts = parts
  }

  /** The gauges of every lane. Rejects with what the storage says, or `timeout`; a look that took too long serves the next one. */
  async read(): Promise<readonly GaugeReading[]> {
    const { clock, intervalMs } = this.#parts
    const latest = this.#latest
    const isFresh = latest !== undefined && clock.monotonicMs() - latest.atMs < intervalMs
    const lanes = isFresh ? latest.lanes : await this.#lookInTime()
    return lanes.flatMap(lane => readingsOf(lane, clock.nowMs()))
  }

  #lookInTime(): Promise<readonly LaneFigures[]> {
    const late = (): Error =>
      new ErrandError('timeout', `the storage took more than ${LOOK_MS_MAX} ms to say how lanes stand`)
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return withDeadline(this.#parts.clock, this.#looking, LOOK_MS_MAX, late)
  }

  async #look(): Promise<readonly LaneFigures[]> {
    const { storage, clock } = this.#parts
    const lanes = await storage.laneFigures()
    this.#latest = { atMs: clock.monotonicMs(), lanes }
    return lanes
  }
}

function readingsOf(lane: LaneFigures, nowMs: number): GaugeReading[] {
  const { type, priority, pending, oldestPendingAtMs, running, scheduled, deadLetters, finishedAhead } = lane
  const labels = { type, priority }
  // Something waits, and it is not known since when: not the same as nothing waits.
  const unknownMs = pending > 0 ? Number.NaN : 0
  const ageMs = oldestPendingAtMs === null ? unknownMs : Math.max(0, nowMs - oldestPendingAtMs)
  return [
    { name: 'lane_pending', value: pending, labels },
    { name: 'lane_oldest_pending_age', value: ageMs, labels },
    { name: 'lane_running', value: running, labels },
    { name: 'lane_scheduled', value: scheduled, labels },
    { name: 'lane_dead_letters', value: deadLetters, labels },
    { name: 'frontier_hold', value: finishedAhead, labels },
    { name: 'frontier_hold_age', value: lane.frontierStuckMs, labels },
  ]
}
