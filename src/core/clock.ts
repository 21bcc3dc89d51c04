// Time, handed in. Nothing outside this file reads the wall clock or sets a timer, so that loops can be stepped.
// This clock times local things; leases and due times on Redis go by Redis's own.

import { ErrandError } from './errors.ts'

/** Time as Errand's loops see it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  nowMs(): number
  /** Never jumps, only for differences. */
  monotonicMs(): number
  /** Resolves after so many ms; rejects with `cancelled` when the signal aborts, at once when it already has. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Calls once after so many ms; the function given back cancels it. Never keeps the process alive. */
  after(ms: number, call: () => void): () => void
}

/** Timers overflow at 2^31 ms. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** The real clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  // Who sleeps has something to do afterwards, so the process stays; who only set a deadline does not hold it.
  sleep: (ms, options) => sleepOn({ after: (wait, call) => timer(wait, call, true) }, ms, options?.signal),
  after: (ms, call) => timer(ms, call, false),
}

function timer(ms: number, call: () => void, keepsAlive: boolean): () => void {
  let current: NodeJS.Timeout
  const arm = (left: number): void => {
    current = setTimeout(() => (left > TIMER_MS_MAX ? arm(left - TIMER_MS_MAX) : call()), Math.min(left, TIMER_MS_MAX))
    if (!keepsAlive) current.unref()
  }
  arm(Math.max(0, ms))
  return () => clearTimeout(current)
}

/** `sleep` in terms of `after`. */
export function sleepOn(clock: Pick<Clock, 'after'>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal))
    const onAbort = (): void => {
      cancel()
      reject(aborted(signal))
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** The error of a wait that was given up; the signal's reason is its cause. */
export function aborted(signal: AbortSignal | undefined): ErrandError {
  return new ErrandError('cancelled', 'the wait was given up by its signal', { cause: signal?.reason })
}

/** Resolves with the promise, or rejects with `cancelled` when the signal aborts first. The work itself goes on. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined) // its failure is nobody's business any more
      return reject(aborted(signal))
    }
    const onAbort = (): void => reject(aborted(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Resolves with the promise, or rejects with what `onTimeout` makes when it takes longer. The work itself goes on. */
export function withDeadline<T>(clock: Clock, promise: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(onTimeout()))
    promise.then(resolve, reject).finally(cancel)
  })
}
