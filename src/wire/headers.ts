// Record headers: their names, and values that hold nothing but short printable ASCII, since headers end up in consoles,
// logs and tools of other people. What a user wrote (messages, metadata, keys) never goes into one.

import type { Activity } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import { traceContextOf } from '../core/trace-context.ts'

/** Every header that Errand writes. `traceparent` is for readers that know W3C trace context and not Errand. */
export const HEADERS = {
  attempt: 'errand-attempt',
  errandTraceparent: 'errand-traceparent',
  errandTracestate: 'errand-tracestate',
  traceparent: 'traceparent',
  kind: 'errand-kind',
  reason: 'errand-reason',
  sourceTopic: 'errand-source-topic',
  sourcePartition: 'errand-source-partition',
  sourceOffset: 'errand-source-offset',
  attempts: 'errand-attempts',
  errorClass: 'errand-error-class',
  fingerprint: 'errand-fingerprint',
  firstFailedAt: 'errand-first-failed-at',
  failedAt: 'errand-failed-at',
} as const

/** Headers as a Kafka client gives them. */
export type HeaderValues = Readonly<Record<string, Uint8Array | string | undefined>>

/** The headers of lane and delay records. */
export function activityHeaders(activity: Activity): Record<string, string> {
  const headers: Record<string, string> = { [HEADERS.attempt]: String(activity.attempt) }
  const trace = traceContextOf(activity.trace?.traceparent, activity.trace?.tracestate)
  if (trace === null) return headers
  headers[HEADERS.errandTraceparent] = trace.traceparent
  headers[HEADERS.traceparent] = trace.traceparent
  if (trace.tracestate !== undefined) headers[HEADERS.errandTracestate] = trace.tracestate
  return headers
}

/** A name as a header value: letters, digits and `._:$-`, anything else as `_`, cut to so many characters. */
export function headerWord(text: string, charsMax: number = LIMITS.failureNameBytesMax): string {
  return text.slice(0, charsMax).replaceAll(/[^A-Za-z0-9._:$-]/g, '_')
}

/** A header as text; undefined when there is none. */
export function headerText(headers: HeaderValues, name: string): string | undefined {
  const value = headers[name]
  return value === undefined || typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
}
