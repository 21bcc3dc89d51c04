// The value of a record in the outcomes topic: how one attempt ended.
//
//   { "v": 1, <fields>, "activity": <activity record>, "result": <any JSON> }
//
// `result` is left out when there is none; a handler's JSON null is `"result":null`. `activity` is there for those that
// ended failed or cancelled. Both are carried as the text that they came as. `idempotency_key` and `redrive_of` are left out
// when the activity has none; what Redis keeps of them is made anew from here. Golden vectors: vectors/outcome.json.

import { z } from 'zod'

import type { IdempotencyKey, OutcomeRecord } from '../core/activity.ts'
import { ATTEMPT_OUTCOMES } from '../core/activity.ts'
import { memberText } from '../core/json-text.ts'
import { LIMITS } from '../core/limits.ts'
import { checkText } from '../core/text.ts'
import { activityFields } from './activity-fields.ts'
import { failureJson, failureOf, recordedFailureField } from './failure-fields.ts'
import {
  accepted,
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
import type { RecordKind, RecordValue } from './record-text.ts'
import { ACTIVITY_DEPTH_MAX, WIRE_VERSION, parseFields, readRecord } from './record-text.ts'

const KIND: RecordKind = {
  name: 'outcome record',
  carried: 'result',
  carriedBytesMax: LIMITS.resultBytesMax,
  // An activity record fits in.
  depthMax: ACTIVITY_DEPTH_MAX + 1,
}

/** The fields on the way in. Null means the same as absent. */
export const outcomeFields = z.object({
  id: idField,
  activity_type: typeField,
  priority: priorityField,
  attempt: attemptField,
  outcome: z.enum(ATTEMPT_OUTCOMES),
  lease_id: accepted(value => checkText('lease_id', value, LIMITS.workerIdBytesMax)).nullish(),
  worker: workerField.nullish(),
  retry_count: countField,
  max_retries: countField,
  created_at: timeField,
  scheduled_at: timeField.nullish(),
  started_at: timeField.nullish(),
  ended_at: timeField,
  next_attempt_at: timeField.nullish(),
  error: recordedFailureField.nullish(),
  idempotency_key: activityFields.shape.idempotency_key,
  redrive_of: activityFields.shape.redrive_of,
  activity: z.looseObject({}).nullish(),
})

/** The record's value. The texts of result and envelope are trusted to be JSON. */
export function encodeOutcome(record: OutcomeRecord): string {
  const activity = record.envelope === null ? '' : `,"activity":${record.envelope}`
  const result = record.resultJson === null ? '' : `,"result":${record.resultJson}`
  const key = record.key === null ? '' : `,"idempotency_key":${keyJson(record.key)}`
  const redriveOf = record.redriveOf === null ? '' : `,"redrive_of":${textJson(record.redriveOf)}`
  return (
    `{"v":${WIRE_VERSION},"id":${textJson(record.id)},"activity_type":${textJson(record.type)},` +
    `"priority":"${record.priority}","attempt":${record.attempt},"outcome":"${record.outcome}",` +
    `"retry_count":${record.retryCount},"max_retries":${maxRetriesOf(record.maxAttempts)},` +
    `"created_at":${timeJson(record.createdAtMs)},"ended_at":${timeJson(record.endedAtMs)}` +
    `${circumstancesJson(record)}${key}${redriveOf}${activity}${result}}`
  )
}

/** What not every end has; left out where it has not. */
function circumstancesJson(record: OutcomeRecord): string {
  const { leaseId, worker, scheduledAtMs, startedAtMs, nextAttemptAtMs, error } = record
  let json = ''
  if (leaseId !== null) json += `,"lease_id":${textJson(leaseId)}`
  if (worker !== null) json += `,"worker":${workerJson(worker)}`
  if (scheduledAtMs !== null) json += `,"scheduled_at":${timeJson(scheduledAtMs)}`
  if (startedAtMs !== null) json += `,"started_at":${timeJson(startedAtMs)}`
  if (nextAttemptAtMs !== null) json += `,"next_attempt_at":${timeJson(nextAttemptAtMs)}`
  if (error !== null) json += `,"error":${failureJson(error)}`
  return json
}

/** The outcome of a record's value. Throws `serialization`; `details.reason` says why it is none of ours. */
export function decodeOutcome(value: RecordValue): OutcomeRecord {
  const parts = readRecord(KIND, value)
  const fields = parseFields(KIND, outcomeFields, parts.fields)
  const envelope = fields.activity ? memberText(parts.text, 'activity') : undefined
  return {
    id: fields.id,
    type: fields.activity_type,
    priority: fields.priority,
    attempt: fields.attempt,
    outcome: fields.outcome,
    leaseId: fields.lease_id ?? null,
    worker: fields.worker ?? null,
    retryCount: fields.retry_count,
    maxAttempts: maxAttemptsOf(fields.max_retries),
    createdAtMs: msOf(fields.created_at),
    scheduledAtMs: msOrNull(fields.scheduled_at),
    startedAtMs: msOrNull(fields.started_at),
    endedAtMs: msOf(fields.ended_at),
    nextAttemptAtMs: msOrNull(fields.next_attempt_at),
    error: fields.error ? failureOf(fields.error) : null,
    resultJson: parts.carriedJson ?? null,
    envelope: envelope ?? null,
    key: keyOf(fields.idempotency_key),
    redriveOf: fields.redrive_of ?? null,
  }
}

function keyJson({ key, onDuplicate }: IdempotencyKey): string {
  return `{"key":${textJson(key)},"on_duplicate":"${onDuplicate}"}`
}

function keyOf(fields: z.output<typeof outcomeFields>['idempotency_key']): IdempotencyKey | null {
  return fields ? { key: fields.key, onDuplicate: fields.on_duplicate ?? 'return_existing' } : null
}
