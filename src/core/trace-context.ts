// W3C trace context, taken as its specification says: a traceparent that is not of its form counts as none, and a bad
// tracestate is dropped alone. Telemetry that is wrong must never stop work.

import type { AttemptOutcome, AttemptTrace, TraceContext } from './activity.ts'
import { LIMITS } from './limits.ts'

// Source: W3C Trace Context level 1, sections 3.2 and 3.3. A version above 00 may have more behind another dash.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]*)?$/
const VERSION_00_CHARS = 55
const TRACESTATE = /^[ -~]+$/

/** The trace context of these two texts; null when `traceparent` is not of the W3C form. */
export function traceContextOf(
  traceparent: string | null | undefined,
  tracestate: string | null | undefined,
): TraceContext | null {
  if (typeof traceparent !== 'string' || traceparent.length > LIMITS.traceparentCharsMax) return null
  if (!TRACEPARENT.test(traceparent)) return null
  if (traceparent.startsWith('00') && traceparent.length !== VERSION_00_CHARS) return null
  if (typeof tracestate !== 'string' || tracestate.length > LIMITS.tracestateCharsMax) return { traceparent }
  return TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent }
}

/** The W3C traceparent that an ended attempt is looked back at by: its dead letter's when it became one, else its run's. */
export function endTraceparent(outcome: AttemptOutcome, trace: AttemptTrace | undefined): string | null {
  const traceparent = (outcome === 'dead_letter' ? trace?.deadLetter : undefined) ?? trace?.attempt
  return traceContextOf(traceparent, null)?.traceparent ?? null
}
