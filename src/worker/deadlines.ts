// Which handlers have run too long. One timer for all: it is set for the earliest timeout that was known, and looks at what
// still runs then. Most attempts end long before, so a timer each would be armed and cancelled for nothing.

import type { Clock } from '../core/clock.ts'
import type { Attempt } from './attempt.ts'
import type { HeldAttempts } from './held-attempts.ts'

/** Timers may fire a little early by another clock than their own. */
const TOLERANCE_MS = 1

/** Calls once for every held attempt whose handler runs longer than its timeout. */
export class Deadlines {
  readonly #clock: Clock
  readonly #held: HeldAttempts
  readonly #onTimeout: (attempt: Attempt) => void
  #armedAtMs = Number.POSITIVE_INFINITY
  #disarm: () => void = () => undefined

  constructor(clock: Clock, held: HeldAttempts, onTimeout: (attempt: Attempt) => void) {
    this.#clock = clock
    this.#held = held
    this.#onTimeout = onTimeout
  }

  /** Watches an attempt that was just started. */
  watch(attempt: Attempt): void {
    if (attempt.timeoutAtMs < this.#armedAtMs) this.#arm(attempt.timeoutAtMs)
  }

  stop(): void {
    this.#disarm()
    this.#armedAtMs = Number.POSITIVE_INFINITY
  }

  #arm(atMs: number): void {
    this.#disarm()
    this.#armedAtMs = atMs
    this.#disarm = this.#clock.after(Math.max(1, atMs - this.#clock.monotonicMs()), () => this.#look())
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs() + TOLERANCE_MS
    this.#armedAtMs = Number.POSITIVE_INFINITY
    let nextMs = Number.POSITIVE_INFINITY
    for (const attempt of this.#held) {
      if (attempt.state !== 'running') continue
      if (attempt.timeoutAtMs <= nowMs) this.#onTimeout(attempt)
      else nextMs = Math.min(nextMs, attempt.timeoutAtMs)
    }
    if (nextMs < this.#armedAtMs) this.#arm(nextMs)
  }
}
