// What spans say, by a tracer provider that records. Only the API is there: this is what any SDK would be told.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attributes, Context, ContextManager, Span, SpanContext, SpanOptions, Tracer } from '@opentelemetry/api'
import { ROOT_CONTEXT, SpanKind, context, createContextKey, trace } from '@opentelemetry/api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { many, turns } from '../../test/support/worker-setup.ts'
import { Worker } from '../worker/worker.ts'
import { otelTelemetry } from './otel.ts'
import { ATTRIBUTES, SUPPRESS_TRACING_KEY } from './semantic-conventions.ts'

interface Recorded {
  readonly name: string
  readonly kind: SpanKind | undefined
  readonly spanContext: SpanContext
  readonly parentSpanId: string | undefined
  readonly links: readonly string[]
  readonly attributes: Attributes
  status: string | undefined
  ends: number
}

let recorded: Recorded[] = []

function startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
  const parentContext = trace.getSpanContext(parent)
  const number = String(recorded.length + 1)
  const spanContext = {
    traceId: parentContext?.traceId ?? number.padStart(32, 'a'),
    spanId: number.padStart(16, 'b'),
    traceFlags: 1,
  }
  const one: Recorded = {
    ...{ name, kind: options.kind, spanContext, parentSpanId: parentContext?.spanId, status: undefined, ends: 0 },
    links: (options.links ?? []).map(link => link.context.spanId),
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

class Contexts implements ContextManager {
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

const tracer: Pick<Tracer, 'startSpan'> = { startSpan }

beforeAll(() => {
  trace.setGlobalTracerProvider({ getTracer: () => Object.assign(Object.create(null), tracer) })
  context.setGlobalContextManager(new Contexts())
})
afterAll(() => {
  trace.disable()
  context.disable()
})
beforeEach(() => {
  recorded = []
})

const work = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 2, retryDelayMs: 0 })

async function runTwice(options: Parameters<typeof otelTelemetry>[0], waitMs: number) {
  const clock = new ManualClock()
  const storage = new MemoryStorage({ clock })
  const telemetry = otelTelemetry(options)
  const client = new Client({ storage, clock, telemetry })
  const worker = new Worker({ storage, clock, telemetry, reaper: false, workerId: 'w1' })
  const inside: { spanId: string | undefined; isQuiet: unknown }[] = []
  worker.handle(work, () => {
    const quiet = context.active().getValue(createContextKey(SUPPRESS_TRACING_KEY))
    inside.push({ spanId: trace.getSpanContext(context.active())?.spanId, isQuiet: quiet })
    throw new TypeError('no luck')
  })
  const request = startSpan('POST /checkout')
  const handle = await context.with(trace.setSpan(ROOT_CONTEXT, request), () => client.enqueue(work, null))
  await clock.advance(waitMs)
  const settled = many(worker, 'settled', 2)
  await worker.start()
  await settled
  await turns()
  await worker.stop()
  return { id: handle.id, inside }
}

test('one trace goes from the request to the dead letter', async () => {
  const { id, inside } = await runTwice({}, 1_000)
  const [request, send, first, settleFirst, second, settleSecond, deadLetter] = recorded
  expect(recorded.map(({ name }) => name)).toEqual([
    'POST /checkout',
    'send work',
    'process work',
    'settle work',
    'process work',
    'settle work',
    'dead-letter work',
  ])
  expect(new Set(recorded.map(({ spanContext }) => spanContext.traceId)).size).toBe(1)
  expect(send).toMatchObject({ kind: SpanKind.PRODUCER, parentSpanId: request?.spanContext.spanId, links: [] })
  const sendId = send?.spanContext.spanId
  expect(first).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanId: sendId, links: [sendId], status: 'no luck' })
  expect(second).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanId: sendId, links: [sendId] })
  expect(settleFirst).toMatchObject({ kind: SpanKind.CLIENT, parentSpanId: first?.spanContext.spanId })
  expect(settleSecond?.attributes[ATTRIBUTES.outcome]).toBe('dead_letter')
  expect(deadLetter).toMatchObject({
    kind: SpanKind.PRODUCER,
    parentSpanId: second?.spanContext.spanId,
    links: [sendId],
  })
  expect(recorded.slice(1).every(({ ends }) => ends === 1)).toBe(true)
  expect(second?.attributes).toMatchObject({
    ...{ 'messaging.system': 'kafka', 'messaging.operation.type': 'process', 'messaging.destination.template': 'work' },
    ...{ 'errand.activity.id': id, 'errand.activity.attempt': 2, 'errand.activity.wait_ms': 1_000 },
    ...{ 'messaging.client.id': 'w1', 'error.type': 'TypeError' },
  })
  // Handlers run in their attempt's span, and in nothing of the worker's own.
  expect(inside).toEqual([first, second].map(span => ({ spanId: span?.spanContext.spanId, isQuiet: undefined })))
})

test('after a long wait an attempt begins a trace of its own, linked to the send', async () => {
  await runTwice({}, 600_001)
  const send = recorded.find(({ name }) => name === 'send work')
  const process = recorded.find(({ name }) => name === 'process work')
  expect(process).toMatchObject({ parentSpanId: undefined, links: [send?.spanContext.spanId] })
  expect(process?.spanContext.traceId).not.toBe(send?.spanContext.traceId)
})

test.each([
  ['parent', 600_001, true],
  ['link', 0, false],
] as const)('correlation %s', async (correlation, waitMs, isChild) => {
  await runTwice({ correlation }, waitMs)
  const send = recorded.find(({ name }) => name === 'send work')
  const process = recorded.find(({ name }) => name === 'process work')
  expect(process?.parentSpanId).toBe(isChild ? send?.spanContext.spanId : undefined)
  expect(process?.links).toEqual([send?.spanContext.spanId])
})

test('an activity carries the context of its send as W3C text', async () => {
  const storage = new MemoryStorage()
  const client = new Client({ storage, telemetry: otelTelemetry() })
  await client.enqueue(work, null)
  await storage.subscribe({ types: ['work'] })
  const [claimed] = await storage.dequeue({ workerId: 'w', timeoutMs: 0 })
  const { traceId, spanId } = recorded[0]?.spanContext ?? { traceId: '', spanId: '' }
  expect(claimed?.activity.trace).toEqual({ traceparent: `00-${traceId}-${spanId}-01` })
})
