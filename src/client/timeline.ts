// A timeline as people read it: its events put together to attempts, and what lies between them labelled with its reason.
// Pure.
//
//   enqueued ─ delay ─ waited ─ attempt 1 (retrying) ─ backoff ─ waited ─ attempt 2 (completed)

import type { AttemptOutcome, RecordedFailure } from '../core/activity.ts'
import type { ActivityEvent } from '../storage/storage.ts'

/** Why nothing ran: it was not to run yet (`delay`), not yet again (`backoff`), or had to wait for a free slot (`waited`). */
export const GAP_REASONS = ['delay', 'backoff', 'waited'] as const
/** One of {@link GAP_REASONS}. */
export type GapReason = (typeof GAP_REASONS)[number]

/** A part of a timeline. Times are ms since the epoch, durations ms. */
export type TimelineEntry =
  | {
      readonly kind: 'event'
      readonly type: ActivityEvent['type']
      readonly atMs: number
      readonly dueAtMs: number | null
    }
  | {
      readonly kind: 'attempt'
      readonly attempt: number
      readonly worker: string | null
      /** Null: when it began is not recorded. */
      readonly startedAtMs: number | null
      /** Null: it runs still. */
      readonly endedAtMs: number | null
      readonly durationMs: number | null
      /** `unknown`: another began after it, and how it ended is not recorded. */
      readonly outcome: AttemptOutcome | 'running' | 'unknown'
      readonly error: RecordedFailure | null
    }
  | {
      readonly kind: 'gap'
      readonly reason: GapReason
      readonly fromMs: number
      /** Null: it goes on. */
      readonly untilMs: number | null
      readonly durationMs: number
    }

type Wait = { readonly fromMs: number; readonly dueAtMs: number | null; readonly reason: 'delay' | 'backoff' }
type Started = { readonly attempt: number; readonly atMs: number; readonly worker: string | null }

/** The timeline of events, oldest first, as it stands at `nowMs`. `isOver`: the activity has ended, as far as anybody knows. */
export function timelineEntries(events: readonly ActivityEvent[], nowMs: number, isOver: boolean): TimelineEntry[] {
  const entries: TimelineEntry[] = []
  let wait: Wait | null = null
  let running: Started | null = null
  for (const event of events) {
    const { type, atMs, attempt, dueAtMs = null, worker = null } = event
    switch (type) {
      case 'enqueued':
        entries.push({ kind: 'event', type, atMs, dueAtMs })
        wait = { fromMs: atMs, dueAtMs: null, reason: 'delay' }
        break
      case 'scheduled':
        wait = { fromMs: atMs, dueAtMs, reason: 'delay' }
        break
      case 'cancel_requested':
        entries.push({ kind: 'event', type, atMs, dueAtMs })
        break
      case 'started':
        if (running !== null) entries.push(unfinished(running, atMs, 'unknown'))
        entries.push(...gaps(wait, atMs))
        wait = null
        running = { attempt, atMs, worker }
        break
      case 'completed':
      case 'failed':
      case 'dead_letter':
      case 'cancelled':
      case 'retrying':
      case 'lease_expired':
        if (running === null) entries.push(...gaps(wait, atMs))
        entries.push(ended(event, type, running?.attempt === attempt ? running : null))
        running = null
        wait = type === 'retrying' || type === 'lease_expired' ? { fromMs: atMs, dueAtMs, reason: 'backoff' } : null
    }
  }
  if (isOver) return entries
  if (running !== null) entries.push(unfinished(running, nowMs, 'running'))
  return [...entries, ...openGaps(wait, nowMs)]
}

function ended(event: ActivityEvent, outcome: AttemptOutcome, started: Started | null): TimelineEntry {
  const { attempt, atMs, worker, error } = event
  const startedAtMs = started?.atMs ?? null
  return {
    kind: 'attempt',
    attempt,
    worker: worker ?? started?.worker ?? null,
    startedAtMs,
    endedAtMs: atMs,
    durationMs: startedAtMs === null ? null : Math.max(0, atMs - startedAtMs),
    outcome,
    error: error ?? null,
  }
}

function unfinished({ attempt, atMs, worker }: Started, nowMs: number, outcome: 'running' | 'unknown'): TimelineEntry {
  const durationMs = Math.max(0, nowMs - atMs)
  return { kind: 'attempt', attempt, worker, startedAtMs: atMs, endedAtMs: null, durationMs, outcome, error: null }
}

/** What lies between: until it was due, and from then on until it began. */
function gaps(wait: Wait | null, untilMs: number): TimelineEntry[] {
  if (wait === null) return []
  const { fromMs, dueAtMs, reason } = wait
  const readyMs = Math.min(untilMs, Math.max(fromMs, dueAtMs ?? fromMs))
  return [gap(reason, fromMs, readyMs), gap('waited', readyMs, untilMs)].filter(({ durationMs }) => durationMs > 0)
}

function openGaps(wait: Wait | null, nowMs: number): TimelineEntry[] {
  if (wait === null) return []
  const { fromMs, dueAtMs, reason } = wait
  if (dueAtMs !== null && dueAtMs > nowMs) return [gap(reason, fromMs, dueAtMs)]
  const readyMs = Math.max(fromMs, dueAtMs ?? fromMs)
  const before = readyMs > fromMs ? [gap(reason, fromMs, readyMs)] : []
  return [...before, { ...gap('waited', readyMs, Math.max(readyMs, nowMs)), untilMs: null }]
}

function gap(reason: GapReason, fromMs: number, untilMs: number): Extract<TimelineEntry, { kind: 'gap' }> {
  return { kind: 'gap', reason, fromMs, untilMs, durationMs: Math.max(0, untilMs - fromMs) }
}
