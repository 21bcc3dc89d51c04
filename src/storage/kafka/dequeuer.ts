// Dequeue: claims what is fetched and waiting, or waits until something is.

import type { ClaimedAttempt } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { ErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkInteger, checkText, describe } from '../../core/text.ts'
import type { DequeueParams } from '../storage.ts'
import type { Attempts } from './attempts.ts'
import type { Lanes } from './lanes.ts'

/** Length of a lease unless the caller says otherwise. */
const DEFAULT_LEASE_MS = 15_000

/** Gives claimed attempts to callers. */
export class Dequeuer {
  readonly #lanes: Lanes
  readonly #attempts: Attempts
  readonly #clock: Clock
  readonly #closed = new AbortController()
  readonly #claims = new Set<Promise<unknown>>()

  constructor(parts: { lanes: Lanes; attempts: Attempts; clock: Clock }) {
    this.#lanes = parts.lanes
    this.#attempts = parts.attempts
    this.#clock = parts.clock
  }

  async dequeue(params: Readonly<DequeueParams>): Promise<readonly ClaimedAttempt[]> {
    const types = this.#checkTypes(params.types)
    const request = {
      types,
      limit: checkInteger('limit', params.limit ?? 1, 1, LIMITS.dequeueBatchMax),
      leaseMs: checkInteger('leaseMs', params.leaseMs ?? DEFAULT_LEASE_MS, LIMITS.leaseMsMin, LIMITS.leaseMsMax),
      worker: checkText('workerId', params.workerId, LIMITS.workerIdBytesMax),
    }
    const timeoutMs = checkInteger('timeoutMs', params.timeoutMs, 0, LIMITS.waitMsMax)
    const until = this.#clock.monotonicMs() + timeoutMs
    while (!this.#closed.signal.aborted && params.signal?.aborted !== true) {
      if (this.#lanes.buffers.hasAny(types)) {
        const claiming = this.#attempts.claimWaiting(request)
        this.#claims.add(claiming)
        const claimed = await claiming.finally(() => this.#claims.delete(claiming))
        if (claimed.length > 0 && !this.#closed.signal.aborted) return claimed
        continue
      }
      const death = this.#lanes.deathOf(types)
      if (death !== undefined) throw death
      const leftMs = until - this.#clock.monotonicMs()
      if (leftMs <= 0) return []
      await this.#somethingReady(types, leftMs, params.signal)
    }
    return []
  }

  #checkTypes(wanted: readonly string[] | undefined): readonly string[] {
    const subscribed = this.#lanes.types
    const unknown = (wanted ?? []).filter(type => !subscribed.includes(type))
    if (unknown.length > 0 || subscribed.length === 0) {
      const received = unknown.length > 0 ? describe(unknown[0]) : 'none'
      throw new ErrandError('invalid_argument', `types: ${received} is not subscribed to here; call subscribe first.`, {
        details: { field: 'types', received },
      })
    }
    return wanted === undefined || wanted.length === 0 ? subscribed : wanted
  }

  /** Resolves when something may be ready, the time is over, or nobody waits any more. */
  #somethingReady(types: readonly string[], ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        stopListening()
        cancel()
        signal?.removeEventListener('abort', done)
        this.#closed.signal.removeEventListener('abort', done)
        resolve()
      }
      const stopListening = this.#lanes.onReady(done)
      const cancel = this.#clock.after(ms, done)
      signal?.addEventListener('abort', done, { once: true })
      this.#closed.signal.addEventListener('abort', done, { once: true })
      if (this.#lanes.buffers.hasAny(types) || signal?.aborted === true || this.#closed.signal.aborted) done()
    })
  }

  /** Ends every wait; resolves when no claim is under way. What was claimed meanwhile is for the caller to give back. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.allSettled(this.#claims)
  }
}
