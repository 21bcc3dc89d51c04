// Keeps leases alive, all of a worker's in one call. It looks every sixth of a lease at what was not renewed for as long, so
// each is renewed before a third of it has passed, and work that takes milliseconds is never renewed at all.

import type { Clock } from '../core/clock.ts'
import type { ExtendLeaseAnswer, Storage } from '../storage/storage.ts'
import type { Attempt } from './attempt.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { WorkerEmitter } from './worker-events.ts'

/** What a keeper needs. */
export interface LeaseKeeperParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly held: HeldAttempts
  readonly events: WorkerEmitter
  readonly leaseMs: number
  readonly onLost: (attempt: Attempt) => void
  /** The activity of an attempt whose handler has ended was asked to end. */
  readonly onCancelled: (attempt: Attempt) => void
  /** The event loop (or the storage) was late by so many ms: leases may have expired meanwhile. */
  readonly onLate: (lateMs: number) => void
}

/** The renewal loop of one worker. */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts
  readonly #intervalMs: number
  #disarm: (() => void) | undefined
  #isTicking = false
  #isStopped = false

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts
    this.#intervalMs = Math.max(1, Math.floor(parts.leaseMs / 6))
  }

  /** To be called when attempts were added: nothing is armed while none are held. */
  wake(): void {
    if (this.#disarm !== undefined || this.#isTicking || this.#isStopped) return
    this.#disarm = this.#parts.clock.after(this.#intervalMs, () => void this.#turn())
  }

  stop(): void {
    this.#isStopped = true
    this.#disarm?.()
  }

  /** One round: renews what is due, in one call. Answers how many leases were renewed. Never throws. */
  async tick(): Promise<number> {
    const { held, clock, leaseMs, onLate } = this.#parts
    const nowMs = clock.monotonicMs()
    const due = [...held].filter(attempt => nowMs - attempt.renewedMs >= this.#intervalMs)
    const lateMs = due.reduce((late, { renewedMs }) => Math.max(late, nowMs - renewedMs - leaseMs), 0)
    if (lateMs > 0) onLate(lateMs)
    return this.#renew(due)
  }

  /** Renews one lease now, unless it was just renewed. */
  async renewNow(attempt: Attempt): Promise<void> {
    const sinceMs = this.#parts.clock.monotonicMs() - attempt.renewedMs
    if (attempt.state === 'running' && sinceMs >= this.#intervalMs / 2) await this.#renew([attempt])
  }

  async #turn(): Promise<void> {
    this.#disarm = undefined
    this.#isTicking = true
    await this.tick()
    this.#isTicking = false
    if (this.#parts.held.size > 0) this.wake()
  }

  async #renew(due: readonly Attempt[]): Promise<number> {
    if (due.length === 0) return 0
    const { storage, clock, leaseMs, events } = this.#parts
    const askedAtMs = clock.monotonicMs()
    try {
      const answers = await storage.extendLeases({ leases: due.map(({ lease }) => ({ ...lease, byMs: leaseMs })) })
      due.forEach((attempt, at) => this.#apply(attempt, answers[at], askedAtMs))
      return answers.filter(({ outcome }) => outcome === 'renewed').length
    } catch (error) {
      events.fail('renewing leases', error) // the next round tries again; until the lease ends nothing is lost
      return 0
    }
  }

  #apply(attempt: Attempt, answer: ExtendLeaseAnswer | undefined, askedAtMs: number): void {
    if (answer === undefined) return
    if (answer.outcome === 'renewed') {
      attempt.renewedMs = askedAtMs
      if (!answer.cancelRequested) return
      if (attempt.state === 'running') attempt.abort('cancelled')
      else if (attempt.state === 'withheld') this.#parts.onCancelled(attempt)
    } else if (attempt.state === 'running' || attempt.state === 'withheld') {
      // Of what is being settled, the settlement's own answer counts: it may have come to pass before this renewal.
      this.#parts.onLost(attempt)
    }
  }
}
