// A change that is asked for twice is made once: the answer of the first is given again, also while it is still being made. It is
// remembered in this process, for a while; what outlasts that is said at each route (a key, an id of its own, or an act that is the
// same when it is done twice).

import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { Problem } from './problem.ts'

interface Kept {
  readonly digest: string
  readonly atMs: number
  readonly answer: Promise<unknown>
}

/** What a request was answered, now or before. */
export interface Performed {
  readonly answer: unknown
  readonly isRepeated: boolean
}

/** Remembers requests by their id. */
export class RequestOnce {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Does the work, or gives the answer of the same request before. One that failed is forgotten, so that it can be tried again.
   * Throws `conflict` when the id was used for another request.
   */
  async run(id: string, content: readonly string[], work: () => Promise<unknown>): Promise<Performed> {
    this.#forget()
    const digest = createHash('sha256').update(JSON.stringify(content)).digest('base64')
    const kept = this.#kept.get(id)
    if (kept !== undefined) {
      if (kept.digest === digest) return { answer: await kept.answer, isRepeated: true }
      throw new Problem(409, 'conflict', 'x-errand-request was used for another request; make a new one.', {
        field: 'x-errand-request',
      })
    }
    const answer = work()
    this.#kept.set(id, { digest, atMs: this.#clock.monotonicMs(), answer })
    try {
      return { answer: await answer, isRepeated: false }
    } catch (error) {
      this.#kept.delete(id)
      throw error
    }
  }

  #forget(): void {
    const beforeMs = this.#clock.monotonicMs() - CONSOLE_LIMITS.requestsKeptMs
    for (const [id, { atMs }] of this.#kept) {
      if (atMs > beforeMs && this.#kept.size < CONSOLE_LIMITS.requestsKeptMax) return
      this.#kept.delete(id)
    }
  }
}
