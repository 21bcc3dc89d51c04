// The life of attempts: claimed, renewed, given back, settled, expired, cancelled. What a failure leads to is decided in
// `core/settle.ts`; here it is applied, each time in one synchronous step, so nobody ever sees half of it.

import type {
  AttemptTrace,
  ClaimedAttempt,
  ErrorResultType,
  RecordedFailure,
  StoredResult,
  TerminalStatus,
} from '../../core/activity.ts'
import { errorResult } from '../../core/error-result.ts'
import { cancelledFailure, leaseExpiredFailure } from '../../core/failure.ts'
import { decideExpiry, decideFailure, nextAttempt } from '../../core/settle.ts'
import { endTraceparent } from '../../core/trace-context.ts'
import type {
  AckFailureAnswer,
  AckFailureParams,
  AckSuccessAnswer,
  ExtendLeaseAnswer,
  LeaseRef,
  RequeueReport,
  ScheduledReport,
  TakenBack,
} from '../storage.ts'
import type { Book } from './book.ts'
import type { Entry, Lease } from './entry.ts'

/** Who claims what. */
export interface ClaimParams {
  readonly types: readonly string[]
  readonly limit: number
  readonly worker: string
  readonly leaseMs: number
}

interface Held {
  readonly entry: Entry
  readonly lease: Lease
}

interface Failed {
  readonly error: RecordedFailure
  readonly atMs: number
  readonly worker: string | null
  readonly trace?: AttemptTrace | undefined
}

/** Applies what happens to attempts. */
export class Attempts {
  readonly #book: Book

  constructor(book: Book) {
    this.#book = book
  }

  claim({ types, limit, worker, leaseMs }: ClaimParams): readonly ClaimedAttempt[] {
    const nowMs = this.#book.nowMs()
    const claimed: ClaimedAttempt[] = []
    while (claimed.length < limit) {
      const entry = this.#book.ready.take(types)
      if (entry === undefined) break
      const lease = { id: this.#book.options.ids.next(), worker, startedAtMs: nowMs, deadlineMs: nowMs + leaseMs }
      this.#book.change(entry, { status: 'running', lease, startedAtMs: nowMs, lastWorker: worker })
      this.#book.events.record(entry, { type: 'started', atMs: nowMs, worker })
      const { activity } = entry
      claimed.push({
        activity,
        attempt: activity.attempt,
        leaseId: lease.id,
        deadlineMs: lease.deadlineMs,
        startedAtMs: nowMs,
      })
    }
    return claimed
  }

  renew(ref: LeaseRef, byMs: number): ExtendLeaseAnswer {
    const nowMs = this.#book.nowMs()
    const held = this.#held(ref)
    if (held === undefined) return { outcome: 'lost' }
    const deadlineMs = Math.max(held.lease.deadlineMs, nowMs + byMs)
    this.#book.change(held.entry, { lease: { ...held.lease, deadlineMs } })
    return { outcome: 'renewed', deadlineMs, cancelRequested: held.entry.isCancelRequested }
  }

  release(ref: LeaseRef): 'released' | 'lease_lost' {
    const nowMs = this.#book.nowMs()
    const held = this.#held(ref)
    if (held === undefined) {
      // The same release once more, as long as nobody has claimed it since.
      const entry = this.#book.find(ref.id)
      return entry?.status !== 'running' && entry?.releasedLeaseId === ref.leaseId ? 'released' : 'lease_lost'
    }
    if (held.entry.isCancelRequested) this.#cancelled(held.entry, held.lease.worker, nowMs)
    else this.#book.change(held.entry, { status: 'pending', lease: null })
    held.entry.releasedLeaseId = ref.leaseId
    return 'released'
  }

  complete(ref: LeaseRef, resultJson: string): AckSuccessAnswer {
    const nowMs = this.#book.nowMs()
    const digest = JSON.stringify(['completed', resultJson])
    const held = this.#held(ref)
    if (held === undefined) {
      const again = this.#settledBefore(ref, digest)?.outcome
      return again === 'completed' ? 'settled' : again === 'conflict' ? 'conflict' : 'lease_lost'
    }
    held.entry.settled = { leaseId: ref.leaseId, digest, answer: { outcome: 'completed' } }
    const { worker } = held.lease
    this.#end(held.entry, 'completed', { state: 'ok', dataJson: resultJson, atMs: nowMs }, { worker, error: null })
    return 'settled'
  }

  fail({ failure, trace, ...ref }: AckFailureParams): AckFailureAnswer {
    const nowMs = this.#book.nowMs()
    const digest = JSON.stringify([failure.kind, failure.error, failure.retryAfterMs ?? null])
    const held = this.#held(ref)
    if (held === undefined) {
      const again = this.#settledBefore(ref, digest)
      return again === undefined
        ? { outcome: 'lease_lost' }
        : again.outcome === 'completed'
          ? { outcome: 'conflict' }
          : again
    }
    const answer = this.#applyFailure(held, { failure, trace }, nowMs)
    held.entry.settled = { leaseId: ref.leaseId, digest, answer }
    return answer
  }

  /** Ends what waits; asks what runs to end. */
  cancel(entry: Entry, reason: string | null): 'cancelled' | 'cancel_requested' | 'already_ended' {
    const nowMs = this.#book.nowMs()
    if (entry.endedAtMs !== null) return 'already_ended'
    if (!entry.isCancelRequested) Object.assign(entry, { isCancelRequested: true, cancelReason: reason })
    else return 'cancel_requested'
    if (entry.status === 'running') {
      this.#book.events.record(entry, { type: 'cancel_requested', atMs: nowMs, error: cancelledFailure(reason) })
      return 'cancel_requested'
    }
    this.#cancelled(entry, null, nowMs)
    return 'cancelled'
  }

  /** Takes back at most so many expired leases, the longest expired first. */
  expire(limit: number): RequeueReport {
    const nowMs = this.#book.nowMs()
    const taken: TakenBack[] = []
    while (taken.length < limit) {
      const entry = this.#book.nextExpiring()
      if (entry?.lease == null || entry.lease.deadlineMs > nowMs) break
      taken.push(this.#expireOne(entry, entry.lease.worker, nowMs))
    }
    const count = (outcome: TakenBack['outcome']): number => taken.filter(each => each.outcome === outcome).length
    const [requeued, deadLettered, cancelled] = [count('lease_expired'), count('dead_letter'), count('cancelled')]
    return { requeued, deadLettered, cancelled, taken }
  }

  /** Makes at most so many due entries ready, in the order in which they are due. */
  moveDue(limit: number): ScheduledReport {
    const nowMs = this.#book.nowMs()
    const latenessMs: number[] = []
    while (latenessMs.length < limit) {
      const entry = this.#book.nextDue()
      if (entry?.dueAtMs == null || entry.dueAtMs > nowMs) break
      latenessMs.push(nowMs - entry.dueAtMs)
      this.#book.change(entry, { status: 'pending', dueAtMs: null })
    }
    const next = this.#book.nextDue()?.dueAtMs ?? null
    const nextDueInMs = next === null ? null : Math.max(0, next - nowMs)
    return { moved: latenessMs.length, nextDueInMs, latenessMs }
  }

  #held(ref: LeaseRef): Held | undefined {
    const entry = this.#book.find(ref.id)
    return entry?.lease?.id === ref.leaseId ? { entry, lease: entry.lease } : undefined
  }

  #settledBefore(ref: LeaseRef, digest: string): AckFailureAnswer | { readonly outcome: 'completed' } | undefined {
    const settled = this.#book.find(ref.id)?.settled
    if (settled?.leaseId !== ref.leaseId) return undefined
    return settled.digest === digest ? settled.answer : { outcome: 'conflict' }
  }

  #applyFailure(
    { entry, lease }: Held,
    said: Pick<AckFailureParams, 'failure' | 'trace'>,
    nowMs: number,
  ): AckFailureAnswer {
    const { failure, trace } = said
    const decision = decideFailure(entry.activity, failure, entry.isCancelRequested)
    const failed: Failed = { error: failure.error, atMs: nowMs, worker: lease.worker, trace }
    switch (decision.kind) {
      case 'retry': {
        const retryAtMs = nowMs + decision.delayMs
        this.#retry(entry, failed, decision.delayMs === 0 ? null : retryAtMs)
        return { outcome: 'retrying', retryAtMs, retryInMs: decision.delayMs }
      }
      case 'failed':
        this.#endUnsuccessful(entry, 'failed', 'non_retryable', failed)
        return { outcome: 'failed' }
      case 'dead_letter':
        this.#endUnsuccessful(entry, 'dead_letter', 'dead_letter', failed)
        return { outcome: 'dead_letter' }
      case 'cancelled':
        this.#cancelled(entry, lease.worker, nowMs, trace)
        return { outcome: 'cancelled' }
    }
  }

  #expireOne(entry: Entry, worker: string, nowMs: number): TakenBack {
    const { activity: taken } = entry
    const failed: Failed = { error: leaseExpiredFailure(worker), atMs: nowMs, worker }
    const decision = decideExpiry(entry.activity, entry.isCancelRequested)
    if (decision.kind === 'cancelled') {
      const error = cancelledFailure(entry.cancelReason)
      this.#cancelled(entry, worker, nowMs)
      return { activity: taken, outcome: 'cancelled', error }
    }
    if (decision.kind === 'dead_letter') {
      this.#endUnsuccessful(entry, 'dead_letter', 'dead_letter', failed)
      return { activity: taken, outcome: 'dead_letter', error: failed.error }
    }
    this.#book.events.record(entry, { type: 'lease_expired', ...facts(failed), dueAtMs: null })
    const activity = nextAttempt(entry.activity, failed, null)
    this.#book.change(entry, { status: 'pending', activity, lease: null, lastError: failed.error })
    return { activity: taken, outcome: 'lease_expired', error: failed.error }
  }

  /** `dueAtMs` null: at once. */
  #retry(entry: Entry, failed: Failed, dueAtMs: number | null): void {
    this.#book.events.record(entry, { type: 'retrying', ...facts(failed), dueAtMs: dueAtMs ?? failed.atMs })
    const end = { ...failed, traceparent: endTraceparent('retrying', failed.trace) }
    const activity = nextAttempt(entry.activity, end, dueAtMs)
    const status = dueAtMs === null ? 'pending' : 'scheduled'
    this.#book.change(entry, { status, activity, dueAtMs, lease: null, lastError: failed.error })
  }

  #cancelled(entry: Entry, worker: string | null, atMs: number, trace?: AttemptTrace): void {
    this.#endUnsuccessful(entry, 'cancelled', 'cancelled', {
      error: cancelledFailure(entry.cancelReason),
      atMs,
      worker,
      trace,
    })
  }

  #endUnsuccessful(entry: Entry, status: TerminalStatus, type: ErrorResultType, failed: Failed): void {
    // What ends before it starts has had one attempt less than its record is for.
    const attempts = entry.lease === null ? entry.activity.attempt - 1 : entry.activity.attempt
    const result = errorResult({ failure: failed.error, type, failedAtMs: failed.atMs, attempts })
    const traceparent = endTraceparent(status, failed.trace) ?? entry.activity.attemptTraceparent
    if (traceparent !== null) entry.activity = { ...entry.activity, attemptTraceparent: traceparent }
    this.#end(entry, status, result, failed)
  }

  #end(
    entry: Entry,
    status: TerminalStatus,
    result: StoredResult,
    { error, worker }: Pick<Failed, 'worker'> & { readonly error: RecordedFailure | null },
  ): void {
    const { id } = entry.activity
    this.#book.results.put(id, result, result.atMs)
    this.#book.events.record(entry, { type: status, atMs: result.atMs, worker, error })
    const lastError = error ?? entry.lastError
    this.#book.change(entry, { status, endedAtMs: result.atMs, lease: null, dueAtMs: null, lastError })
    this.#book.results.wake(id, result)
  }
}

function facts({ error, atMs, worker }: Failed): Omit<Failed, 'trace'> {
  return { error, atMs, worker }
}
