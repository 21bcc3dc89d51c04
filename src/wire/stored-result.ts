// A result as Redis keeps it:
//
//   { "v": 1, "state": "ok" | "err", "at": <time>, "data": <any JSON> }
//
// `data` stands last and its text is carried as it came: the handler's result, or the error result of the storage contract.

import { z } from 'zod'

import type { StoredResult } from '../core/activity.ts'
import type { ErrorResultParts } from '../core/error-result.ts'
import { errorResult } from '../core/error-result.ts'
import { recordFailure } from '../core/failure.ts'
import { LIMITS } from '../core/limits.ts'
import { msOf, timeField, timeJson } from './fields.ts'
import type { RecordKind } from './record-text.ts'
import { ACTIVITY_DEPTH_MAX, WIRE_VERSION, carriedJsonOf, parseFields, readRecord } from './record-text.ts'

const KIND: RecordKind = {
  name: 'stored result',
  carried: 'data',
  carriedBytesMax: LIMITS.resultBytesMax,
  depthMax: ACTIVITY_DEPTH_MAX,
}

const resultFields = z.object({ state: z.enum(['ok', 'err']), at: timeField })

/** The result as text. */
export function encodeResult(result: StoredResult): string {
  return `{"v":${WIRE_VERSION},"state":"${result.state}","at":${timeJson(result.atMs)},"data":${result.dataJson}}`
}

/** The result of a text. Throws `serialization`; `details.reason` says why it is none of ours. */
export function decodeResult(value: Uint8Array | string): StoredResult {
  const parts = readRecord(KIND, value)
  const fields = parseFields(KIND, resultFields, parts.fields)
  return { state: fields.state, dataJson: carriedJsonOf(KIND, parts), atMs: msOf(fields.at) }
}

/** What a result says of an activity that ended without one: `{ error, type, failed_at, attempts, failure }` as JSON text. */
export function errorResultJson(parts: ErrorResultParts): string {
  return errorResult({ ...parts, failure: recordFailure(parts.failure) }).dataJson
}
