// The words of Errand as shapes: activity, lease, failure, outcome, result. Plain data, no behaviour.
// Times are milliseconds since the epoch (`…AtMs`), durations milliseconds (`…Ms`), JSON travels as text (`…Json`):
// a payload's text is carried as it came, so that what went in comes out, large integers and all.

import type { Priority } from './priority.ts'

/** How an activity stands, in the words that people see. A retry is `scheduled` with an attempt above 1. */
export const STATUSES = ['pending', 'scheduled', 'running', 'completed', 'failed', 'dead_letter', 'cancelled'] as const
/** One of {@link STATUSES}. */
export type Status = (typeof STATUSES)[number]

/** The statuses that end an activity. */
export const TERMINAL_STATUSES = ['completed', 'failed', 'dead_letter', 'cancelled'] as const
/** One of {@link TERMINAL_STATUSES}. */
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number]

/** How one attempt ended: the terminal statuses, or `retrying`, or `lease_expired` (taken back by the reaper and requeued). */
export const ATTEMPT_OUTCOMES = [...TERMINAL_STATUSES, 'retrying', 'lease_expired'] as const
/** One of {@link ATTEMPT_OUTCOMES}. */
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]

/** True when the outcome (or status) ends the activity. */
export function isTerminal(outcome: AttemptOutcome | Status): outcome is TerminalStatus {
  return (TERMINAL_STATUSES as readonly string[]).includes(outcome)
}

/** What an enqueue with a key that is already in use does. See `idempotency.ts`. */
export const DUPLICATE_BEHAVIORS = ['return_existing', 'no_reuse', 'allow_reuse', 'allow_reuse_on_failure'] as const
/** One of {@link DUPLICATE_BEHAVIORS}. */
export type DuplicateBehavior = (typeof DUPLICATE_BEHAVIORS)[number]

/** An idempotency key with what to do on a duplicate. */
export interface IdempotencyKey {
  readonly key: string
  readonly onDuplicate: DuplicateBehavior
}

/** W3C trace context of whoever created the activity. */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate?: string
}

/** W3C traceparents of an attempt that has ended, for who looks back at it: the next attempt, a redrive. */
export interface AttemptTrace {
  /** Of its run. */
  readonly attempt: string
  /** Of its dead letter, should it become one. */
  readonly deadLetter?: string | undefined
}

/** A failure as it is recorded: readable by people, bounded in size, JSON. */
export interface RecordedFailure {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  readonly cause?: RecordedFailure
}

/** One failed attempt, as the envelope remembers it. */
export interface AttemptFailure {
  readonly attempt: number
  readonly atMs: number
  readonly name: string
  readonly message: string
  readonly worker?: string
}

/** One piece of work, as one attempt's record carries it. */
export interface Activity {
  readonly id: string
  readonly type: string
  readonly priority: Priority
  /** The payload's own JSON text. */
  readonly payloadJson: string
  /** The 1-based attempt that this record is for. */
  readonly attempt: number
  /** Failed attempts so far. */
  readonly retryCount: number
  readonly maxAttempts: number | 'unlimited'
  /** Longest run of one attempt. */
  readonly timeoutMs: number
  /** Base of the exponential backoff. 0: at once. */
  readonly retryDelayMs: number
  /** Cap of the backoff. */
  readonly retryDelayMaxMs: number
  readonly createdAtMs: number
  /** When this attempt is due; null: at once. */
  readonly scheduledAtMs: number | null
  readonly metadata: Readonly<Record<string, string>>
  readonly key: IdempotencyKey | null
  readonly trace: TraceContext | null
  /** W3C traceparent of the latest attempt that has ended, as far as one is known: what this one looks back at. */
  readonly attemptTraceparent: string | null
  /** The activity whose handler enqueued this one. */
  readonly parentId: string | null
  /** The dead letter or failed activity that this one redrives. */
  readonly redriveOf: string | null
  /** The first and the latest failed attempts, oldest first. */
  readonly failures: readonly AttemptFailure[]
  /** Members of its record that this version does not know, as JSON text without braces: written on as they came. */
  readonly extraJson?: string
}

/** Where a record stands in Kafka. */
export interface Coordinates {
  readonly topic: string
  readonly partition: number
  /** A 64-bit integer as text. */
  readonly offset: string
}

/** A claimed attempt: the activity and the lease that entitles to run and settle it. */
export interface ClaimedAttempt {
  readonly activity: Activity
  readonly attempt: number
  /** New for every claim; the only thing that entitles to settle, renew or release. */
  readonly leaseId: string
  /** By the storage's clock. */
  readonly deadlineMs: number
  /** By the storage's clock. */
  readonly startedAtMs: number
  readonly coordinates?: Coordinates
}

/** How a handler's attempt failed, as the worker tells the storage. */
export interface AttemptFailureReport {
  /**
   * `retryable`: any throw · `timeout`: the attempt ran over its time (retryable) · `non_retryable`: ends as failed ·
   * `cancelled`: the handler obeyed a cancel (counts as retryable when none was asked for).
   */
  readonly kind: 'retryable' | 'timeout' | 'non_retryable' | 'cancelled'
  readonly error: RecordedFailure
  /** From `RetryAfterError`: overrides the backoff. */
  readonly retryAfterMs?: number
}

/** What ended an attempt, as it is written to the outcomes topic. */
export interface OutcomeRecord {
  readonly id: string
  readonly type: string
  readonly priority: Priority
  readonly attempt: number
  readonly outcome: AttemptOutcome
  readonly leaseId: string | null
  readonly worker: string | null
  /** Failed attempts so far, this one not counted when it exhausted them. */
  readonly retryCount: number
  readonly maxAttempts: number | 'unlimited'
  readonly createdAtMs: number
  readonly scheduledAtMs: number | null
  /** null when the attempt never started (cancelled while pending or scheduled). */
  readonly startedAtMs: number | null
  readonly endedAtMs: number
  /** Set when another attempt follows: when it is due. */
  readonly nextAttemptAtMs: number | null
  readonly error: RecordedFailure | null
  /** The result's own JSON text; null when there is none. A handler's JSON null is the text `null`. */
  readonly resultJson: string | null
  /** The activity record's own text, for those that ended failed or cancelled: what a redrive is made from. Else null. */
  readonly envelope: string | null
  /** The activity's key, so that its entry can be made anew from the log. */
  readonly key: IdempotencyKey | null
  /** The activity that this one redrives. */
  readonly redriveOf: string | null
}

/** A scheduled attempt, as it is written to the delay topic. */
export interface DelayRecord {
  readonly dueAtMs: number
  readonly activity: Activity
}

/** A terminal failure, as it is written to the DLQ. */
export interface DeadLetterRecord {
  readonly activity: Activity
  readonly attempts: number
  readonly error: RecordedFailure
  readonly firstFailedAtMs: number
  readonly failedAtMs: number
  readonly worker: string | null
  readonly fingerprint: string
  readonly source: Coordinates | null
  /** W3C traceparent of the dead letter itself; null when nobody traced it. */
  readonly traceparent: string | null
}

/** A record that is none of ours, as it is written to the DLQ. */
export interface PoisonRecord {
  readonly reason: string
  readonly source: Coordinates
  /** The record's value, untouched. */
  readonly value: Uint8Array | null
  readonly key: Uint8Array | null
  readonly atMs: number
}

/** What waiters and `getResult` get. */
export interface StoredResult {
  readonly state: 'ok' | 'err'
  /** JSON text: the handler's result, or `{ error, type, failed_at, attempts, failure }`. */
  readonly dataJson: string
  readonly atMs: number
}

/** Why an activity ended without a result: the `type` in an error result. */
export type ErrorResultType = 'dead_letter' | 'non_retryable' | 'cancelled'
