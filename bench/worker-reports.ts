// What a worker says of itself, whichever queue's it is: gathered here, told a few times a second, since a line for each
// activity would cost more than the activity.

import { systemClock } from '../src/core/clock.ts'
import type { WorkerReport } from './subject.ts'
import { preciseNowMs } from './wall-clock.ts'

const REPORT_MS = 50

/** Gathers what happens into reports. */
export class WorkerReports {
  readonly #onReport: (report: WorkerReport) => void
  #settled = 0
  #startedMs = 0
  #settledMs = 0
  #waitsMs: number[] = []
  #cancelFlush: (() => void) | undefined

  constructor(onReport: (report: WorkerReport) => void) {
    this.#onReport = onReport
  }

  /** The first line of a handler. */
  started(sentAtMs: number): void {
    if (this.#startedMs === 0) this.#startedMs = systemClock.monotonicMs()
    this.#waitsMs.push(preciseNowMs() - sentAtMs)
  }

  /** So many are over for good: their queue would not run them again. */
  settled(count = 1): void {
    this.#settledMs = systemClock.monotonicMs()
    this.#settled += count
    this.#cancelFlush ??= systemClock.after(REPORT_MS, () => this.flush())
  }

  /** Tells what has not been told yet. */
  flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    const [settled, waitsMs] = [this.#settled, this.#waitsMs]
    this.#settled = 0
    this.#waitsMs = []
    this.#onReport({ settled, startedMs: this.#startedMs, settledMs: this.#settledMs, waitsMs })
  }
}
