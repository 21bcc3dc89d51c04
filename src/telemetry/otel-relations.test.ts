// How spans of different activities and processes hang together: redrives, nested enqueues, lost leases, cancels.

import { ROOT_CONTEXT, context, trace } from '@opentelemetry/api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import type { Logger } from '../core/logger.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { Recorded } from '../../test/support/span-recorder.ts'
import {
  forgetSpans,
  recorded,
  registerRecorder,
  startSpan,
  unregisterRecorder,
} from '../../test/support/span-recorder.ts'
import { many, turns } from '../../test/support/worker-setup.ts'
import type { Handler } from '../worker/registry.ts'
import { Worker } from '../worker/worker.ts'
import { otelTelemetry } from './otel.ts'

beforeAll(registerRecorder)
afterAll(unregisterRecorder)
beforeEach(forgetSpans)

const work = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 1 })
const other = defineActivity({ type: 'other', input: z.unknown() })

interface Line {
  readonly message: string
  readonly fields: unknown
}

class Setup {
  readonly clock = new ManualClock()
  readonly storage = new MemoryStorage({ clock: this.clock })
  readonly telemetry = otelTelemetry()
  readonly client = new Client({ storage: this.storage, clock: this.clock, telemetry: this.telemetry })
  readonly lines: Line[] = []

  /** Runs what is ready until so many attempts are settled. */
  async work(handler: Handler, count = 1): Promise<void> {
    const line = (message: string, fields: unknown = {}): unknown => this.lines.push({ message, fields })
    const logger: Logger = { debug: line, info: line, warn: line, error: line }
    const { storage, clock, telemetry } = this
    const worker = new Worker({ storage, clock, telemetry, logger, reaper: false, workerId: 'w1' })
    worker.handle(work, handler)
    const settled = many(worker, 'settled', count)
    await worker.start()
    await settled
    await turns()
    await worker.stop()
  }
}

const fail: Handler = () => {
  throw new TypeError('no luck')
}

function named(name: string, nth = 0): Recorded {
  const span = recorded.filter(each => each.name === name)[nth]
  if (span === undefined)
    throw new TypeError(`no span '${name}' number ${nth} among ${recorded.map(each => each.name).join(', ')}`)
  return span
}

const idOf = (span: Recorded): string => span.spanContext.spanId
const within = <T>(span: ReturnType<typeof startSpan>, call: () => T): T =>
  context.with(trace.setSpan(ROOT_CONTEXT, span), call)

test('a redrive belongs to its operator, leads to the dead letter and the first send, and begins the next life', async () => {
  const setup = new Setup()
  const { id } = await setup.client.enqueue(work, null)
  await setup.work(fail)
  const operator = startSpan('POST /redrive')
  const redriven = await within(operator, () => setup.client.redrive(id))
  const again = named('send work', 1)
  expect(again).toMatchObject({ parentSpanId: operator.spanContext().spanId, ends: 1, linkKinds: ['end', 'send'] })
  expect(again.links).toEqual([idOf(named('dead-letter work')), idOf(named('send work'))])
  expect(again.attributes).toMatchObject({ 'errand.activity.id': redriven.id, 'errand.activity.outcome': 'created' })
  expect(await setup.client.redrive(id)).toEqual(redriven) // there is one already: nothing is sent
  expect(recorded.filter(({ name }) => name === 'send work')).toHaveLength(2)
  await setup.work(() => 'done')
  const process = named('process work', 1)
  expect(process).toMatchObject({ parentSpanId: idOf(again), links: [idOf(again)] })
  expect(process.spanContext.traceId).toBe(operator.spanContext().traceId)
})

test('a redrive that a loop of our own makes is a trace by itself, with the same links', async () => {
  const setup = new Setup()
  const { id } = await setup.client.enqueue(work, null)
  await setup.work(fail)
  await setup.telemetry.quietly(() => setup.client.redrive(id))
  const again = named('send work', 1)
  expect(again).toMatchObject({ parentSpanId: undefined, linkKinds: ['end', 'send'] })
  expect(again.spanContext.traceId).not.toBe(named('send work').spanContext.traceId)
})

test('a redrive that fails before there is anything to send leaves no span', async () => {
  const setup = new Setup()
  await expect(setup.client.redrive('nobody')).rejects.toThrow('not_found')
  expect(recorded).toEqual([])
})

test('a dead letter that did not come to pass is never heard of, and a redrive leads to the attempt instead', async () => {
  const setup = new Setup()
  const { id } = await setup.client.enqueue(work, null)
  await setup.work(async () => {
    await setup.client.cancel(id)
    throw new TypeError('no luck')
  })
  expect(named('dead-letter work').ends).toBe(0)
  expect(named('settle work').attributes['errand.activity.outcome']).toBe('cancelled')
  await setup.client.redrive(id)
  expect(named('send work', 1).links).toEqual([idOf(named('process work')), idOf(named('send work'))])
})

test('an attempt after a lost lease leads to the last one that is known', async () => {
  const setup = new Setup()
  const thrice = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 3, retryDelayMs: 1_000 })
  const { id } = await setup.client.enqueue(thrice, null)
  await setup.work(fail)
  await setup.clock.advance(60_000)
  await setup.storage.processScheduled({ limit: 1 })
  await setup.storage.subscribe({ types: ['work'] })
  const [lost] = await setup.storage.dequeue({ workerId: 'dies', timeoutMs: 0 })
  expect(lost?.attempt).toBe(2)
  await setup.storage.fixtures.expireLease({ id })
  await setup.storage.requeueExpired({ limit: 1 })
  await setup.work(() => 'done')
  const last = named('process work', 1)
  expect(last.attributes['errand.activity.attempt']).toBe(3)
  expect(last.links).toEqual([idOf(named('send work')), idOf(named('process work'))])
})

test('what a handler enqueues belongs to what is current there, and leads back to its attempt', async () => {
  const setup = new Setup()
  await setup.client.enqueue(work, null)
  await setup.work(async (_, ctx) => {
    await ctx.client.enqueue(other, 'in the run')
    await within(startSpan('SELECT', {}), () => ctx.client.enqueue(other, 'in a span of its own trace'))
    await context.with(ROOT_CONTEXT, () => ctx.client.enqueue(other, 'in no context'))
  })
  const process = idOf(named('process work'))
  expect(named('send other', 0)).toMatchObject({ parentSpanId: process, links: [] })
  expect(named('send other', 1)).toMatchObject({
    parentSpanId: idOf(named('SELECT')),
    links: [process],
    linkKinds: ['parent'],
  })
  expect(named('send other', 2)).toMatchObject({ parentSpanId: process, links: [] })
})

test('lines about an attempt carry its ids and those of its span', async () => {
  const setup = new Setup()
  const { id } = await setup.client.enqueue(work, null)
  await setup.work((_, ctx) => {
    ctx.log.info('hello', { more: 1 })
    throw new TypeError('no luck')
  })
  const { traceId, spanId } = named('process work').spanContext
  const about = { activityId: id, activityType: 'work', attempt: 1, traceId, spanId }
  expect(setup.lines).toContainEqual({ message: 'hello', fields: { ...about, more: 1 } })
  expect(setup.lines).toContainEqual({
    message: 'an activity was dead-lettered',
    fields: { ...about, error: 'no luck' },
  })
})

test('a tracestate that is longer than a record takes stays behind, and the enqueue goes through', async () => {
  const setup = new Setup()
  const caller = startSpan('POST /checkout')
  const traceState = {
    serialize: () => `a=${'x'.repeat(600)}`,
    set: () => traceState,
    unset: () => traceState,
    get: () => '',
  }
  Object.assign(caller.spanContext(), { traceState })
  const handle = await within(caller, () => setup.client.enqueue(work, null))
  expect(handle.outcome).toBe('created')
})
