// What is in the DLQ topic, told apart by the header `errand-kind`:
//
//   dead_letter   { "v": 1, "dead_letter": { attempts, first_failed_at, failed_at, worker, fingerprint, error, source,
//                                              traceparent },
//                   <activity fields>, "payload": <any JSON> }
//   poison        the bytes of a record that is none of ours, untouched; all that is known about it stands in headers
//
// Headers repeat what a filter or a person wants to see without reading values. Golden vectors: vectors/dead-letter.json.

import { z } from 'zod'

import type { Coordinates, DeadLetterRecord, PoisonRecord } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import { checkText } from '../core/text.ts'
import { traceContextOf } from '../core/trace-context.ts'
import { activityFields, activityFieldsJson, activityOf } from './activity-fields.ts'
import { failureJson, failureOf, recordedFailureField } from './failure-fields.ts'
import { accepted, attemptField, msOf, textJson, timeField, timeJson, workerField, workerJson } from './fields.ts'
import type { HeaderValues } from './headers.ts'
import { HEADERS, headerText, headerWord } from './headers.ts'
import type { RecordKind, RecordValue } from './record-text.ts'
import { ACTIVITY_DEPTH_MAX, WIRE_VERSION, parseFields, readRecord } from './record-text.ts'

const DEAD_LETTER: RecordKind = {
  name: 'dead-letter record',
  carried: 'payload',
  carriedBytesMax: LIMITS.payloadBytesMax,
  depthMax: ACTIVITY_DEPTH_MAX,
}
const POISON: RecordKind = { ...DEAD_LETTER, name: 'poison record' }

const TOPIC_CHARS_MAX = 249
const offsetField = z.string().regex(/^\d{1,19}$/, 'must be a whole number as text')
const sourceField = z.object({
  topic: z.string().min(1).max(TOPIC_CHARS_MAX),
  partition: z.int().min(0),
  offset: offsetField,
})

/** The fields on the way in. Null means the same as absent. */
export const deadLetterFields = z.object({
  dead_letter: z.object({
    attempts: attemptField,
    first_failed_at: timeField,
    failed_at: timeField,
    worker: workerField.nullish(),
    fingerprint: accepted(value => checkText('fingerprint', value, LIMITS.failureNameBytesMax, 0)),
    error: recordedFailureField,
    source: sourceField.nullish(),
    traceparent: z.unknown().optional(),
  }),
  ...activityFields.shape,
})

/** As `headerWord` writes it: whoever shows it may trust that no line break or control character stands in it. */
const wordField = (charsMax: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(charsMax)
    .regex(/^[A-Za-z0-9._:$-]*$/, 'must be letters, digits and ._:$-')

const poisonHeaders = z.object({
  reason: wordField(LIMITS.failureNameBytesMax),
  topic: wordField(TOPIC_CHARS_MAX),
  partition: z.string().regex(/^\d{1,10}$/, 'must be a whole number'),
  offset: offsetField,
  at: timeField,
})

/** What a record of the DLQ topic says. */
export type DlqRecord =
  | { readonly kind: 'dead_letter'; readonly record: DeadLetterRecord }
  | { readonly kind: 'poison'; readonly record: Omit<PoisonRecord, 'key'> }

/** Value and headers of a terminal failure. */
export function encodeDeadLetter(record: DeadLetterRecord): { value: string; headers: Record<string, string> } {
  const { activity } = record
  const value =
    `{"v":${WIRE_VERSION},"dead_letter":{"attempts":${record.attempts},` +
    `"first_failed_at":${timeJson(record.firstFailedAtMs)},"failed_at":${timeJson(record.failedAtMs)},` +
    `"worker":${workerJson(record.worker)},"fingerprint":${textJson(record.fingerprint)},` +
    `"error":${failureJson(record.error)},"source":${record.source === null ? 'null' : sourceJson(record.source)}` +
    `${record.traceparent === null ? '' : `,"traceparent":${textJson(record.traceparent)}`}},` +
    `${activityFieldsJson(activity)},"payload":${activity.payloadJson}}`
  const headers = {
    [HEADERS.kind]: 'dead_letter',
    ...(record.source === null ? {} : sourceHeaders(record.source)),
    [HEADERS.attempts]: String(record.attempts),
    [HEADERS.errorClass]: headerWord(record.error.name),
    [HEADERS.fingerprint]: headerWord(record.fingerprint),
    [HEADERS.firstFailedAt]: new Date(record.firstFailedAtMs).toISOString(),
    [HEADERS.failedAt]: new Date(record.failedAtMs).toISOString(),
  }
  return { value, headers }
}

/** Value and headers of a record that is none of ours. The value is the very bytes; the key is for the caller to keep. */
export function encodePoison(record: PoisonRecord): { value: Uint8Array | null; headers: Record<string, string> } {
  const headers = {
    [HEADERS.kind]: 'poison',
    [HEADERS.reason]: headerWord(record.reason),
    ...sourceHeaders(record.source),
    [HEADERS.failedAt]: new Date(record.atMs).toISOString(),
  }
  return { value: record.value, headers }
}

/** What a record of the DLQ topic says. Throws `serialization` when neither value nor headers are ours. */
export function decodeDlq(value: RecordValue, headers: HeaderValues): DlqRecord {
  if (headerText(headers, HEADERS.kind) === 'poison') return { kind: 'poison', record: poisonOf(value, headers) }
  return { kind: 'dead_letter', record: deadLetterOf(value) }
}

function deadLetterOf(value: RecordValue): DeadLetterRecord {
  const parts = readRecord(DEAD_LETTER, value)
  const fields = parseFields(DEAD_LETTER, deadLetterFields, parts.fields)
  const { attempts, first_failed_at, failed_at, worker, fingerprint, error, source, traceparent } = fields.dead_letter
  return {
    activity: activityOf(DEAD_LETTER, parts, fields),
    attempts,
    error: failureOf(error),
    firstFailedAtMs: msOf(first_failed_at),
    failedAtMs: msOf(failed_at),
    worker: worker ?? null,
    fingerprint,
    source: source ?? null,
    traceparent: typeof traceparent === 'string' ? (traceContextOf(traceparent, null)?.traceparent ?? null) : null,
  }
}

function poisonOf(value: RecordValue, headers: HeaderValues): Omit<PoisonRecord, 'key'> {
  const fields = parseFields(POISON, poisonHeaders, {
    reason: headerText(headers, HEADERS.reason),
    topic: headerText(headers, HEADERS.sourceTopic),
    partition: headerText(headers, HEADERS.sourcePartition),
    offset: headerText(headers, HEADERS.sourceOffset),
    at: headerText(headers, HEADERS.failedAt),
  })
  return {
    reason: fields.reason,
    source: { topic: fields.topic, partition: Number(fields.partition), offset: fields.offset },
    value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value,
    atMs: msOf(fields.at),
  }
}

function sourceJson(source: Coordinates): string {
  return `{"topic":${textJson(source.topic)},"partition":${source.partition},"offset":${textJson(source.offset)}}`
}

function sourceHeaders(source: Coordinates): Record<string, string> {
  return {
    [HEADERS.sourceTopic]: headerWord(source.topic, TOPIC_CHARS_MAX),
    [HEADERS.sourcePartition]: String(source.partition),
    [HEADERS.sourceOffset]: headerWord(source.offset),
  }
}
