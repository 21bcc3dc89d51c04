// A tracer that records what it is told, and a context manager: what any SDK would be. For tests of the spans themselves.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attributes, Context, ContextManager, Span, SpanContext, SpanKind, SpanOptions } from '@opentelemetry/api'
import { INVALID_SPAN_CONTEXT, ROOT_CONTEXT, context, createContextKey, trace } from '@opentelemetry/api'
import { SUPPRESS_TRACING_KEY } from '../../src/telemetry/semantic-conventions.ts'

/** A span as its SDK was told of it. */
export interface Recorded {
  readonly name: string
  readonly kind: SpanKind | undefined
  readonly spanContext: SpanContext
  readonly parentSpanId: string | undefined
  /** Ids of the spans that it links to, and what each link says that it leads to. */
  readonly links: readonly string[]
  readonly linkKinds: readonly unknown[]
  readonly attributes: Attributes
  status: string | undefined
  ends: number
}

/** All spans since the last {@link forgetSpans}, in the order in which they started. */
export const recorded: Recorded[] = []

/** Begins anew. */
export function forgetSpans(): void {
  recorded.length = 0
}

let started = 0

/** Starts a span like a tracer; its ids say which one it is. */
export function startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
  if (parent.getValue(createContextKey(SUPPRESS_TRACING_KEY)) === true)
    return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  const parentContext = trace.getSpanContext(parent)
  const number = String(++started)
  const spanContext = {
    traceId: parentContext?.traceId ?? number.padStart(32, 'a'),
    spanId: number.padStart(16, 'b'),
    traceFlags: 1,
  }
  const one: Recorded = {
    ...{ name, kind: options.kind, spanContext, parentSpanId: parentContext?.spanId, status: undefined, ends: 0 },
    links: (options.links ?? []).map(link => link.context.spanId),
    linkKinds: (options.links ?? []).map(link => link.attributes?.['errand.link']),
    attributes: { ...options.attributes },
  }
  recorded.push(one)
  const span: Span = {
    spanContext: () => spanContext,
    setAttribute: (key, value) => (Object.assign(one.attributes, { [key]: value }), span),
    setAttributes: attributes => (Object.assign(one.attributes, attributes), span),
    setStatus: ({ message }) => ((one.status = message), span),
    end: () => void (one.ends += 1),
    isRecording: () => true,
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    updateName: () => span,
    recordException: () => undefined,
  }
  return span
}

/** Keeps the current context as any SDK for Node does. */
export class Contexts implements ContextManager {
  readonly #current = new AsyncLocalStorage<Context>()
  active(): Context {
    return this.#current.getStore() ?? ROOT_CONTEXT
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    into: Context,
    call: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#current.run(into, () => Reflect.apply(call, self, args))
  }
  bind<T>(_context: Context, target: T): T {
    return target
  }
  enable(): this {
    return this
  }
  disable(): this {
    return this
  }
}

/** Registers both, as the application's SDK would. */
export function registerRecorder(): void {
  trace.setGlobalTracerProvider({ getTracer: () => Object.assign(Object.create(null), { startSpan }) })
  context.setGlobalContextManager(new Contexts())
}

/** Takes both away again. */
export function unregisterRecorder(): void {
  trace.disable()
  context.disable()
}
