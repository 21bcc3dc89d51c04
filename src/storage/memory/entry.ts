// One activity as the memory storage knows it, and how people see it.

import type { Activity, RecordedFailure, Status } from '../../core/activity.ts'
import { compareAge } from '../../core/age.ts'
import type { Discard } from '../../core/discard.ts'
import { failureFingerprint } from '../../core/failure.ts'
import type {
  AckFailureAnswer,
  ActivityEvent,
  ActivitySnapshot,
  ActivitySummary,
  DeadLetterSummary,
} from '../storage.ts'

/** The right to run one attempt until a deadline. */
export interface Lease {
  readonly id: string
  readonly worker: string
  readonly startedAtMs: number
  readonly deadlineMs: number
}

/** The latest accepted settlement: asked for again with the same lease, it is answered again. */
export interface Settlement {
  readonly leaseId: string
  /** What was asked for, to tell a repetition from a different settlement. */
  readonly digest: string
  readonly answer: AckFailureAnswer | { readonly outcome: 'completed' }
}

/** Everything about one activity. Only the book changes it. */
export interface Entry {
  /** The record of the attempt that waits, runs or was the last. */
  activity: Activity
  /** Breaks ties: earlier accepted is lower. */
  readonly order: number
  status: Status
  /** While scheduled. */
  dueAtMs: number | null
  /** While running. */
  lease: Lease | null
  isCancelRequested: boolean
  cancelReason: string | null
  startedAtMs: number | null
  endedAtMs: number | null
  /** Once ended: when it may be forgotten. */
  forgetAtMs: number
  lastWorker: string | null
  lastError: RecordedFailure | null
  settled: Settlement | null
  releasedLeaseId: string | null
  redrivenAs: string | null
  discarded: Discard | null
  readonly events: ActivityEvent[]
}

/** An entry for an activity that was just accepted and is not yet anywhere. */
export function newEntry(activity: Activity, order: number): Entry {
  return {
    activity,
    order,
    status: 'pending',
    dueAtMs: null,
    lease: null,
    isCancelRequested: false,
    cancelReason: null,
    startedAtMs: null,
    endedAtMs: null,
    forgetAtMs: 0,
    lastWorker: null,
    lastError: null,
    settled: null,
    releasedLeaseId: null,
    redrivenAs: null,
    discarded: null,
    events: [],
  }
}

/** Older first; of equals, the one accepted first. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareAge(a.activity, b.activity) || a.order - b.order
}

/** An entry as a line of a list. */
export function summaryOf(entry: Entry): ActivitySummary {
  const { activity } = entry
  return {
    id: activity.id,
    type: activity.type,
    status: entry.status,
    priority: activity.priority,
    attempt: activity.attempt,
    maxAttempts: activity.maxAttempts,
    createdAtMs: activity.createdAtMs,
    scheduledAtMs: entry.dueAtMs ?? activity.scheduledAtMs,
    startedAtMs: entry.startedAtMs,
    endedAtMs: entry.endedAtMs,
    worker: entry.lease?.worker ?? entry.lastWorker,
    error: entry.status === 'completed' ? null : entry.lastError,
  }
}

/** A dead-lettered entry as a line of the dead letters. */
export function deadLetterOf(entry: Entry, withActivity: boolean): DeadLetterSummary {
  const error = entry.lastError ?? { name: 'Error', message: 'unknown' }
  return {
    ...summaryOf(entry),
    error,
    attempts: entry.activity.attempt,
    failedAtMs: entry.endedAtMs ?? 0,
    fingerprint: failureFingerprint(error),
    redrivenAs: entry.redrivenAs,
    discarded: entry.discarded,
    ...(withActivity ? { activity: entry.activity } : {}),
  }
}

/** Everything about an entry that people may ask for. */
export function snapshotOf(entry: Entry): ActivitySnapshot {
  const { activity, lease } = entry
  return {
    ...summaryOf(entry),
    payloadJson: activity.payloadJson,
    metadata: activity.metadata,
    key: activity.key?.key ?? null,
    retryCount: activity.retryCount,
    timeoutMs: activity.timeoutMs,
    currentWorker: lease?.worker ?? null,
    lastWorker: entry.lastWorker,
    lastError: entry.lastError,
    leaseDeadlineMs: lease?.deadlineMs ?? null,
    cancelRequested: entry.isCancelRequested,
    parentId: activity.parentId,
    redriveOf: activity.redriveOf,
    redrivenAs: entry.redrivenAs,
    discarded: entry.discarded,
    traceparent: activity.trace?.traceparent ?? null,
    coordinates: null,
  }
}
