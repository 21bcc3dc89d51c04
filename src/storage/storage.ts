// The ports: what every storage does, whatever it is made of. Worker, reaper, client and console know only this file.
// The contract suite in `testing/storage-contract.ts` holds every sentence here against each storage.

import type {
  Activity,
  AttemptFailureReport,
  AttemptTrace,
  ClaimedAttempt,
  Coordinates,
  DuplicateBehavior,
  RecordedFailure,
  StoredResult,
} from '../core/activity.ts'
import type { HealthReport, InspectionStorage } from './inspection.ts'

export type * from './inspection.ts'
export { EVENT_TYPES } from './inspection.ts'
import type { RedriveEdit, TraceOf } from '../core/redrive.ts'

/** Something long-lived that is closed once. */
export interface Closable {
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Activities go in, attempts come out, each attempt is settled once. */
export interface QueueStorage {
  /** False: delayed attempts move only when somebody calls {@link processScheduled}. */
  readonly schedulesNatively: boolean

  /**
   * Makes types known: their topics are provisioned (or verified, where provisioning is off). Idempotent.
   * Only known types can be enqueued or subscribed to.
   */
  declareTypes(params: Readonly<DeclareTypesParams>): Promise<void>

  /** Declares types and claims their activities from here on; resolves when the groups have joined. Idempotent. */
  subscribe(params: Readonly<DeclareTypesParams>): Promise<void>

  /**
   * Accepts activities: once `created`, an activity is never lost. One answer per activity, in order; one that is refused
   * or unavailable does not touch its neighbours. Rejects only when the call itself is wrong (`invalid_argument`).
   */
  enqueueMany(params: Readonly<EnqueueManyParams>): Promise<readonly EnqueueAnswer[]>

  /**
   * Claims attempts of the asked-for types, at most `limit`: higher priority first, then older first. Empty after
   * `timeoutMs`, or when the signal aborts; wakes within milliseconds when something becomes ready, also across processes.
   */
  dequeue(params: Readonly<DequeueParams>): Promise<readonly ClaimedAttempt[]>

  /** Waits until everything enqueued before this call can be seen by {@link dequeue} here, or `timeoutMs` passed: then false. */
  catchUp(params: Readonly<{ types: readonly string[]; timeoutMs: number }>): Promise<boolean>

  /** Ends attempts as completed and stores their results in the same step. One answer per lease, in order. */
  ackSuccess(params: Readonly<AckSuccessParams>): Promise<readonly AckSuccessAnswer[]>

  /** Ends an attempt as failed; what follows is decided by `core/settle.ts`. */
  ackFailure(params: Readonly<AckFailureParams>): Promise<AckFailureAnswer>

  /** Makes due attempts ready, never before their time by the storage's clock. */
  processScheduled(params: Readonly<{ limit: number }>): Promise<ScheduledReport>

  /** Takes expired leases back: to ready as the next attempt, or to the dead letters. Never a live lease. */
  requeueExpired(params: Readonly<{ limit: number }>): Promise<RequeueReport>

  /** Moves a lease's deadline to at least `byMs` from now; never shortens it. Also says whether cancel was asked for. */
  extendLease(params: Readonly<ExtendLeaseParams>): Promise<ExtendLeaseAnswer>

  /** Renews many leases in one step; one answer per lease, in order. */
  extendLeases(
    params: Readonly<{ leases: readonly Readonly<ExtendLeaseParams>[] }>,
  ): Promise<readonly ExtendLeaseAnswer[]>

  /** Gives an unstarted or interrupted attempt back at once, without counting it. */
  releaseLease(params: Readonly<LeaseRef>): Promise<'released' | 'lease_lost'>

  /** What an enqueue with this key would do now. Writes nothing. */
  checkIdempotency(params: Readonly<CheckIdempotencyParams>): Promise<IdempotencyAnswer>

  /** The id that a key stands for, or null. */
  lookupKey(params: Readonly<{ type: string; key: string }>): Promise<string | null>

  /** Ends a pending or scheduled activity as cancelled; asks a running one to end. Throws `not_found`. */
  cancel(params: Readonly<{ id: string; reason?: string }>): Promise<CancelAnswer>

  /**
   * Enqueues a failed, dead-lettered or cancelled activity anew, as another activity that names it. Redriving twice gives
   * the same activity. Throws `not_found`, or `conflict` when it has not ended or has completed; with an `edit` also when it
   * was redriven before as another than that asks for, which `details.redrivenAs` names.
   */
  redrive(params: Readonly<RedriveParams>): Promise<{ readonly id: string }>

  /**
   * Sets a dead letter aside: it is no longer shown among dead letters unless asked for. Its record stays as it is; redriving it
   * undoes the discard. A storage that has lost what it knew beside the log shows it again. The first reason stays. Throws
   * `not_found`, or `conflict` when it is no dead letter or was redriven.
   */
  discard(params: Readonly<{ id: string; reason?: string }>): Promise<DiscardAnswer>
}

/** Results by activity id. */
export interface ResultStorage {
  /** Stores a result apart from a settlement. */
  storeResult(params: Readonly<{ id: string; result: StoredResult }>): Promise<void>
  /** The result, or null when there is none (yet, or any more). */
  getResult(params: Readonly<{ id: string }>): Promise<StoredResult | null>
  /** Resolves when the activity has ended, pushed, not polled; rejects with `cancelled` when the signal aborts. */
  awaitResult(params: Readonly<{ id: string; signal?: AbortSignal }>): Promise<StoredResult>
}

/** The chores of the reaper beside `requeueExpired` and `processScheduled`. Each is safe to run by any number at once. */
export interface MaintenanceStorage {
  /** Finishes keyed enqueues whose producer died between reserving and confirming. */
  confirmReservations(params: Readonly<{ limit: number }>): Promise<number>
  /** Deletes lane records below the committed frontier. */
  trimLanes(): Promise<number>
  /** Restores what the due-time index lacks from the schedule's log. */
  sweepScheduled(): Promise<number>
}

/**
 * How far operations (bulk work) have come, for who continues them and who watches. Never the truth: an operation is an
 * activity, and one whose progress is gone begins anew, which repeats nothing that counts.
 */
export interface OperationStorage {
  /**
   * Keeps an operation's progress in place of what was kept of it, for seven days from now; the 1,000 that were saved last are
   * listed. Says whether it was kept: with `ifAbsent` only where nothing is.
   */
  save(params: Readonly<{ id: string; progressJson: string; ifAbsent?: boolean }>): Promise<boolean>
  /** The progress as it was saved last, or null. */
  get(params: Readonly<{ id: string }>): Promise<string | null>
  /** The operations that were saved last, newest first. `limit`: 1 to 200. */
  list(params: Readonly<{ limit: number }>): Promise<readonly StoredOperation[]>
}

/** An operation's progress, as it was saved. */
export interface StoredOperation {
  readonly id: string
  readonly progressJson: string
}

/** Everything a storage is. */
export interface Storage extends QueueStorage, ResultStorage, InspectionStorage, MaintenanceStorage, Closable {
  /** Whether this process can work now. Bounded (2 s), never rejects: for probes. */
  health(): Promise<HealthReport>
  /** How far bulk work has come. */
  readonly operations: OperationStorage
  /** For tests and the driver: moves deadlines into the past instead of waiting for them. */
  readonly fixtures: StorageFixtures
}

/** Puts deadlines into the past. Each throws `not_found` when there is nothing of the kind. */
export interface StorageFixtures {
  expireLease(params: Readonly<{ id: string }>): Promise<void>
  makeDue(params: Readonly<{ id: string }>): Promise<void>
}

export interface DeclareTypesParams {
  types: readonly string[]
}

export interface EnqueueManyParams {
  /** 1 to 10,000, made by `newActivity`. */
  activities: readonly Activity[]
  /** How long Kafka and Redis may take before an activity is answered `unavailable`. @defaultValue 30_000 */
  deadlineMs?: number
}

/**
 * `created`: accepted · `existing`: the key (or id) is in use, and this is its activity · `refused`: the key's behaviour
 * says no; nothing was written · `unavailable`: the outcome is unknown; the same id or key is safe to send again.
 */
export type EnqueueAnswer =
  | { readonly outcome: 'created'; readonly id: string; readonly coordinates?: Coordinates }
  | { readonly outcome: 'existing'; readonly id: string }
  | {
      readonly outcome: 'refused'
      readonly id: string
      readonly code: 'duplicate_activity' | 'idempotency_conflict' | 'invalid_argument' | 'payload_too_large'
      readonly message: string
      readonly existingId?: string
    }
  | { readonly outcome: 'unavailable'; readonly id: string; readonly message: string; readonly cause?: unknown }

export interface DequeueParams {
  /** A label for people. */
  workerId: string
  /** How long to wait for the first attempt; 0: look once. */
  timeoutMs: number
  /** Length of the lease. Unit: ms. Range: 100 to a day. @defaultValue 15_000 */
  leaseMs?: number
  /** @defaultValue all subscribed types */
  types?: readonly string[]
  /** Range: 1 to 1,000. @defaultValue 1 */
  limit?: number
  signal?: AbortSignal
}

export interface LeaseRef {
  id: string
  leaseId: string
}

export interface AckSuccessParams {
  leases: readonly Readonly<LeaseRef & { resultJson?: string | null }>[]
}

/** `conflict`: this lease was already settled, with another result. */
export type AckSuccessAnswer = 'settled' | 'lease_lost' | 'conflict'

export interface AckFailureParams extends LeaseRef {
  failure: AttemptFailureReport
  /** What the next attempt, or a redrive, looks back at. What is not of its form counts as none. */
  trace?: AttemptTrace | undefined
}

export type AckFailureAnswer =
  | { readonly outcome: 'retrying'; readonly retryAtMs: number; readonly retryInMs: number }
  | { readonly outcome: 'failed' | 'dead_letter' | 'cancelled' | 'lease_lost' | 'conflict' }

export interface RedriveParams {
  id: string
  reason?: string
  /** Another payload for the new activity. Left out: the original's. */
  edit?: RedriveEdit | undefined
  /**
   * Asked once the new activity is made, before it is written, and not at all when there is one already; see `core/redrive.ts`.
   * Must not throw. Left out, or answering null: the redrive is not traced.
   */
  traceOf?: TraceOf | undefined
}

export interface ScheduledReport {
  readonly moved: number
  /** Milliseconds until the next known due time, when there is one. */
  readonly nextDueInMs: number | null
  /** From due to ready, for each moved attempt whose due time is known: at most `moved`. Unit: ms. */
  readonly latenessMs: readonly number[]
}

export interface RequeueReport {
  readonly requeued: number
  readonly deadLettered: number
  readonly cancelled: number
  /** Each of them, at most `limit`; what has no readable record is counted under `requeued` and is not here. */
  readonly taken: readonly TakenBack[]
}

/** What became of an expired lease: the attempt that it was for, and how that ended. */
export interface TakenBack {
  readonly activity: Activity
  /** `lease_expired`: the next attempt is ready. */
  readonly outcome: 'lease_expired' | 'dead_letter' | 'cancelled'
  readonly error: RecordedFailure
}

export interface ExtendLeaseParams extends LeaseRef {
  /** Unit: ms. Range: 1 to a day; what is less than the lease still has changes nothing. */
  byMs: number
}

export type ExtendLeaseAnswer =
  | { readonly outcome: 'renewed'; readonly deadlineMs: number; readonly cancelRequested: boolean }
  | { readonly outcome: 'lost' }

export interface CheckIdempotencyParams {
  type: string
  key: string
  behavior: DuplicateBehavior
}

export type IdempotencyAnswer =
  | { readonly outcome: 'proceed' }
  | { readonly outcome: 'existing'; readonly id: string }
  | {
      readonly outcome: 'refused'
      readonly code: 'duplicate_activity' | 'idempotency_conflict'
      readonly existingId: string
    }

/** `cancelled`: ended · `cancel_requested`: running, asked for · `already_ended`: nothing to do. */
export interface CancelAnswer {
  readonly outcome: 'cancelled' | 'cancel_requested' | 'already_ended'
}

/** `already`: it was discarded before. */
export interface DiscardAnswer {
  readonly outcome: 'discarded' | 'already'
}
