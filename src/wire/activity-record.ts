// The value of a lane record: one attempt of one activity.
//
//   { "v": 1, <activity fields>, "payload": <any JSON> }
//
// The payload stands last, where it is found without walking the record, and its text is carried as it came. Grammar:
// docs/reference/wire.md; golden vectors: vectors/activity.json.

import type { Activity } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import type { ActivityFields } from './activity-fields.ts'
import { activityFields, activityFieldsJson, activityOf } from './activity-fields.ts'
import { isOrdinary } from './ordinary-activity.ts'
import type { RecordKind, RecordValue } from './record-text.ts'
import { ACTIVITY_DEPTH_MAX, WIRE_VERSION, parseFields, readRecord, recordText } from './record-text.ts'

const KIND: RecordKind = {
  name: 'activity record',
  carried: 'payload',
  carriedBytesMax: LIMITS.payloadBytesMax,
  depthMax: ACTIVITY_DEPTH_MAX,
}

/** The record's value. The payload's text is trusted to be JSON, as `newActivity` made it. */
export function encodeActivity(activity: Activity): string {
  return `{"v":${WIRE_VERSION},${activityFieldsJson(activity)},"payload":${activity.payloadJson}}`
}

/** The activity of a record's bytes, and its text, which others keep as it came. Throws like {@link decodeActivity}. */
export function readActivity(value: RecordValue): { readonly activity: Activity; readonly envelope: string } {
  const envelope = recordText(KIND, value)
  return { activity: decodeActivity(envelope), envelope }
}

/** The activity of a record's value. Throws `serialization`; `details.reason` says why it is none of ours. */
export function decodeActivity(value: RecordValue): Activity {
  const parts = readRecord(KIND, value)
  const { fields } = parts
  return activityOf(
    KIND,
    parts,
    isOrdinary(fields) ? (fields as ActivityFields) : parseFields(KIND, activityFields, fields),
  )
}
