// Joins the two clocks of the evidence: Redis's, by which leases and due times go, and the machine's monotonic one.

import type { HistoryLine } from '../evidence.ts'

/** Redis's time on the monotonic clock. */
export class RedisClock {
  readonly #offsetMs: number

  private constructor(offsetMs: number) {
    this.#offsetMs = offsetMs
  }

  /** From all claims: each is answered after it was granted, and the one answered fastest is the closest. */
  static of(history: readonly HistoryLine[]): RedisClock {
    let offsetMs = Number.POSITIVE_INFINITY
    for (const line of history) {
      if (line.op === 'claim') offsetMs = Math.min(offsetMs, line.mono - line.startedAtMs)
    }
    return new RedisClock(Number.isFinite(offsetMs) ? offsetMs : 0)
  }

  /** When it was this time by Redis's clock, on the monotonic one; late by about a millisecond. */
  monoOf(atMs: number): number {
    return atMs + this.#offsetMs
  }
}
