// Who waits for something to become ready, first come, first served.

import type { ClaimedAttempt } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'

interface Waiting {
  readonly tryClaim: () => readonly ClaimedAttempt[]
  readonly resolve: (claimed: readonly ClaimedAttempt[]) => void
}

/** How long, and until what, a claim waits. */
export interface WaitParams {
  readonly tryClaim: () => readonly ClaimedAttempt[]
  readonly timeoutMs: number
  readonly signals: readonly AbortSignal[]
}

/** Claims that found nothing ready. */
export class WaitingClaims {
  readonly #waiting = new Set<Waiting>()
  readonly #clock: Clock
  #isWaking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves with what is claimed, or with nothing after the timeout or when a signal aborts. */
  wait({ tryClaim, timeoutMs, signals }: WaitParams): Promise<readonly ClaimedAttempt[]> {
    return new Promise(resolve => {
      const end = (claimed: readonly ClaimedAttempt[]): void => {
        this.#waiting.delete(waiting)
        done.abort()
        for (const signal of signals) signal.removeEventListener('abort', onAbort)
        resolve(claimed)
      }
      const onAbort = (): void => end([])
      const waiting: Waiting = { tryClaim, resolve: end }
      const done = new AbortController()
      // A sleep and not a mere deadline: the process must not end, silently, while somebody waits for work.
      this.#clock.sleep(timeoutMs, { signal: done.signal }).then(onAbort, () => undefined)
      for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
    })
  }

  /** Something became ready: those who wait look again, once the caller's whole batch is in. */
  wake(): void {
    if (this.#isWaking || this.#waiting.size === 0) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      for (const { tryClaim, resolve } of this.#waiting) {
        const claimed = tryClaim()
        if (claimed.length > 0) resolve(claimed)
      }
    })
  }
}
