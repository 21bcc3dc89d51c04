// A clock that stands still until it is told to move: for tests that step loops instead of waiting for them.
// Timers fire in the order in which they are due, those due together in the order in which they were set, and
// between two of them every promise job runs, so that a loop can set its next timer in time for the same `advance`.

import type { Clock } from '../core/clock.ts'
import { sleepOn } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'

interface Timer {
  readonly dueMs: number
  readonly call: () => void
}

/** 2026-01-01T00:00:00Z: recognisable in a failing test's output. */
const DEFAULT_START_MS = Date.UTC(2026, 0, 1)

/** A {@link Clock} moved by hand. Its wall clock and its monotonic clock move together. */
export class ManualClock implements Clock {
  #nowMs: number
  readonly #startMs: number
  /** Soonest first; of equals, the one set first. */
  readonly #timers: Timer[] = []

  /** `startMs`: the wall clock at first, ms since the epoch. @defaultValue 2026-01-01T00:00:00Z */
  constructor(startMs: number = DEFAULT_START_MS) {
    this.#startMs = startMs
    this.#nowMs = startMs
  }

  /** Timers (and sleeps) that have not fired. */
  get pendingTimers(): number {
    return this.#timers.length
  }

  /** When the next timer fires, ms since the epoch; null when none is set. */
  get nextDueMs(): number | null {
    return this.#timers[0]?.dueMs ?? null
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, ms, options?.signal)
  }

  after(ms: number, call: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, ms), call }
    const behind = this.#timers.findIndex(other => other.dueMs > timer.dueMs)
    this.#timers.splice(behind === -1 ? this.#timers.length : behind, 0, timer)
    return () => {
      const at = this.#timers.indexOf(timer)
      if (at !== -1) this.#timers.splice(at, 1)
    }
  }

  /**
   * Moves time by so many ms (0: fires what is due now), firing each due timer at its own time. Promise jobs run before
   * the first timer, between timers, and after the last. Rejects with what a timer throws; time then stands at that timer.
   */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#nowMs + ms)
  }

  /** Moves time to a wall-clock time, ms since the epoch. Throws `invalid_argument` when that is in the past. */
  async advanceTo(atMs: number): Promise<void> {
    if (!(atMs >= this.#nowMs)) {
      throw new ErrandError('invalid_argument', `the clock stands at ${this.#nowMs} and cannot move to ${atMs}`)
    }
    await promiseJobs()
    for (let timer = this.#timers[0]; timer !== undefined && timer.dueMs <= atMs; timer = this.#timers[0]) {
      this.#timers.shift()
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
      timer.call()
      await promiseJobs()
    }
    this.#nowMs = Math.max(this.#nowMs, atMs)
  }
}

/** A macrotask: every promise job that can run without input or output has run when it comes. */
function promiseJobs(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
