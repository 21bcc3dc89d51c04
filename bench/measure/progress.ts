// What the processes of a measurement have run so far, as they tell it.

import { systemClock } from '../../src/core/clock.ts'
import { preciseNowMs } from '../wall-clock.ts'
import type { RanMessage } from './program-lines.ts'

/** Adds up what measured workers tell, and lets the measurement wait for it. */
export class Progress {
  readonly highWaitsMs: number[] = []
  /** Activities that have held their slots: long ones, and those at the gate. */
  holding = 0
  readonly #told: { readonly atMs: number; readonly settled: number }[] = []
  readonly #looks = new Set<() => void>()
  #settled = 0

  get settled(): number {
    return this.#settled
  }

  /** Takes a message; usable as a callback as it is. */
  readonly add = ({ settled, lastMs, holding, highWaitsMs }: RanMessage): void => {
    this.#settled += settled
    this.holding += holding
    this.highWaitsMs.push(...highWaitsMs)
    if (settled > 0) this.#told.push({ atMs: lastMs, settled })
    for (const look of this.#looks) look()
  }

  /** True as soon as the condition holds; false after so many ms. */
  until(isReached: () => boolean, ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const end = (answer: boolean): void => {
        cancel()
        this.#looks.delete(look)
        resolve(answer)
      }
      const look = (): void => {
        if (isReached()) end(true)
      }
      const cancel = systemClock.after(ms, () => end(false))
      this.#looks.add(look)
      look()
    })
  }

  /** Settlements per second between two moments, by {@link preciseNowMs}. @defaultValue toMs: now */
  perSecond(fromMs: number, toMs: number = preciseNowMs()): number {
    const settled = this.#told.reduce((sum, { atMs, settled: each }) => {
      return atMs > fromMs && atMs <= toMs ? sum + each : sum
    }, 0)
    return (1_000 * settled) / (toMs - fromMs)
  }
}
