// What spans say, by a tracer provider that records. Only the API is there: this is what any SDK would be told.

import { ROOT_CONTEXT, SpanKind, context, createContextKey, trace } from '@opentelemetry/api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import {
  forgetSpans,
  recorded,
  registerRecorder,
  startSpan,
  unregisterRecorder,
} from '../../test/support/span-recorder.ts'
import { many, turns } from '../../test/support/worker-setup.ts'
import { Worker } from '../worker/worker.ts'
import { otelTelemetry } from './otel.ts'
import { ATTRIBUTES, SUPPRESS_TRACING_KEY } from './semantic-conventions.ts'

beforeAll(registerRecorder)
afterAll(unregisterRecorder)
beforeEach(forgetSpans)

const work = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 2, retryDelayMs: 0 })

/** One activity whose handler throws until it is dead, `waitMs` after a request that enqueued it. */
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
  const firstId = first?.spanContext.spanId
  expect(second).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanId: sendId, links: [sendId, firstId] })
  expect(second?.linkKinds).toEqual(['send', 'attempt'])
  // A retry that was written down is no failure of the settlement.
  expect(settleFirst).toMatchObject({ kind: SpanKind.CLIENT, parentSpanId: firstId, links: [], status: undefined })
  expect(settleFirst?.attributes).toMatchObject({ 'errand.activity.outcome': 'retrying', 'errand.activity.attempt': 1 })
  expect(settleFirst?.attributes['errand.activity.due_at']).toMatch(/^2026-.*Z$/)
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
  // One failure has one fingerprint, wherever it is told.
  const fingerprint = first?.attributes['errand.error.fingerprint']
  expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  for (const span of [settleFirst, second, settleSecond, deadLetter]) {
    expect(span?.attributes['errand.error.fingerprint']).toBe(fingerprint)
  }
  expect(deadLetter?.attributes).toMatchObject({ 'error.type': 'TypeError', 'errand.activity.outcome': 'dead_letter' })
  for (const span of recorded.slice(1)) {
    expect(span.attributes).toMatchObject({
      ...{ 'errand.activity.id': id, 'errand.activity.type': 'work', 'errand.activity.max_attempts': 2 },
      ...{ 'errand.activity.priority': 'normal', 'errand.activity.attempt': expect.any(Number) },
      'errand.activity.outcome': expect.any(String),
    })
  }
  // Handlers run in their attempt's span, and in nothing of the worker's own.
  expect(inside).toEqual([first, second].map(span => ({ spanId: span?.spanContext.spanId, isQuiet: undefined })))
})

test('after a long wait an attempt begins a trace of its own, linked to the send', async () => {
  await runTwice({}, 600_001)
  const send = recorded.find(({ name }) => name === 'send work')
  const process = recorded.find(({ name }) => name === 'process work')
  expect(process).toMatchObject({ parentSpanId: undefined, links: [send?.spanContext.spanId] })
  expect(process?.spanContext.traceId).not.toBe(send?.spanContext.traceId)
  const retry = recorded.filter(({ name }) => name === 'process work')[1]
  const links = [send?.spanContext.spanId, process?.spanContext.spanId]
  expect(retry).toMatchObject({ parentSpanId: undefined, links, linkKinds: ['send', 'attempt'] })
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
