// The half of the ports that looks without touching: what is where, how it stands, what happened.

import type { Activity, AttemptOutcome, Coordinates, RecordedFailure, Status } from '../core/activity.ts'
import type { Discard } from '../core/discard.ts'
import type { Priority } from '../core/priority.ts'

/** Looking without touching. */
export interface InspectionStorage {
  stats(): Promise<StorageStats>
  /**
   * How each lane stands: one entry for each known type and priority, zeros included. For gauges: it is cheap where lanes are
   * idle or stand still, and bounded where they are not. Nobody has to work for it, and counts may be a second old.
   */
  laneFigures(): Promise<readonly LaneFigures[]>
  list(params: Readonly<ListParams>): Promise<Page<ActivitySummary>>
  /** Those that were discarded only where they are asked for. */
  listDeadLetters(params: Readonly<DeadLetterListParams>): Promise<Page<DeadLetterSummary>>
  /** Everything known about an activity, or null. */
  getActivity(params: Readonly<{ id: string }>): Promise<ActivitySnapshot | null>
  /** What happened to an activity, oldest first. */
  getEvents(params: Readonly<{ id: string }>): Promise<readonly ActivityEvent[]>
  /** What happens from now on, with an explicit marker where something was missed. Ends when the signal aborts. */
  events(params: Readonly<{ signal: AbortSignal }>): AsyncIterable<ActivityEvent | EventGap>
}

/** What was looked at, and how it is. */
export interface HealthReport {
  readonly checks: readonly HealthCheck[]
}

export interface HealthCheck {
  /** Such as `redis`, `kafka` or `consumer of send-invoice`. */
  readonly name: string
  /** What is wrong, or null. */
  readonly trouble: string | null
  /** Only a new process helps. A server that is away is no reason for one. */
  readonly isFatal: boolean
}

/** Counts by status. What has ended is counted while it is remembered. */
export type StatusCounts = Readonly<Record<Status, number>>

export interface StorageStats extends StatusCounts {
  readonly byType: Readonly<Record<string, StatusCounts>>
  readonly byPriority: Readonly<Record<Priority, StatusCounts>>
}

/** How the lane of one type and priority stands. */
export interface LaneFigures {
  readonly type: string
  readonly priority: Priority
  /** Ready, and not running. */
  readonly pending: number
  /**
   * When the oldest of them became ready, by what its record says: it was due, was created, or its last attempt ended. Unit: ms
   * since the epoch. Null when nothing is pending, or when the oldest was not found yet: a later call goes on looking.
   */
  readonly oldestPendingAtMs: number | null
  readonly running: number
  readonly scheduled: number
  /** Counted while they are remembered. */
  readonly deadLetters: number
  /** Offsets finished ahead of their partition's frontier, which something unfinished holds. 0 where there is no log. */
  readonly finishedAhead: number
  /**
   * How long the frontier of a partition with unfinished records has not moved, of the one that stands longest, as far as this
   * storage has been asked. Unit: ms. 0 when all move, or have nothing to do.
   */
  readonly frontierStuckMs: number
  /** Members of the type's group, the same for each of its lanes; null when that is not known. 0: nobody subscribes. */
  readonly consumers: number | null
}

export interface ListParams {
  status: Status
  type?: string
  /** From the page before; null or left out: from the newest. */
  cursor?: string | null
  /** Range: 1 to 200. @defaultValue 50 */
  limit?: number
}

export interface DeadLetterListParams extends Omit<ListParams, 'status'> {
  /** Each comes with its whole activity, payload included: ask for small pages then. @defaultValue false */
  withActivity?: boolean
  /** Also those that were discarded. @defaultValue false */
  includeDiscarded?: boolean
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
  /** Somebody has dealt with it, and said so. Null: not, or it was redriven, or the storage has forgotten it. */
  readonly discarded: Discard | null
  /** As it was when it died; only where a list was asked for it. */
  readonly activity?: Activity
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
  /** Of a dead letter that somebody has dealt with; see {@link DeadLetterSummary.discarded}. */
  readonly discarded: Discard | null
  /** W3C traceparent of its enqueue. */
  readonly traceparent: string | null
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
