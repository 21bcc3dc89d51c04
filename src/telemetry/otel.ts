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
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  context,
  createContextKey,
  createNoopMeter,
  isSpanContextValid,
  metrics,
  trace,
} from '@opentelemetry/api'
import { ErrorTypes } from './error-type.ts'
import type { ObservedSource } from './gauges.ts'
import { observeWith } from './gauges.ts'
import {
  ATTRIBUTES,
  COUNTERS,
  DURATIONS,
  INSTRUMENTATION_NAME,
  OPERATION_BUCKETS_S,
  SCRIPT_BUCKETS_S,
  SUPPRESS_TRACING_KEY,
  WAIT_BUCKETS_S,
} from './semantic-conventions.ts'
import { endAttributes, startAttributes } from './span-attributes.ts'
import { linksTo, spanContextOf, spanContextOfText, traceContext } from './span-context.ts'
import type {
  ActivitySpan,
  CounterName,
  DurationName,
  FigureLabels,
  GaugeSource,
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

const BUCKETS: Partial<Readonly<Record<DurationName, number[]>>> = {
  ...{ wait: WAIT_BUCKETS_S, total: WAIT_BUCKETS_S, lateness: WAIT_BUCKETS_S },
  side_store: SCRIPT_BUCKETS_S,
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
  readonly #errorTypes = new ErrorTypes()
  /** Sources, each with what ends its observation; undefined while no SDK is registered. */
  readonly #observed = new Map<ObservedSource, (() => void) | undefined>()
  #meter: Meter | undefined
  #hasSdk = false

  constructor(options: OtelOptions) {
    this.#correlation = options.correlation ?? 'auto'
    this.#parentWaitMsMax = options.parentWaitMsMax ?? DEFAULT_PARENT_WAIT_MS_MAX
  }

  startSpan(start: SpanStart): ActivitySpan {
    if (!this.#isTracing()) return INERT
    const { kind, operationType } = KINDS[start.kind]
    const { parent, links } = this.#relationsOf(start)
    const attributes = startAttributes(start, operationType)
    const span = this.#tracer.startSpan(`${start.kind} ${start.activity.type}`, { kind, attributes, links }, parent)
    const spanContext = span.spanContext()
    if (!isSpanContextValid(spanContext)) return INERT
    const own = activitySpan(start.kind, span, spanContext)
    this.#spanContexts.set(own, spanContext)
    return own
  }

  count(name: CounterName, add: number, labels: FigureLabels): void {
    const meter = this.#meterNow()
    if (meter === undefined) return
    let counter = this.#counters.get(name)
    if (counter === undefined) {
      const { name: called, unit, description } = COUNTERS[name]
      counter = meter.createCounter(called, { unit, description })
      this.#counters.set(name, counter)
    }
    counter.add(add, this.#figureAttributes(COUNTERS[name], labels))
  }

  duration(name: DurationName, ms: number, labels: FigureLabels): void {
    const meter = this.#meterNow()
    if (meter === undefined) return
    let histogram = this.#durations.get(name)
    if (histogram === undefined) {
      const { name: called, description } = DURATIONS[name]
      const explicitBucketBoundaries = BUCKETS[name] ?? OPERATION_BUCKETS_S
      histogram = meter.createHistogram(called, {
        description,
        unit: 's',
        advice: { explicitBucketBoundaries },
      })
      this.#durations.set(name, histogram)
    }
    histogram.record(ms / 1_000, this.#figureAttributes(DURATIONS[name], labels))
  }

  observe(source: GaugeSource, onFailed: (error: unknown) => void = () => undefined): () => void {
    const attributesOf: ObservedSource['attributesOf'] = (gauge, labels) => this.#figureAttributes(gauge, labels)
    const observed: ObservedSource = { source: () => this.quietly(source), onFailed, attributesOf }
    const meter = this.#meterNow()
    this.#observed.set(observed, meter === undefined ? undefined : observeWith(meter, observed))
    return () => {
      this.#observed.get(observed)?.()
      this.#observed.delete(observed)
    }
  }

  quietly<T>(call: () => T): T {
    return context.with(QUIET, call)
  }

  bind<Given, T>(call: (given: Given) => T): (given: Given) => T {
    const here = context.active()
    return given => context.with(here, call, undefined, given)
  }

  #figureAttributes(figure: object, { type, priority, outcome, isRetry, script, error }: FigureLabels): Attributes {
    const attributes: Attributes = { [ATTRIBUTES.system]: 'kafka' }
    if ('operation' in figure && typeof figure.operation === 'string') {
      attributes[ATTRIBUTES.operationName] = figure.operation
    }
    if (type !== undefined) attributes[ATTRIBUTES.destinationTemplate] = type
    if (priority !== undefined) attributes[ATTRIBUTES.priority] = priority
    if (outcome !== undefined) attributes[ATTRIBUTES.outcome] = outcome
    if (isRetry !== undefined) attributes[ATTRIBUTES.isRetry] = isRetry
    if (script !== undefined) attributes[ATTRIBUTES.script] = script
    if (error !== undefined) attributes[ATTRIBUTES.errorType] = this.#errorTypes.of(error)
    return attributes
  }

  /** Undefined as long as no SDK is registered: a meter that was asked for before that would stay a no-op for good. */
  #meterNow(): Meter | undefined {
    if (this.#meter !== undefined) return this.#meter
    const meter = metrics.getMeter(INSTRUMENTATION_NAME)
    if (meter === NOOP_METER) return undefined
    for (const observed of this.#observed.keys()) this.#observed.set(observed, observeWith(meter, observed))
    this.#meter = meter
    return meter
  }

  /** False as long as no SDK is registered: then nothing at all is done for a span. */
  #isTracing(): boolean {
    if (this.#hasSdk) return true
    const provider = trace.getTracerProvider()
    this.#hasSdk =
      !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(INSTRUMENTATION_NAME) !== undefined
    return this.#hasSdk
  }

  #relationsOf(start: SpanStart): Relations {
    const { activity } = start
    const sender = spanContextOf(activity.trace)
    const attempt = start.parent === undefined ? undefined : this.#spanContexts.get(start.parent)
    switch (start.kind) {
      case 'send':
        return sendRelations(start, sender, attempt)
      case 'process': {
        const before = linksTo('attempt', spanContextOfText(activity.attemptTraceparent))
        return { parent: this.#parentOfProcess(start, sender), links: [...linksTo('send', sender), ...before] }
      }
      case 'settle':
        return { parent: childOf(ROOT_CONTEXT, attempt), links: [] }
      case 'dead-letter':
        return { parent: childOf(ROOT_CONTEXT, attempt ?? sender), links: linksTo('send', sender) }
    }
  }

  #parentOfProcess({ waitMs = 0 }: SpanStart, sender: SpanContext | undefined): Context {
    if (this.#correlation === 'link') return ROOT_CONTEXT
    const isLong = this.#correlation === 'auto' && waitMs > this.#parentWaitMsMax
    return isLong ? ROOT_CONTEXT : childOf(ROOT_CONTEXT, sender)
  }
}

/** Whom a span belongs to, and what else it is about. */
interface Relations {
  readonly parent: Context
  readonly links: Link[]
}

/** An enqueue belongs to whoever calls. Of a redrive the activity still has the contexts of the one that it redrives. */
function sendRelations(
  { activity }: SpanStart,
  sender: SpanContext | undefined,
  attempt: SpanContext | undefined,
): Relations {
  // From a loop of our own, as when many are redriven, nobody calls: each is a trace.
  const active = context.active()
  const caller = active === QUIET ? ROOT_CONTEXT : active
  const current = trace.getSpanContext(caller)
  const isChild = current === undefined || current.spanId === attempt?.spanId
  const links = [
    ...linksTo('end', spanContextOfText(activity.attemptTraceparent)),
    ...linksTo('send', sender),
    ...linksTo('parent', isChild ? undefined : attempt),
  ]
  return { parent: current === undefined ? childOf(caller, attempt) : caller, links }
}

function childOf(from: Context, spanContext: SpanContext | undefined): Context {
  return spanContext === undefined ? from : trace.setSpanContext(from, spanContext)
}

const INERT: ActivitySpan = {
  trace: undefined,
  logFields: {},
  run: call => context.with(ROOT_CONTEXT, call),
  end: () => undefined,
}

function activitySpan(kind: SpanKind, span: Span, spanContext: SpanContext): ActivitySpan {
  const { traceId, spanId } = spanContext
  return {
    trace: traceContext(spanContext),
    logFields: { traceId, spanId },
    run: call => context.with(trace.setSpan(ROOT_CONTEXT, span), call),
    end: end => endSpan(kind, span, end),
  }
}

function endSpan(kind: SpanKind, span: Span, end: SpanEnd): void {
  if (span.isRecording()) {
    span.setAttributes(endAttributes(kind, end))
    if (end.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: end.error.message })
  }
  span.end()
}
