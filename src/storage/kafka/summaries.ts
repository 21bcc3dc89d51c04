// Activities as people see them, from the records and markers that there are.

import type { Activity, OutcomeRecord, Status } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import type { Dealt } from '../redis/discards.ts'
import type { Marker } from '../redis/markers.ts'
import type { ActivityEvent, ActivitySnapshot, ActivitySummary } from '../storage.ts'

/** What a record alone says. */
export function summaryOf(activity: Activity, status: Status): ActivitySummary {
  return {
    id: activity.id,
    type: activity.type,
    status,
    priority: activity.priority,
    attempt: activity.attempt,
    maxAttempts: activity.maxAttempts,
    createdAtMs: activity.createdAtMs,
    scheduledAtMs: activity.scheduledAtMs,
    startedAtMs: null,
    endedAtMs: null,
    worker: null,
    error: lastFailureOf(activity),
  }
}

/** Whether a lane record of this attempt waits, by what Redis knows of its activity: nothing, or that it does. */
export function isWaitingState(
  state: { readonly status: string; readonly attempt: number } | null,
  attempt: number,
): boolean {
  if (state === null) return true
  return (state.status === 'pending' || state.status === 'scheduled') && state.attempt <= attempt
}

function lastFailureOf(activity: Activity): ActivitySummary['error'] {
  const last = activity.failures.at(-1)
  return last === undefined ? null : { name: last.name, message: last.message }
}

/** What an outcome says. */
export function outcomeSummary(outcome: OutcomeRecord): ActivitySummary {
  return {
    id: outcome.id,
    type: outcome.type,
    status: isTerminal(outcome.outcome) ? outcome.outcome : 'scheduled',
    priority: outcome.priority,
    attempt: outcome.attempt,
    maxAttempts: outcome.maxAttempts,
    createdAtMs: outcome.createdAtMs,
    scheduledAtMs: outcome.scheduledAtMs,
    startedAtMs: outcome.startedAtMs,
    endedAtMs: outcome.endedAtMs,
    worker: outcome.worker,
    error: outcome.error,
  }
}

/** Everything that is known of an activity: its record, its marker, its latest outcome, as far as each is there. */
export function snapshotOf(parts: {
  readonly status: Status
  readonly activity: Activity | null
  readonly outcome: OutcomeRecord | null
  readonly marker: Marker | null
  /** Of what has ended, where it can be said. */
  readonly dealt?: Dealt | undefined
  readonly coordinates: ActivitySnapshot['coordinates']
}): ActivitySnapshot | null {
  const { activity, outcome, marker, status } = parts
  const base =
    activity !== null
      ? summaryOf(activity, status)
      : outcome !== null
        ? { ...outcomeSummary(outcome), status }
        : markerSummary(marker, status)
  if (base === null) return null
  const isRunning = status === 'running'
  const lastWorker = marker?.worker ?? outcome?.worker ?? activity?.failures.at(-1)?.worker ?? null
  const error = status === 'completed' ? null : (marker?.error ?? outcome?.error ?? base.error)
  return {
    ...base,
    startedAtMs: marker?.startedAtMs ?? outcome?.startedAtMs ?? null,
    endedAtMs: isTerminal(status) ? (marker?.settled?.endedAtMs ?? outcome?.endedAtMs ?? null) : null,
    worker: lastWorker,
    error,
    payloadJson: activity?.payloadJson ?? null,
    metadata: activity?.metadata ?? {},
    key: activity?.key?.key ?? marker?.key ?? null,
    retryCount: activity?.retryCount ?? outcome?.retryCount ?? Math.max(0, base.attempt - 1),
    timeoutMs: activity?.timeoutMs ?? null,
    currentWorker: isRunning ? lastWorker : null,
    lastWorker,
    lastError: error,
    leaseDeadlineMs: isRunning ? (marker?.deadlineMs ?? null) : null,
    cancelRequested: status === 'cancelled' || (marker?.cancelRequested ?? false),
    parentId: activity?.parentId ?? null,
    redriveOf: activity?.redriveOf ?? null,
    redrivenAs: parts.dealt?.redrivenAs ?? marker?.redrivenAs ?? null,
    discarded: parts.dealt?.discarded ?? null,
    traceparent: activity?.trace?.traceparent ?? null,
    coordinates: parts.coordinates,
  }
}

function markerSummary(marker: Marker | null, status: Status): ActivitySummary | null {
  if (marker === null) return null
  const endedAtMs = marker.settled?.endedAtMs ?? null
  return {
    id: marker.id,
    type: marker.type,
    status,
    priority: marker.priority,
    attempt: marker.settled?.attempt ?? marker.attempt,
    maxAttempts: 'unlimited',
    createdAtMs: marker.startedAtMs ?? endedAtMs ?? 0,
    scheduledAtMs: marker.settled?.dueAtMs ?? null,
    startedAtMs: marker.startedAtMs,
    endedAtMs,
    worker: marker.worker,
    error: marker.error,
  }
}

/** The timeline of an activity, oldest first. */
export function timelineOf(parts: {
  readonly snapshot: ActivitySnapshot
  readonly outcomes: readonly OutcomeRecord[]
}): ActivityEvent[] {
  const { snapshot, outcomes } = parts
  const { id, type: activityType } = snapshot
  const first = outcomes[0]
  const createdAtMs = first?.createdAtMs ?? snapshot.createdAtMs
  const events: ActivityEvent[] = [{ id, activityType, type: 'enqueued', attempt: 1, atMs: createdAtMs }]
  const firstDueAtMs =
    first !== undefined && first.attempt === 1
      ? first.scheduledAtMs
      : outcomes.length === 0 && snapshot.attempt === 1
        ? snapshot.scheduledAtMs
        : null
  if (firstDueAtMs !== null)
    events.push({ id, activityType, type: 'scheduled', attempt: 1, atMs: createdAtMs, dueAtMs: firstDueAtMs })
  for (const outcome of outcomes) {
    const { attempt, worker } = outcome
    if (outcome.startedAtMs !== null) {
      events.push({ id, activityType, type: 'started', attempt, atMs: outcome.startedAtMs, worker })
    }
    events.push(outcomeEvent(outcome))
  }
  const last = outcomes.at(-1)
  if (snapshot.status === 'running' && snapshot.startedAtMs !== null && last?.attempt !== snapshot.attempt) {
    events.push({
      id,
      activityType,
      type: 'started',
      attempt: snapshot.attempt,
      atMs: snapshot.startedAtMs,
      worker: snapshot.currentWorker,
    })
  }
  return events
}

/** An outcome as an event. */
export function outcomeEvent(outcome: OutcomeRecord): ActivityEvent {
  return {
    id: outcome.id,
    activityType: outcome.type,
    type: outcome.outcome,
    attempt: outcome.attempt,
    atMs: outcome.endedAtMs,
    worker: outcome.worker,
    error: outcome.error,
    dueAtMs: outcome.nextAttemptAtMs,
  }
}
