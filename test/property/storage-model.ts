// What a storage is to do, told once more and as simply as it goes: activities in a map, keys in a map, rules 1 to 11 of
// the storage contract read anew. It decides nothing that the contract leaves open: which ready attempt is claimed next,
// which of too many expired leases is taken first. Where a list of answers is given, any of them is right.

import type {
  Activity,
  AttemptFailureReport,
  ClaimedAttempt,
  DuplicateBehavior,
  Status,
} from '../../src/core/activity.ts'
import type { IdempotencyAnswer, LeaseRef } from '../../src/storage/storage.ts'
import type { Expected, FailAnswer, Modelled } from './modelled.ts'

export class StorageModel {
  readonly activities = new Map<string, Modelled>()
  readonly #keys = new Map<string, string>()
  /** Every lease that was ever given, oldest first. */
  readonly leases: LeaseRef[] = []
  /** What was looked up since somebody last cleared this: all that can have changed. */
  readonly touched = new Set<string>()
  find(id: string): Modelled | undefined {
    this.touched.add(id)
    return this.activities.get(id)
  }
  add(sent: Activity, nowMs: number): void {
    const dueAtMs = sent.scheduledAtMs ?? 0
    const status = dueAtMs > nowMs ? 'scheduled' : 'pending'
    const blank = { lease: null, lastWorker: null, cancel: null, result: null, redrivenAs: null, latest: null }
    const fresh = { sent, status, dueAtMs, retryCount: 0, settled: new Map(), released: new Set<string>() } as const
    this.activities.set(sent.id, { ...blank, ...fresh })
    this.touched.add(sent.id)
  }
  enqueue(sent: Activity, nowMs: number): IdempotencyAnswer | { readonly outcome: 'created'; readonly id: string } {
    if (this.find(sent.id) !== undefined) return { outcome: 'existing', id: sent.id }
    if (sent.key !== null) {
      const answer = this.inquire(sent.type, sent.key.key, sent.key.onDuplicate)
      if (answer.outcome !== 'proceed') return answer
      this.#keys.set(`${sent.type} ${sent.key.key}`, sent.id)
    }
    this.add(sent, nowMs)
    return { outcome: 'created', id: sent.id }
  }
  lookup(type: string, key: string): string | null {
    return this.#keys.get(`${type} ${key}`) ?? null
  }
  inquire(type: string, key: string, behavior: DuplicateBehavior): IdempotencyAnswer {
    const holder = this.activities.get(this.lookup(type, key) ?? '')
    if (holder === undefined || behavior === 'allow_reuse') return { outcome: 'proceed' }
    const { id } = holder.sent
    if (behavior === 'return_existing') return { outcome: 'existing', id }
    if (behavior === 'no_reuse') return { outcome: 'refused', code: 'duplicate_activity', existingId: id }
    if (holder.result?.state === 'err') return { outcome: 'proceed' }
    return { outcome: 'refused', code: 'idempotency_conflict', existingId: id }
  }
  ready(types: readonly string[]): Modelled[] {
    return [...this.activities.values()].filter(one => one.status === 'pending' && types.includes(one.sent.type))
  }
  claim(one: Modelled, { leaseId, deadlineMs }: ClaimedAttempt, worker: string): void {
    const { id } = one.sent
    this.touched.add(id)
    this.leases.push({ id, leaseId })
    Object.assign(one, { status: 'running', lease: { id: leaseId, worker, deadlineMs }, lastWorker: worker })
  }
  live({ id, leaseId }: LeaseRef): Modelled | undefined {
    const one = this.find(id)
    return one?.lease?.id === leaseId ? one : undefined
  }
  complete(ref: LeaseRef, json: string): string[] {
    const said = `completed ${json}`
    const one = this.live(ref)
    if (one === undefined) {
      return this.#again(ref, said).map(({ outcome }) => (outcome === 'completed' ? 'settled' : outcome))
    }
    this.#settle(one, ref, said, { outcome: 'completed' })
    this.#end(one, 'completed', { state: 'ok', json })
    return ['settled']
  }
  fail(ref: LeaseRef, { kind, error, retryAfterMs }: AttemptFailureReport, nowMs: number): FailAnswer[] {
    const said = `${kind} ${error.message}`
    const one = this.live(ref)
    if (one === undefined) {
      return this.#again(ref, said).map(answer => (answer.outcome === 'completed' ? { outcome: 'conflict' } : answer))
    }
    const { retryDelayMs } = one.sent
    const retryInMs = retryAfterMs ?? Math.min(3_600_000, retryDelayMs * 2 ** (one.retryCount + 1))
    let answer: FailAnswer = { outcome: 'retrying', retryInMs }
    if (kind === 'non_retryable') answer = this.#fails(one, 'failed', error.message)
    else if (one.cancel !== null) answer = this.#fails(one, 'cancelled', one.cancel.reason ?? 'cancelled')
    else if (!this.#retriesLeft(one)) answer = this.#fails(one, 'dead_letter', error.message)
    else this.#retry(one, retryInMs === 0 ? 'pending' : 'scheduled', nowMs + retryInMs)
    this.#settle(one, ref, said, answer)
    return [answer]
  }
  release(ref: LeaseRef): string[] {
    const one = this.live(ref)
    if (one === undefined) {
      return this.activities.get(ref.id)?.released.has(ref.leaseId) ? ['released', 'lease_lost'] : ['lease_lost']
    }
    one.released.add(ref.leaseId)
    if (one.cancel === null) Object.assign(one, { status: 'pending', lease: null })
    else {
      // Given back and ended in one: who settles it now has lost the lease, or comes second.
      const answer = this.#fails(one, 'cancelled', one.cancel.reason ?? 'cancelled')
      one.settled.set(ref.leaseId, { said: 'given back', answer })
    }
    return ['released']
  }
  expire(one: Modelled): 'requeued' | 'deadLettered' | 'cancelled' {
    this.touched.add(one.sent.id)
    one.latest = null
    if (one.cancel !== null) this.#fails(one, 'cancelled', one.cancel.reason ?? 'cancelled')
    else if (!this.#retriesLeft(one)) this.#fails(one, 'dead_letter', undefined)
    else this.#retry(one, 'pending', 0)
    return one.status === 'pending' ? 'requeued' : one.status === 'cancelled' ? 'cancelled' : 'deadLettered'
  }
  cancel(one: Modelled, reason: string | undefined): string {
    if (one.result !== null) return 'already_ended'
    one.cancel ??= { reason }
    if (one.lease !== null) return 'cancel_requested'
    one.latest = null
    return this.#fails(one, 'cancelled', reason ?? 'cancelled').outcome
  }
  #retriesLeft({ retryCount, sent: { maxAttempts } }: Modelled): boolean {
    return maxAttempts === 'unlimited' || retryCount + 1 < maxAttempts
  }
  #retry(one: Modelled, status: Status, dueAtMs: number): void {
    Object.assign(one, { status, dueAtMs, lease: null, retryCount: one.retryCount + 1 })
  }
  #fails(one: Modelled, status: 'failed' | 'dead_letter' | 'cancelled', error: string | undefined): FailAnswer {
    const attempts = one.lease === null ? one.retryCount : one.retryCount + 1
    this.#end(one, status, { state: 'err', type: status === 'failed' ? 'non_retryable' : status, error, attempts })
    return { outcome: status }
  }
  #end(one: Modelled, status: Status, result: Expected): void {
    Object.assign(one, { status, result, lease: null })
  }
  #settle(one: Modelled, { leaseId }: LeaseRef, said: string, answer: FailAnswer): void {
    one.settled.set(leaseId, { said, answer })
    one.latest = leaseId
  }
  #again({ id, leaseId }: LeaseRef, said: string): FailAnswer[] {
    const one = this.activities.get(id)
    const before = one?.settled.get(leaseId)
    if (before === undefined) return [{ outcome: 'lease_lost' }]
    const answer = before.said === said ? before.answer : { outcome: 'conflict' }
    return one?.latest === leaseId ? [answer] : [answer, { outcome: 'lease_lost' }]
  }
}
