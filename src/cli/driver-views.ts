// What the storage driver shows of activities, events and counts: snake_case, times as ISO 8601 in UTC with milliseconds.

import type { Status } from '../core/activity.ts'
import { STATUSES } from '../core/activity.ts'
import type {
  ActivityEvent,
  ActivitySnapshot,
  ActivitySummary,
  DeadLetterSummary,
  Page,
  StatusCounts,
  StorageStats,
} from '../storage/storage.ts'
import { RawJson } from './driver-lines.ts'

/** A reply: plain data, and JSON texts as they are. */
export type Reply = Readonly<Record<string, unknown>>

/** An activity in full. */
export function activityView(snapshot: ActivitySnapshot): Reply {
  return {
    ...summaryView(snapshot),
    error: undefined,
    worker: undefined,
    retry_count: snapshot.retryCount,
    timeout_s: snapshot.timeoutMs === null ? null : snapshot.timeoutMs / 1_000,
    payload: snapshot.payloadJson === null ? null : new RawJson(snapshot.payloadJson),
    metadata: snapshot.metadata,
    last_error: snapshot.lastError?.message ?? null,
    last_worker: snapshot.lastWorker,
    current_worker: snapshot.currentWorker,
    lease_deadline: timeView(snapshot.leaseDeadlineMs),
    cancel_requested: snapshot.cancelRequested,
    parent_id: snapshot.parentId,
    redrive_of: snapshot.redriveOf,
    redriven_as: snapshot.redrivenAs,
    key: snapshot.key,
  }
}

/** An activity as a line of a list. */
export function summaryView(summary: ActivitySummary): Reply {
  return {
    id: summary.id,
    type: summary.type,
    status: summary.status,
    attempt: summary.attempt,
    max_attempts: summary.maxAttempts === 'unlimited' ? 0 : summary.maxAttempts,
    priority: summary.priority,
    created_at: timeView(summary.createdAtMs),
    scheduled_at: timeView(summary.scheduledAtMs),
    started_at: timeView(summary.startedAtMs),
    completed_at: timeView(summary.endedAtMs),
    worker: summary.worker,
    error: summary.error?.message ?? null,
  }
}

/** A dead letter as a line of a list. */
export function deadLetterView(summary: DeadLetterSummary): Reply {
  return {
    ...summaryView(summary),
    attempts: summary.attempts,
    failed_at: timeView(summary.failedAtMs),
    fingerprint: summary.fingerprint,
    redriven_as: summary.redrivenAs,
  }
}

/** A page of anything. */
export function pageView<T>(page: Page<T>, view: (item: T) => Reply): Reply {
  return { items: page.items.map(view), cursor: page.cursor }
}

/** An event of a timeline. */
export function eventView(event: ActivityEvent): Reply {
  return {
    type: event.type,
    attempt: event.attempt,
    at: timeView(event.atMs),
    worker: event.worker ?? undefined,
    error: event.error?.message,
    due_at: event.dueAtMs == null ? undefined : timeView(event.dueAtMs),
  }
}

/** All counts. */
export function statsView(stats: StorageStats): Reply {
  return { ...countsView(stats), by_type: countsByName(stats.byType), by_priority: countsByName(stats.byPriority) }
}

function countsByName(counts: Readonly<Record<string, StatusCounts>>): Reply {
  return Object.fromEntries(Object.entries(counts).map(([name, ofName]) => [name, countsView(ofName)]))
}

function countsView(counts: StatusCounts): Readonly<Record<Status, number>> {
  return Object.fromEntries(STATUSES.map(status => [status, counts[status]])) as Record<Status, number>
}

function timeView(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
