// The ports: what every storage does, whatever it is made of. Worker, reaper, client and console know only this file.
// The contract suite in `testing/storage-contract.ts` holds every sentence here against each storage.

import type {
  Activity,
  AttemptFailureReport,
  AttemptOutcome,
  ClaimedAttempt,
  Coordinates,
  DuplicateBehavior,
  RecordedFailure,
  Status,
  StoredResult,
} from '../core/activity.ts'
import type { Priority } from '../core/priority.ts'

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
   * the same activity. Throws `not_found`, or `conflict` when it has not ended or has completed.
   */
  redrive(params: Readonly<{ id: string; reason?: string }>): Promise<{ readonly id: string }>
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

/** Looking without touching. */
export interface InspectionStorage {
  stats(): Promise<StorageStats>
  list(params: Readonly<ListParams>): Promise<Page<ActivitySummary>>
  listDeadLetters(params: Readonly<Omit<ListParams, 'status'>>): Promise<Page<DeadLetterSummary>>
  /** Everything known about an activity, or null. */
  getActivity(params: Readonly<{ id: string }>): Promise<ActivitySnapshot | null>
  /** What happened to an activity, oldest first. */
  getEvents(params: Readonly<{ id: string }>): Promise<readonly ActivityEvent[]>
  /** What happens from now on, with an explicit marker where something was missed. Ends when the signal aborts. */
  events(params: Readonly<{ signal: AbortSignal }>): AsyncIterable<ActivityEvent | EventGap>
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

/** Everything a storage is. */
export interface Storage extends QueueStorage, ResultStorage, InspectionStorage, MaintenanceStorage, Closable {
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
}

export type AckFailureAnswer =
  | { readonly outcome: 'retrying'; readonly retryAtMs: number; readonly retryInMs: number }
  | { readonly outcome: 'failed' | 'dead_letter' | 'cancelled' | 'lease_lost' | 'conflict' }

export interface ScheduledReport {
  readonly moved: number
  /** Milliseconds until the next known due time, when there is one. */
  readonly nextDueInMs: number | null
}

export interface RequeueReport {
  readonly requeued: number
  readonly deadLettered: number
  readonly cancelled: number
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

/** Counts by status. What has ended is counted while it is remembered. */
export type StatusCounts = Readonly<Record<Status, number>>

export interface StorageStats extends StatusCounts {
  readonly byType: Readonly<Record<string, StatusCounts>>
  readonly byPriority: Readonly<Record<Priority, StatusCounts>>
}

export interface ListParams {
  status: Status
  type?: string
  /** From the page before; null or left out: from the newest. */
  cursor?: string | null
  /** Range: 1 to 200. @defaultValue 50 */
  limit?: number
}

export interface Page<T> {
  readonly items: readonly T[]
  /** For the next page; null when this was the last. */
  readonly cursor: string | null
}

export interface ActivitySummary {
  readonly id: string
  readonly type: string
  readonly status: Status
  readonly priority: Priority
  readonly attempt: number
  readonly maxAttempts: number | 'unlimited'
  readonly createdAtMs: number
  readonly scheduledAtMs: number | null
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  readonly worker: string | null
  readonly error: RecordedFailure | null
}

export interface DeadLetterSummary extends ActivitySummary {
  readonly error: RecordedFailure
  readonly attempts: number
  readonly failedAtMs: number
  readonly fingerprint: string
  /** The activity that this one was redriven as. */
  readonly redrivenAs: string | null
}

export interface ActivitySnapshot extends ActivitySummary {
  readonly payloadJson: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly key: string | null
  readonly retryCount: number
  readonly timeoutMs: number | null
  readonly currentWorker: string | null
  readonly lastWorker: string | null
  readonly lastError: RecordedFailure | null
  readonly leaseDeadlineMs: number | null
  readonly cancelRequested: boolean
  readonly parentId: string | null
  readonly redriveOf: string | null
  readonly redrivenAs: string | null
  readonly coordinates: Coordinates | null
}

/** The kinds of events in an activity's timeline. */
export const EVENT_TYPES = ['enqueued', 'scheduled', 'started', 'cancel_requested'] as const
/** What an event says happened: one of {@link EVENT_TYPES} or how an attempt ended. */
export type EventType = (typeof EVENT_TYPES)[number] | AttemptOutcome

export interface ActivityEvent {
  readonly id: string
  readonly activityType: string
  readonly type: EventType
  readonly attempt: number
  readonly atMs: number
  readonly worker?: string | null
  readonly error?: RecordedFailure | null
  /** For `scheduled` and `retrying`: when the attempt is due. */
  readonly dueAtMs?: number | null
}

/** Something was missed: refetch. */
export interface EventGap {
  readonly type: 'gap'
  readonly atMs: number
}
