// The attempts whose leases this worker holds: running, withheld, being settled, being given back.

import type { Attempt } from './attempt.ts'

/** A set of attempts that can be waited on. */
export class HeldAttempts implements Iterable<Attempt> {
  readonly #held = new Set<Attempt>()
  #whenEmpty: (() => void)[] = []
  #settling = 0

  get size(): number {
    return this.#held.size
  }

  /** How many are being settled or given back: their handlers have ended, or count no more. */
  get settling(): number {
    return this.#settling
  }

  add(attempt: Attempt): void {
    this.#held.add(attempt)
  }

  has(attempt: Attempt): boolean {
    return this.#held.has(attempt)
  }

  /** The attempt has failed for the last time, and its failure waits. */
  withhold(attempt: Attempt): void {
    attempt.state = 'withheld'
  }

  /** The attempt's fate is decided, and is being written. */
  decide(attempt: Attempt, state: 'settling' | 'releasing'): void {
    attempt.state = state
    this.#settling += 1
  }

  /** The attempt is out of this worker's hands. */
  end(attempt: Attempt): void {
    if (!this.#held.delete(attempt)) return
    if (attempt.state === 'settling' || attempt.state === 'releasing') this.#settling -= 1
    attempt.state = 'ended'
    if (this.#held.size > 0) return
    const waiting = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of waiting) resolve()
  }

  [Symbol.iterator](): Iterator<Attempt> {
    return this.#held.values()
  }

  /** Resolves when none is held. */
  whenEmpty(): Promise<void> {
    return this.#held.size === 0 ? Promise.resolve() : new Promise(resolve => this.#whenEmpty.push(resolve))
  }
}
