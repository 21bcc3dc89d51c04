// The fields of an activity, shared by activity, delay and dead-letter records: all but `v` and `payload`.
// Written in one concatenation, since a record is written for every enqueue; read through one schema.

import { z } from 'zod'

import type { Activity, AttemptFailure } from '../core/activity.ts'
import { DUPLICATE_BEHAVIORS } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import { DEFAULT_TIMEOUT_MS, checkMetadata } from '../core/new-activity.ts'
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_RETRY_DELAY_MAX_MS, DEFAULT_RETRY_DELAY_MS } from '../core/retry-policy.ts'
import { checkText } from '../core/text.ts'
import { traceContextOf } from '../core/trace-context.ts'
import {
  accepted,
  asCheck,
  boundedJson,
  attemptField,
  countField,
  idField,
  maxAttemptsOf,
  maxRetriesOf,
  msOf,
  msOrNull,
  priorityField,
  textJson,
  timeField,
  timeJson,
  typeField,
  workerField,
  workerJson,
} from './fields.ts'
import type { RecordKind, RecordParts } from './record-text.ts'
import { carriedJsonOf, extraJsonOf } from './record-text.ts'

function secondsField(msMin: number, msMax: number): z.ZodNumber {
  return z
    .number()
    .min(msMin / 1_000)
    .max(msMax / 1_000)
}

const failedAttemptField = z.object({
  attempt: attemptField,
  at: timeField,
  name: accepted(value => checkText('name', value, LIMITS.failureNameBytesMax, 0)),
  message: accepted(value => checkText('message', value, LIMITS.failureHistoryMessageBytesMax, 0)),
  worker: workerField.nullish(),
})

const keyField = z.object({
  key: accepted(value => checkText('key', value, LIMITS.keyBytesMax)),
  on_duplicate: z.enum(DUPLICATE_BEHAVIORS).nullish(),
})

/** The fields on the way in. Null means the same as absent; what is not listed is let through unread. */
export const activityFields = z.object({
  id: idField,
  activity_type: typeField,
  created_at: timeField,
  priority: priorityField.nullish(),
  max_retries: countField.nullish(),
  retry_count: countField.nullish(),
  attempt: attemptField.nullish(),
  timeout_seconds: secondsField(LIMITS.timeoutMsMin, LIMITS.timeoutMsMax).nullish(),
  retry_delay_seconds: secondsField(0, LIMITS.retryDelayMsMax).nullish(),
  retry_delay_max_seconds: secondsField(0, LIMITS.retryDelayMsMax).nullish(),
  scheduled_at: timeField.nullish(),
  metadata: z
    .unknown()
    .check(asCheck(value => checkMetadata(value ?? undefined)))
    .optional(),
  idempotency_key: keyField.nullish(),
  traceparent: z.unknown().optional(),
  tracestate: z.unknown().optional(),
  attempt_traceparent: z.unknown().optional(),
  parent_id: idField.nullish(),
  redrive_of: idField.nullish(),
  failures: z.array(failedAttemptField).max(LIMITS.failureHistoryMax).nullish(),
})

/** An activity's fields as they came, validated. */
export type ActivityFields = z.output<typeof activityFields>

/** Every member of any record around an activity: what is named otherwise is not known, and carried on. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(activityFields.shape),
  'v',
  'payload',
  'due_at',
  'dead_letter',
])

/**
 * The activity that a record's validated fields say, with the defaults of the storage contract for what is absent. Throws
 * `serialization` without a payload, or with too much that is not known.
 */
export function activityOf(kind: RecordKind, parts: RecordParts, fields: ActivityFields): Activity {
  const payloadJson = carriedJsonOf(kind, parts)
  const extraJson = extraJsonOf(kind, parts, KNOWN)
  const retryCount = fields.retry_count ?? 0
  return {
    id: fields.id,
    type: fields.activity_type,
    priority: fields.priority ?? 'normal',
    payloadJson,
    attempt: fields.attempt ?? Math.min(retryCount + 1, LIMITS.attemptsMax),
    retryCount,
    maxAttempts: maxAttemptsOf(fields.max_retries ?? DEFAULT_MAX_ATTEMPTS),
    timeoutMs: msOfSeconds(fields.timeout_seconds) ?? DEFAULT_TIMEOUT_MS,
    retryDelayMs: msOfSeconds(fields.retry_delay_seconds) ?? DEFAULT_RETRY_DELAY_MS,
    retryDelayMaxMs: msOfSeconds(fields.retry_delay_max_seconds) ?? DEFAULT_RETRY_DELAY_MAX_MS,
    createdAtMs: msOf(fields.created_at),
    scheduledAtMs: msOrNull(fields.scheduled_at),
    metadata: checkMetadata(fields.metadata ?? undefined),
    key: keyOf(fields.idempotency_key),
    trace: traceContextOf(textOrNull(fields.traceparent), textOrNull(fields.tracestate)),
    attemptTraceparent: traceContextOf(textOrNull(fields.attempt_traceparent), null)?.traceparent ?? null,
    parentId: fields.parent_id ?? null,
    redriveOf: fields.redrive_of ?? null,
    failures: (fields.failures ?? []).map(failedAttemptOf),
    ...(extraJson === undefined ? {} : { extraJson }),
  }
}

/** The fields of an activity as JSON text, without braces, `v` and `payload`. */
export function activityFieldsJson(activity: Activity): string {
  return (
    `"id":${textJson(activity.id)},"activity_type":${textJson(activity.type)},"priority":"${activity.priority}",` +
    `"attempt":${activity.attempt},"max_retries":${maxRetriesOf(activity.maxAttempts)},"retry_count":${activity.retryCount},` +
    `"timeout_seconds":${activity.timeoutMs / 1_000},"retry_delay_seconds":${activity.retryDelayMs / 1_000},` +
    `"retry_delay_max_seconds":${activity.retryDelayMaxMs / 1_000},"created_at":${timeJson(activity.createdAtMs)}` +
    optionalFieldsJson(activity)
  )
}

/** What most activities do not have is left out: every byte is written, copied and read again at each step. */
function optionalFieldsJson(activity: Activity): string {
  const { scheduledAtMs, metadata, key, trace, attemptTraceparent, parentId, redriveOf, failures, extraJson } = activity
  let json = ''
  if (scheduledAtMs !== null) json += `,"scheduled_at":${timeJson(scheduledAtMs)}`
  const metadataJson = JSON.stringify(metadata)
  if (metadataJson !== '{}') json += `,"metadata":${metadataJson}`
  if (key !== null) json += `,"idempotency_key":${keyJson(key)}`
  if (trace !== null) {
    json += `,"traceparent":${textJson(trace.traceparent)}`
    if (trace.tracestate !== undefined) json += `,"tracestate":${textJson(trace.tracestate)}`
  }
  if (attemptTraceparent !== null) json += `,"attempt_traceparent":${textJson(attemptTraceparent)}`
  if (parentId !== null) json += `,"parent_id":${textJson(parentId)}`
  if (redriveOf !== null) json += `,"redrive_of":${textJson(redriveOf)}`
  if (failures.length > 0) json += `,"failures":[${failures.map(failedAttemptJson).join(',')}]`
  return extraJson === undefined ? json : `${json},${extraJson}`
}

function msOfSeconds(seconds: number | null | undefined): number | undefined {
  // Rounded, since 0.0011 * 1000 is not quite what it says.
  return seconds === null || seconds === undefined ? undefined : Math.round(seconds * 1_000)
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function keyOf(fields: ActivityFields['idempotency_key']): Activity['key'] {
  if (fields === null || fields === undefined) return null
  return { key: fields.key, onDuplicate: fields.on_duplicate ?? 'return_existing' }
}

function failedAttemptOf(fields: z.output<typeof failedAttemptField>): AttemptFailure {
  const { attempt, at, name, message, worker } = fields
  return { attempt, atMs: msOf(at), name, message, ...(typeof worker === 'string' ? { worker } : {}) }
}

function keyJson({ key, onDuplicate }: NonNullable<Activity['key']>): string {
  return `{"key":${textJson(key)},"on_duplicate":"${onDuplicate}"}`
}

function failedAttemptJson(failure: AttemptFailure): string {
  const { attempt, atMs, name, message, worker } = failure
  return (
    `{"attempt":${attempt},"at":${timeJson(atMs)},"name":${boundedJson(name, LIMITS.failureNameBytesMax)},` +
    `"message":${boundedJson(message, LIMITS.failureHistoryMessageBytesMax)}` +
    `${worker === undefined ? '' : `,"worker":${workerJson(worker)}`}}`
  )
}
