// An answer that serves everybody who asks within a while: twenty open pages must not ask twenty times. When it cannot be had, the
// one before is given with what is wrong, so that a page is not empty because Redis is away.

import type { Clock } from '../core/clock.ts'
import { saidBy } from '../core/errors.ts'

/** An answer, when it was had, and what is wrong since. */
export interface Kept<T> {
  readonly value: T
  readonly asOfMs: number
  readonly trouble: string | null
}

/** Keeps the last answer to one question. */
export class KeptAnswer<T> {
  readonly #clock: Clock
  readonly #keptMs: number
  readonly #ask: () => Promise<T>
  #last: { readonly value: T; readonly asOfMs: number; readonly monotonicMs: number } | null = null
  #asking: Promise<Kept<T>> | null = null

  constructor(parts: { readonly clock: Clock; readonly keptMs: number; readonly ask: () => Promise<T> }) {
    this.#clock = parts.clock
    this.#keptMs = parts.keptMs
    this.#ask = parts.ask
  }

  /** The answer. Rejects when there has never been one. */
  get(): Promise<Kept<T>> {
    const last = this.#last
    if (last !== null && this.#clock.monotonicMs() - last.monotonicMs < this.#keptMs) {
      return Promise.resolve({ value: last.value, asOfMs: last.asOfMs, trouble: null })
    }
    this.#asking ??= this.#renew().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #renew(): Promise<Kept<T>> {
    try {
      const value = await this.#ask()
      this.#last = { value, asOfMs: this.#clock.nowMs(), monotonicMs: this.#clock.monotonicMs() }
      return { value, asOfMs: this.#last.asOfMs, trouble: null }
    } catch (error) {
      if (this.#last === null) throw error
      const { value, asOfMs } = this.#last
      return { value, asOfMs, trouble: saidBy(error).replace(/^\[\w+\] /, '') }
    }
  }
}
