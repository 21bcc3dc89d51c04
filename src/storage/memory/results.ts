// Results by activity id, and who waits for them.

import type { StoredResult } from '../../core/activity.ts'
import { aborted } from '../../core/clock.ts'

interface Kept {
  readonly result: StoredResult
  readonly untilMs: number
}

/** Results, kept for one length of time. */
export class Results {
  /** In the order in which they were stored, so the first is the first to go. */
  readonly #kept = new Map<string, Kept>()
  readonly #waiters = new Map<string, Set<(result: StoredResult) => void>>()
  readonly #ttlMs: number

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  get(id: string, nowMs: number): StoredResult | null {
    const kept = this.#kept.get(id)
    return kept === undefined || kept.untilMs <= nowMs ? null : kept.result
  }

  put(id: string, result: StoredResult, nowMs: number): void {
    this.#kept.delete(id)
    this.#kept.set(id, { result, untilMs: nowMs + this.#ttlMs })
  }

  delete(id: string): void {
    this.#kept.delete(id)
  }

  /** Hands a result to everybody who waits for it. */
  wake(id: string, result: StoredResult): void {
    const waiters = this.#waiters.get(id)
    this.#waiters.delete(id)
    for (const resolve of waiters ?? []) resolve(result)
  }

  /** Resolves at the next wake of the id; rejects with `cancelled` when a signal aborts. */
  wait(id: string, signals: readonly AbortSignal[]): Promise<StoredResult> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        for (const signal of signals) signal.removeEventListener('abort', onAbort)
        const waiters = this.#waiters.get(id)
        waiters?.delete(onResult)
        if (waiters?.size === 0) this.#waiters.delete(id)
      }
      const onAbort = (): void => {
        done()
        reject(aborted(signals.find(signal => signal.aborted)))
      }
      const onResult = (result: StoredResult): void => {
        done()
        resolve(result)
      }
      if (signals.some(signal => signal.aborted)) return onAbort()
      for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
      const waiters = this.#waiters.get(id) ?? new Set()
      this.#waiters.set(id, waiters.add(onResult))
    })
  }

  /** Drops at most so many results that are over their time. */
  purge(nowMs: number, max: number): void {
    let left = max
    for (const [id, kept] of this.#kept) {
      if (kept.untilMs > nowMs || left-- <= 0) return
      this.#kept.delete(id)
    }
  }
}
