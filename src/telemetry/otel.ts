// Telemetry by OpenTelemetry's API. Without a registered SDK every call ends in the API's own no-ops.
// One trace goes from the request to the last attempt while waits are short; after a long wait a `process` span begins a
// trace of its own, because backends cut long traces. The link to the `send` is there in both cases.

import type {
  Attributes,
  Context,
  Counter,
  Histogram,
  Link,
  Meter,
  Span,
  SpanContext,
  Tracer,
} from '@opentelemetry/api'
import {
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  context,
  createContextKey,
  createNoopMeter,
  createTraceState,
  isSpanContextValid,
  metrics,
  trace,
} from '@opentelemetry/api'
import type { TraceContext } from '../core/activity.ts'
import {
  ATTRIBUTES,
  COUNTERS,
  DURATIONS,
  INSTRUMENTATION_NAME,
  OPERATION_BUCKETS_S,
  SUPPRESS_TRACING_KEY,
  WAIT_BUCKETS_S,
} from './semantic-conventions.ts'
import type {
  ActivitySpan,
  CounterName,
  DurationName,
  FigureLabels,
  SpanEnd,
  SpanKind,
  SpanStart,
  Telemetry,
} from './telemetry.ts'

/** Up to this wait `auto` keeps an attempt in its sender's trace. */
export const DEFAULT_PARENT_WAIT_MS_MAX = 600_000

/** Options of {@link otelTelemetry}. */
export interface OtelOptions {
  /**
   * `parent`: attempts belong to the trace of their enqueue · `link`: each begins a trace that links to it ·
   * `auto`: parent up to `parentWaitMsMax`, else link. @defaultValue 'auto'
   */
  readonly correlation?: 'parent' | 'link' | 'auto'
  /** Unit: ms, since creation. @defaultValue 600_000 */
  readonly parentWaitMsMax?: number
}

/** What each kind of span is called in the conventions. */
const KINDS: Readonly<Record<SpanKind, { readonly kind: OtelKind; readonly operationType: string }>> = {
  send: { kind: OtelKind.PRODUCER, operationType: 'send' },
  process: { kind: OtelKind.CONSUMER, operationType: 'process' },
  settle: { kind: OtelKind.CLIENT, operationType: 'settle' },
  'dead-letter': { kind: OtelKind.PRODUCER, operationType: 'send' },
}

const NOOP_METER: Meter = createNoopMeter()

const QUIET: Context = ROOT_CONTEXT.setValue(createContextKey(SUPPRESS_TRACING_KEY), true)

/** A {@link Telemetry} that speaks to whichever OpenTelemetry SDK the application registered. */
export function otelTelemetry(options: OtelOptions = {}): Telemetry {
  return new OtelTelemetry(options)
}

class OtelTelemetry implements Telemetry {
  readonly #tracer: Tracer = trace.getTracer(INSTRUMENTATION_NAME)
  readonly #spanContexts = new WeakMap<ActivitySpan, SpanContext>()
  readonly #counters = new Map<CounterName, Counter>()
  readonly #durations = new Map<DurationName, Histogram>()
  readonly #correlation: 'parent' | 'link' | 'auto'
  readonly #parentWaitMsMax: number
  #meter: Meter | undefined

  constructor(options: OtelOptions) {
    this.#correlation = options.correlation ?? 'auto'
    this.#parentWaitMsMax = options.parentWaitMsMax ?? DEFAULT_PARENT_WAIT_MS_MAX
  }

  startSpan(start: SpanStart): ActivitySpan {
    const { kind, operationType } = KINDS[start.kind]
    const sender = spanContextOf(start.activity.trace)
    const links: Link[] = start.kind !== 'send' && sender !== undefined ? [{ context: sender }] : []
    const attributes = attributesOf(start, operationType)
    const parent = this.#parentOf(start, sender)
    const span = this.#tracer.startSpan(`${start.kind} ${start.activity.type}`, { kind, attributes, links }, parent)
    const spanContext = span.spanContext()
    if (!isSpanContextValid(spanContext)) return INERT
    const own = activitySpan(span, spanContext)
    this.#spanContexts.set(own, spanContext)
    return own
  }

  count(name: CounterName, add: number, labels: FigureLabels): void {
    const meter = this.#meterNow()
    if (meter === undefined) return
    let counter = this.#counters.get(name)
    if (counter === undefined) {
      const { name: called, ...options } = COUNTERS[name]
      counter = meter.createCounter(called, options)
      this.#counters.set(name, counter)
    }
    counter.add(add, figureAttributes(labels))
  }

  duration(name: DurationName, ms: number, labels: FigureLabels): void {
    const meter = this.#meterNow()
    if (meter === undefined) return
    let histogram = this.#durations.get(name)
    if (histogram === undefined) {
      const { name: called, description } = DURATIONS[name]
      const explicitBucketBoundaries = name === 'send' || name === 'run' ? OPERATION_BUCKETS_S : WAIT_BUCKETS_S
      histogram = meter.createHistogram(called, {
        description,
        unit: 's',
        advice: { explicitBucketBoundaries },
      })
      this.#durations.set(name, histogram)
    }
    histogram.record(ms / 1_000, figureAttributes(labels))
  }

  quietly<T>(call: () => T): T {
    return context.with(QUIET, call)
  }

  /** Undefined as long as no SDK is registered: a meter that was asked for before that would stay a no-op for good. */
  #meterNow(): Meter | undefined {
    if (this.#meter !== undefined) return this.#meter
    const meter = metrics.getMeter(INSTRUMENTATION_NAME)
    if (meter !== NOOP_METER) this.#meter = meter
    return this.#meter
  }

  #parentOf(start: SpanStart, sender: SpanContext | undefined): Context {
    if (start.kind === 'send') return context.active()
    const parent = start.parent === undefined ? undefined : this.#spanContexts.get(start.parent)
    if (parent !== undefined) return trace.setSpanContext(ROOT_CONTEXT, parent)
    if (sender === undefined || this.#correlation === 'link') return ROOT_CONTEXT
    const isLong = this.#correlation === 'auto' && (start.waitMs ?? 0) > this.#parentWaitMsMax
    return isLong ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, sender)
  }
}

const INERT: ActivitySpan = { trace: undefined, run: call => context.with(ROOT_CONTEXT, call), end: () => undefined }

function activitySpan(span: Span, spanContext: SpanContext): ActivitySpan {
  return {
    trace: traceContext(spanContext),
    run: call => context.with(trace.setSpan(ROOT_CONTEXT, span), call),
    end: end => endSpan(span, end),
  }
}

function endSpan(span: Span, { outcome, coordinates, error }: SpanEnd): void {
  span.setAttribute(ATTRIBUTES.outcome, outcome)
  if (coordinates !== undefined) span.setAttributes(coordinateAttributes(coordinates))
  if (error !== undefined) {
    span.setAttribute(ATTRIBUTES.errorType, error.code ?? error.name)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
  }
  span.end()
}

function attributesOf({ kind, activity, coordinates, waitMs, workerId }: SpanStart, operationType: string): Attributes {
  const attributes: Attributes = {
    [ATTRIBUTES.system]: 'kafka',
    [ATTRIBUTES.operationName]: kind,
    [ATTRIBUTES.operationType]: operationType,
    [ATTRIBUTES.destinationTemplate]: activity.type,
    [ATTRIBUTES.messageId]: activity.id,
    [ATTRIBUTES.messageKey]: activity.id,
    [ATTRIBUTES.activityId]: activity.id,
    [ATTRIBUTES.activityType]: activity.type,
    [ATTRIBUTES.attempt]: activity.attempt,
    [ATTRIBUTES.maxAttempts]: activity.maxAttempts,
    [ATTRIBUTES.priority]: activity.priority,
  }
  if (coordinates !== undefined) Object.assign(attributes, coordinateAttributes(coordinates))
  if (waitMs !== undefined) attributes[ATTRIBUTES.waitMs] = waitMs
  if (workerId !== undefined) attributes[ATTRIBUTES.clientId] = workerId
  return attributes
}

function coordinateAttributes({ topic, partition, offset }: NonNullable<SpanStart['coordinates']>): Attributes {
  return {
    [ATTRIBUTES.destinationName]: topic,
    [ATTRIBUTES.partitionId]: String(partition),
    [ATTRIBUTES.offset]: Number(offset),
  }
}

function figureAttributes({ type, priority, outcome, isRetry }: FigureLabels): Attributes {
  const attributes: Attributes = { [ATTRIBUTES.system]: 'kafka' }
  if (type !== undefined) attributes[ATTRIBUTES.destinationTemplate] = type
  if (priority !== undefined) attributes[ATTRIBUTES.priority] = priority
  if (outcome !== undefined) attributes[ATTRIBUTES.outcome] = outcome
  if (isRetry !== undefined) attributes[ATTRIBUTES.isRetry] = isRetry
  return attributes
}

function traceContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const tracestate = traceState?.serialize()
  return tracestate === undefined || tracestate === '' ? { traceparent } : { traceparent, tracestate }
}

/** The envelope's own context; its form was checked when the activity was made. */
function spanContextOf(carried: TraceContext | null): SpanContext | undefined {
  const [, traceId, spanId, flags] = carried?.traceparent.split('-') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  if (carried?.tracestate === undefined) return spanContext
  return { ...spanContext, traceState: createTraceState(carried.tracestate) }
}
