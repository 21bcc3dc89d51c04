// The value of a record in the delay topic: an activity record with the time at which its attempt is due.
//
//   { "v": 1, "due_at": <time>, <activity fields>, "payload": <any JSON> }
//
// Its key is `<id>:<attempt>`; a record without a value is a tombstone and never comes here. Golden vectors:
// vectors/delay.json.

import { z } from 'zod'

import type { DelayRecord } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import { activityFields, activityFieldsJson, activityOf } from './activity-fields.ts'
import { msOf, timeField, timeJson } from './fields.ts'
import type { RecordKind, RecordValue } from './record-text.ts'
import { ACTIVITY_DEPTH_MAX, WIRE_VERSION, parseFields, readRecord } from './record-text.ts'

const KIND: RecordKind = {
  name: 'delay record',
  carried: 'payload',
  carriedBytesMax: LIMITS.payloadBytesMax,
  depthMax: ACTIVITY_DEPTH_MAX,
}

/** The fields on the way in. */
export const delayFields = z.object({ due_at: timeField, ...activityFields.shape })

/** The record's value. */
export function encodeDelay(record: DelayRecord): string {
  const { activity, dueAtMs } = record
  return `{"v":${WIRE_VERSION},"due_at":${timeJson(dueAtMs)},${activityFieldsJson(activity)},"payload":${activity.payloadJson}}`
}

/** The scheduled attempt of a record's value. Throws `serialization`; `details.reason` says why it is none of ours. */
export function decodeDelay(value: RecordValue): DelayRecord {
  const parts = readRecord(KIND, value)
  const fields = parseFields(KIND, delayFields, parts.fields)
  return { dueAtMs: msOf(fields.due_at), activity: activityOf(KIND, parts, fields) }
}
