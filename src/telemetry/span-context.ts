// Trace contexts between spans and records: as W3C text in an envelope, as span contexts for parents and links.

import type { Link, SpanContext } from '@opentelemetry/api'
import { createTraceState } from '@opentelemetry/api'
import type { TraceContext } from '../core/activity.ts'
import { traceContextOf } from '../core/trace-context.ts'
import { ATTRIBUTES } from './semantic-conventions.ts'

/**
 * What a link leads to. `send`: the enqueue · `attempt`: the one before · `end`: how the redriven activity ended, its dead letter
 * or its last attempt · `parent`: the attempt whose handler enqueued this one.
 */
export type LinkKind = 'send' | 'attempt' | 'end' | 'parent'

/** A span context as an envelope carries it. */
export function traceContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  // Checked like one from outside: whoever made the tracestate may have made it longer than a record takes.
  return traceContextOf(traceparent, traceState?.serialize() || null) ?? { traceparent }
}

/** The envelope's own context; its form was checked when the activity was made or read. */
export function spanContextOf(carried: TraceContext | null): SpanContext | undefined {
  const [, traceId, spanId, flags] = carried?.traceparent.split('-') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  if (carried?.tracestate === undefined) return spanContext
  return { ...spanContext, traceState: createTraceState(carried.tracestate) }
}

/** The context of a traceparent that stands alone. */
export function spanContextOfText(traceparent: string | null): SpanContext | undefined {
  return traceparent === null ? undefined : spanContextOf({ traceparent })
}

/** A link, or none where there is nothing to link to. */
export function linksTo(kind: LinkKind, context: SpanContext | undefined): Link[] {
  return context === undefined ? [] : [{ context, attributes: { [ATTRIBUTES.link]: kind } }]
}
