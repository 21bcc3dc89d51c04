// The storage that lives in one process: for tests, demos and development, and the reference that the contract suite
// holds the other one against. Several handles (`peer`) may work on the same activities, like a fleet of workers.
//
// Here arguments are checked and waits are held; what happens is in `admission.ts` and `attempts.ts`, where things stand
// in `book.ts`.

import type { ClaimedAttempt, StoredResult } from '../../core/activity.ts'
import { aborted } from '../../core/clock.ts'
import { ErrandError } from '../../core/errors.ts'
import { checkFailureReport } from '../../core/failure-check.ts'
import { checkResultJson, checkStoredResult } from '../../core/given-json.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkId, checkType } from '../../core/names.ts'
import { checkBehavior } from '../../core/new-activity.ts'
import type { RedriveEdit } from '../../core/redrive.ts'
import { checkEdit, redrivenBefore, redrivenFrom } from '../../core/redrive.ts'
import { checkInteger, checkText, describe } from '../../core/text.ts'
import type {
  AckFailureAnswer,
  AckFailureParams,
  AckSuccessAnswer,
  AckSuccessParams,
  ActivityEvent,
  ActivitySnapshot,
  ActivitySummary,
  CancelAnswer,
  CheckIdempotencyParams,
  DeadLetterListParams,
  DeadLetterSummary,
  DeclareTypesParams,
  DequeueParams,
  DiscardAnswer,
  EnqueueAnswer,
  EnqueueManyParams,
  EventGap,
  ExtendLeaseAnswer,
  ExtendLeaseParams,
  HealthReport,
  IdempotencyAnswer,
  LaneFigures,
  LeaseRef,
  ListParams,
  OperationStorage,
  Page,
  RedriveParams,
  RequeueReport,
  ScheduledReport,
  Storage,
  StorageFixtures,
  StorageStats,
} from '../storage.ts'
import { admit, inquire } from './admission.ts'
import { Attempts } from './attempts.ts'
import { Book } from './book.ts'
import { discardEntry, shownLetters } from './discards.ts'
import type { Entry } from './entry.ts'
import { deadLetterOf, snapshotOf, summaryOf } from './entry.ts'
import { laneFigures } from './figures.ts'
import type { MemoryStorageOptions } from './memory-storage-options.ts'
import { resolveMemoryStorageOptions } from './memory-storage-options.ts'
import { MemoryOperations } from './operations.ts'
import { checkStatus, pageOf } from './pages.ts'

/** A lease unless the caller says otherwise. */
const LEASE_MS_DEFAULT = 15_000

/**
 * A {@link Storage} in memory: the whole contract, within one process; nothing outlives the process.
 *
 * Ready to use once constructed. Delayed attempts move only by `processScheduled`, expired leases only by
 * `requeueExpired`; all its time comes from `options.clock`.
 *
 * Throws `invalid_argument` naming the option.
 *
 * @example
 * await using storage = new MemoryStorage()
 * await storage.subscribe({ types: ['send-invoice'] })
 */
export class MemoryStorage implements Storage {
  readonly schedulesNatively = false
  readonly fixtures: StorageFixtures = {
    expireLease: async ({ id }) => this.#expireLease(id),
    makeDue: async ({ id }) => this.#makeDue(id),
  }
  readonly operations: OperationStorage = new MemoryOperations({
    checkOpen: () => this.#checkOpen(),
    nowMs: () => this.#book.nowMs(),
    kept: () => this.#book.operations,
  })
  #book: Book
  #attempts: Attempts
  readonly #subscribed = new Set<string>()
  readonly #closing = new AbortController()

  constructor(options: MemoryStorageOptions = {}) {
    this.#book = new Book(resolveMemoryStorageOptions(options))
    this.#attempts = new Attempts(this.#book)
  }

  /** The same as the constructor, in the form that every storage has. */
  static open(options: MemoryStorageOptions = {}): Promise<MemoryStorage> {
    return Promise.resolve(new MemoryStorage(options))
  }

  /** Another handle on the same activities, with subscriptions of its own: with this one it is a fleet of two. */
  peer(): MemoryStorage {
    const peer = new MemoryStorage(this.#book.options)
    peer.#book = this.#book
    peer.#attempts = this.#attempts
    return peer
  }

  async declareTypes({ types }: Readonly<DeclareTypesParams>): Promise<void> {
    this.#checkOpen()
    for (const type of types.map(checkType)) this.#book.knownTypes.add(type)
  }

  async subscribe(params: Readonly<DeclareTypesParams>): Promise<void> {
    await this.declareTypes(params)
    for (const type of params.types) {
      if (!this.#subscribed.has(type)) this.#book.countSubscriber(type, 1)
      this.#subscribed.add(type)
    }
  }

  async enqueueMany({ activities }: Readonly<EnqueueManyParams>): Promise<readonly EnqueueAnswer[]> {
    this.#checkOpen()
    checkInteger('activities.length', activities.length, 1, LIMITS.enqueueBatchMax)
    return activities.map(activity => admit(this.#book, activity))
  }

  async dequeue(params: Readonly<DequeueParams>): Promise<readonly ClaimedAttempt[]> {
    this.#checkOpen()
    const timeoutMs = checkInteger('timeoutMs', params.timeoutMs, 0, LIMITS.waitMsMax)
    const claim = {
      types: this.#checkTypes(params.types),
      limit: checkInteger('limit', params.limit ?? 1, 1, LIMITS.dequeueBatchMax),
      worker: checkText('workerId', params.workerId, LIMITS.workerIdBytesMax),
      leaseMs: checkInteger('leaseMs', params.leaseMs ?? LEASE_MS_DEFAULT, LIMITS.leaseMsMin, LIMITS.leaseMsMax),
    }
    if (params.signal?.aborted === true) return []
    const tryClaim = (): readonly ClaimedAttempt[] => this.#attempts.claim(claim)
    const claimed = tryClaim()
    if (claimed.length > 0 || timeoutMs === 0) return claimed
    return this.#book.waiting.wait({ tryClaim, timeoutMs, signals: this.#signals(params.signal) })
  }

  async catchUp({ types }: Readonly<{ types: readonly string[]; timeoutMs: number }>): Promise<boolean> {
    this.#checkOpen()
    this.#checkTypes(types)
    return true
  }

  async ackSuccess({ leases }: Readonly<AckSuccessParams>): Promise<readonly AckSuccessAnswer[]> {
    this.#checkOpen()
    const results = leases.map(({ resultJson }) => checkResultJson(resultJson))
    return leases.map((lease, at) => this.#attempts.complete(lease, results[at] ?? 'null'))
  }

  async ackFailure({ id, leaseId, failure, trace }: Readonly<AckFailureParams>): Promise<AckFailureAnswer> {
    this.#checkOpen()
    return this.#attempts.fail({ id, leaseId, failure: checkFailureReport(failure), trace })
  }

  async processScheduled({ limit }: Readonly<{ limit: number }>): Promise<ScheduledReport> {
    this.#checkOpen()
    return this.#attempts.moveDue(checkInteger('limit', limit, 1, LIMITS.housekeepingBatchMax))
  }

  async requeueExpired({ limit }: Readonly<{ limit: number }>): Promise<RequeueReport> {
    this.#checkOpen()
    return this.#attempts.expire(checkInteger('limit', limit, 1, LIMITS.housekeepingBatchMax))
  }

  async extendLease(params: Readonly<ExtendLeaseParams>): Promise<ExtendLeaseAnswer> {
    this.#checkOpen()
    return this.#attempts.renew(params, checkInteger('byMs', params.byMs, 1, LIMITS.leaseMsMax))
  }

  async extendLeases({
    leases,
  }: Readonly<{ leases: readonly Readonly<ExtendLeaseParams>[] }>): Promise<readonly ExtendLeaseAnswer[]> {
    this.#checkOpen()
    for (const { byMs } of leases) checkInteger('byMs', byMs, 1, LIMITS.leaseMsMax)
    return leases.map(lease => this.#attempts.renew(lease, lease.byMs))
  }

  async releaseLease(params: Readonly<LeaseRef>): Promise<'released' | 'lease_lost'> {
    this.#checkOpen()
    return this.#attempts.release(params)
  }

  async checkIdempotency(params: Readonly<CheckIdempotencyParams>): Promise<IdempotencyAnswer> {
    this.#checkOpen()
    checkType(params.type)
    checkText('key', params.key, LIMITS.keyBytesMax)
    checkBehavior(params.behavior)
    return inquire(this.#book, params)
  }

  async lookupKey({ type, key }: Readonly<{ type: string; key: string }>): Promise<string | null> {
    this.#checkOpen()
    checkType(type)
    checkText('key', key, LIMITS.keyBytesMax)
    return this.#book.keys.find(type, key, this.#book.nowMs())?.activity.id ?? null
  }

  async cancel({ id, reason }: Readonly<{ id: string; reason?: string }>): Promise<CancelAnswer> {
    this.#checkOpen()
    if (reason !== undefined) checkText('reason', reason, LIMITS.reasonBytesMax, 0)
    // An empty one says nothing: the same as none.
    return { outcome: this.#attempts.cancel(this.#known(id), reason || null) }
  }

  async redrive({ id, reason, traceOf, ...params }: Readonly<RedriveParams>): Promise<{ readonly id: string }> {
    this.#checkOpen()
    if (reason !== undefined) checkText('reason', reason, LIMITS.reasonBytesMax, 0)
    const edit = checkEdit(params.edit)
    const entry = this.#known(id)
    if (entry.endedAtMs === null || entry.status === 'completed') {
      throw new ErrandError(
        'conflict',
        `activity ${id} is ${entry.status}; only what failed or was cancelled is redriven.`,
        {
          details: { id, status: entry.status },
        },
      )
    }
    entry.redrivenAs ??= this.#redriven(entry, traceOf, edit)
    if (edit !== undefined && edit.newId !== entry.redrivenAs) throw redrivenBefore(id, entry.redrivenAs)
    entry.discarded = null
    return { id: entry.redrivenAs }
  }

  async discard({ id, reason }: Readonly<{ id: string; reason?: string }>): Promise<DiscardAnswer> {
    this.#checkOpen()
    if (reason !== undefined) checkText('reason', reason, LIMITS.reasonBytesMax, 0)
    return discardEntry(this.#known(id), reason || null, this.#book.nowMs())
  }

  async storeResult({ id, result }: Readonly<{ id: string; result: StoredResult }>): Promise<void> {
    this.#checkOpen()
    checkId(id)
    this.#book.results.put(id, checkStoredResult(result), this.#book.nowMs())
    if (this.#book.find(id)?.endedAtMs !== null) this.#book.results.wake(id, result)
  }

  async getResult({ id }: Readonly<{ id: string }>): Promise<StoredResult | null> {
    this.#checkOpen()
    return this.#book.results.get(checkId(id), this.#book.nowMs())
  }

  async awaitResult({ id, signal }: Readonly<{ id: string; signal?: AbortSignal }>): Promise<StoredResult> {
    this.#checkOpen()
    if (signal?.aborted === true) throw aborted(signal)
    const result = this.#book.results.get(checkId(id), this.#book.nowMs())
    const entry = this.#book.find(id)
    const hasEnded = entry === undefined ? result !== null : entry.endedAtMs !== null
    if (!hasEnded) return this.#book.results.wait(id, this.#signals(signal))
    if (result !== null) return result
    throw new ErrandError('not_found', `activity ${id} has ended and its result is no longer kept.`, {
      details: { id },
    })
  }

  async stats(): Promise<StorageStats> {
    this.#checkOpen()
    this.#book.nowMs()
    return this.#book.counts.stats(this.#book.knownTypes)
  }

  async laneFigures(): Promise<readonly LaneFigures[]> {
    this.#checkOpen()
    this.#book.nowMs()
    return laneFigures(this.#book)
  }

  async list(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    this.#checkOpen()
    this.#book.nowMs()
    return pageOf(this.#book.ofStatus(checkStatus(params.status)), params, summaryOf)
  }

  async listDeadLetters(params: Readonly<DeadLetterListParams>): Promise<Page<DeadLetterSummary>> {
    this.#checkOpen()
    this.#book.nowMs()
    const letters = shownLetters(this.#book.ofStatus('dead_letter'), params.includeDiscarded === true)
    return pageOf(letters, params, entry => deadLetterOf(entry, params.withActivity === true))
  }

  async getActivity({ id }: Readonly<{ id: string }>): Promise<ActivitySnapshot | null> {
    const entry = this.#find(id)
    return entry === undefined ? null : snapshotOf(entry)
  }

  async getEvents({ id }: Readonly<{ id: string }>): Promise<readonly ActivityEvent[]> {
    return [...(this.#find(id)?.events ?? [])]
  }

  events({ signal }: Readonly<{ signal: AbortSignal }>): AsyncIterable<ActivityEvent | EventGap> {
    this.#checkOpen()
    return this.#book.events.follow(this.#signals(signal))
  }

  /** Nothing to do: a key and its activity are written in one step here. */
  /** Memory is always there. */
  health(): Promise<HealthReport> {
    return Promise.resolve({ checks: [] })
  }

  confirmReservations(): Promise<number> {
    return Promise.resolve(0)
  }

  /** Nothing to do: there is no log. */
  trimLanes(): Promise<number> {
    return Promise.resolve(0)
  }

  /** Nothing to do: the index is the schedule. */
  sweepScheduled(): Promise<number> {
    return Promise.resolve(0)
  }

  /** Ends what waits on this handle: claims with nothing, results with `cancelled`. Leases stay until they expire. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) for (const type of this.#subscribed) this.#book.countSubscriber(type, -1)
    this.#closing.abort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new ErrandError('conflict', 'the storage was closed; open a new one.')
  }

  #signals(signal: AbortSignal | undefined): readonly AbortSignal[] {
    return signal === undefined ? [this.#closing.signal] : [signal, this.#closing.signal]
  }

  /** The asked-for types, each once; all subscribed ones when none are named. */
  #checkTypes(types: readonly string[] | undefined): readonly string[] {
    if (types === undefined) return [...this.#subscribed]
    const unknown = types.filter(type => !this.#subscribed.has(type))
    if (unknown.length === 0) return [...new Set(types)]
    const received = describe(unknown[0])
    throw new ErrandError('invalid_argument', `types names ${received}, which is not subscribed to here.`, {
      details: { field: 'types', received, allowed: [...this.#subscribed] },
    })
  }

  #find(id: string): Entry | undefined {
    this.#checkOpen()
    checkId(id)
    this.#book.nowMs()
    return this.#book.find(id)
  }

  #known(id: string): Entry {
    const entry = this.#find(id)
    if (entry === undefined) throw new ErrandError('not_found', `no activity ${id} is remembered.`, { details: { id } })
    return entry
  }

  #redriven({ activity }: Entry, traceOf: RedriveParams['traceOf'], edit: RedriveEdit | undefined): string {
    const nowMs = this.#book.nowMs()
    const id = edit?.newId ?? this.#book.options.ids.next()
    if (this.#book.find(id) !== undefined) {
      throw new ErrandError('conflict', `id ${id} is in use; give a new one.`, { details: { field: 'newId', id } })
    }
    const again = redrivenFrom(activity, { id, createdAtMs: nowMs }, traceOf, edit)
    return this.#book.add(again, nowMs).activity.id
  }

  #expireLease(id: string): void {
    const entry = this.#known(id)
    if (entry.lease === null) throw new ErrandError('not_found', `activity ${id} has no lease.`, { details: { id } })
    this.#book.change(entry, { lease: { ...entry.lease, deadlineMs: this.#book.nowMs() - 1 } })
  }

  #makeDue(id: string): void {
    const entry = this.#known(id)
    if (entry.dueAtMs === null)
      throw new ErrandError('not_found', `activity ${id} is not scheduled.`, { details: { id } })
    this.#book.change(entry, { dueAtMs: this.#book.nowMs() - 1 })
  }
}
