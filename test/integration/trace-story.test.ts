// The whole story of an activity in one trace, across processes, as a collector sees it: enqueue, failure, retry, nested enqueue,
// dead letter, redrive. On the real stack, with OpenTelemetry's own SDK in a producer and in a worker.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropTopics } from '../support/drop-topics.ts'
import type { ReceivedSpan } from '../support/otlp-records.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { freshNamespace } from '../support/stack.ts'
import { TracedProcess } from '../support/traced-process.ts'

const namespace = freshNamespace('trace')
let receiver: OtlpReceiver
let producer: TracedProcess
let worker: TracedProcess

beforeAll(async () => {
  receiver = await OtlpReceiver.open()
  ;[producer, worker] = await Promise.all([
    TracedProcess.start(receiver, { role: 'producer', namespace }),
    TracedProcess.start(receiver, { role: 'worker', namespace }),
  ])
})
afterAll(async () => {
  await producer[Symbol.asyncDispose]()
  await worker[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
  await dropTopics(namespace)
})

const linksOf = ({ links }: ReceivedSpan): unknown[] => links.map(link => [link.spanId, link.attributes['errand.link']])

/** All spans of one activity, in the order in which they began, once there are so many. */
async function spansOf(id: string, count: number): Promise<ReceivedSpan[]> {
  const of = (): ReceivedSpan[] => receiver.spans.filter(span => span.attributes['errand.activity.id'] === id)
  await receiver.waitFor(`${count} spans of ${id}`, () => of().length >= count)
  return of().sort((a, b) => Number(a.startNs - b.startNs))
}

async function spanNamed(name: string, after: number): Promise<ReceivedSpan> {
  return receiver.waitFor(`a span '${name}'`, ({ spans }) => spans.filter(span => span.name === name)[after])
}

/** Picks spans by name, in order. */
function inOrder(spans: readonly ReceivedSpan[], names: readonly string[]): ReceivedSpan[] {
  expect(spans.map(({ name }) => name)).toEqual(names)
  return [...spans]
}

describe('one enqueue is one trace', () => {
  test('send, a failed attempt, a retry that leads to both, and what the handler enqueued', async () => {
    const { id } = await producer.ask({ order: 'enqueue', fails: 1, maxAttempts: 3 }, 'enqueued')
    const spans = await spansOf(id, 5)
    const [send, first, settleFirst, second, settleSecond] = inOrder(spans, [
      'send story',
      'process story',
      'settle story',
      'process story',
      'settle story',
    ]) as [ReceivedSpan, ReceivedSpan, ReceivedSpan, ReceivedSpan, ReceivedSpan]
    const request = await spanNamed('POST /checkout', 0)
    expect(new Set([request, ...spans].map(({ traceId }) => traceId)).size).toBe(1)
    expect(send).toMatchObject({ service: 'shop-producer', kind: 'producer', parentSpanId: request.spanId, links: [] })
    expect(first).toMatchObject({ service: 'shop-worker', kind: 'consumer', parentSpanId: send.spanId, isError: true })
    expect(linksOf(first)).toEqual([[send.spanId, 'send']])
    expect(settleFirst).toMatchObject({ kind: 'client', parentSpanId: first.spanId, links: [], isError: false })
    expect(second).toMatchObject({ kind: 'consumer', parentSpanId: send.spanId, isError: false })
    expect(linksOf(second)).toEqual([
      [send.spanId, 'send'],
      [first.spanId, 'attempt'],
    ])
    expect(settleSecond).toMatchObject({ kind: 'client', parentSpanId: second.spanId })
    const outcomes = spans.map(({ attributes }) => [
      attributes['errand.activity.attempt'],
      attributes['errand.activity.outcome'],
    ])
    expect(outcomes).toEqual([
      [1, 'created'],
      [1, 'threw'],
      [1, 'retrying'],
      [2, 'returned'],
      [2, 'completed'],
    ])
    // What the handler did is in its run, and what it enqueued is, too, and leads back to it.
    const own = await spanNamed('SELECT order', 0)
    expect(own).toMatchObject({ traceId: send.traceId, parentSpanId: second.spanId })
    const nested = await spanNamed('send note', 0)
    expect(nested).toMatchObject({ service: 'shop-worker', traceId: send.traceId, parentSpanId: own.spanId })
    expect(linksOf(nested)).toEqual([[second.spanId, 'parent']])
    expect(await spanNamed('process note', 0)).toMatchObject({ traceId: send.traceId, parentSpanId: nested.spanId })
  })

  test('every span can be found by id and says what it is about, in the words of the conventions', async () => {
    const { id } = await producer.ask({ order: 'enqueue', fails: 1, maxAttempts: 2 }, 'enqueued')
    const spans = await spansOf(id, 5)
    for (const { attributes } of spans) {
      expect(attributes).toMatchObject({
        ...{ 'errand.activity.id': id, 'errand.activity.type': 'story', 'errand.activity.priority': 'normal' },
        ...{ 'errand.activity.attempt': expect.any(Number), 'errand.activity.max_attempts': 2 },
        ...{ 'messaging.system': 'kafka', 'messaging.message.id': id, 'messaging.kafka.message.key': id },
        ...{ 'messaging.destination.template': 'story', 'messaging.destination.name': `${namespace}.story.normal` },
        ...{ 'messaging.destination.partition.id': expect.stringMatching(/^[01]$/) },
        'messaging.kafka.offset': expect.any(Number),
      })
    }
    const operations = spans.map(({ attributes }) => [
      attributes['messaging.operation.name'],
      attributes['messaging.operation.type'],
    ])
    const processed = ['process', 'process']
    const settled = ['settle', 'settle']
    expect(operations).toEqual([['send', 'send'], processed, settled, processed, settled])
    const [send, first, retried, second] = spans
    expect(send?.attributes).not.toHaveProperty(['messaging.consumer.group.name'])
    expect(first?.attributes).toMatchObject({
      ...{ 'messaging.consumer.group.name': `${namespace}.story.workers`, 'messaging.client.id': 'w1' },
      ...{ 'error.type': 'TypeError', 'errand.error.fingerprint': expect.stringMatching(/^[0-9a-f]{16}$/) },
      'errand.activity.wait_ms': expect.any(Number),
    })
    expect(retried?.attributes).toMatchObject({
      'errand.error.fingerprint': first?.attributes['errand.error.fingerprint'],
      'errand.activity.due_at': expect.stringMatching(/^\d{4}-.*Z$/),
    })
    const dueAtMs = Date.parse(String(retried?.attributes['errand.activity.due_at']))
    expect(Number((second?.startNs ?? 0n) / 1_000_000n)).toBeGreaterThanOrEqual(dueAtMs)
    // Its own lines lead to the span.
    const logged = worker.messages.filter(each => each.event === 'logged' && each.fields['activityId'] === id)
    const { traceId } = first as ReceivedSpan
    expect(logged.slice(0, 2)).toEqual(
      [first, second].map((span, at) => ({
        ...{ event: 'logged', message: 'running' },
        fields: { activityId: id, activityType: 'story', attempt: at + 1, traceId, spanId: span?.spanId },
      })),
    )
  })
})

test('a dead letter is in the trace, and its redrive, another trace, leads to it and to the first send', async () => {
  const { id } = await producer.ask({ order: 'enqueue', fails: 9, maxAttempts: 1 }, 'enqueued')
  const spans = await spansOf(id, 4)
  const send = spans.find(({ name }) => name === 'send story')
  const run = spans.find(({ name }) => name === 'process story')
  const letter = spans.find(({ name }) => name === 'dead-letter story')
  expect(letter).toMatchObject({ kind: 'producer', traceId: send?.traceId, parentSpanId: run?.spanId, isError: true })
  expect(letter === undefined ? [] : linksOf(letter)).toEqual([[send?.spanId, 'send']])
  expect(letter?.attributes).toMatchObject({
    ...{ 'errand.activity.outcome': 'dead_letter', 'error.type': 'TypeError', 'messaging.operation.type': 'send' },
    ...{ 'errand.error.fingerprint': run?.attributes['errand.error.fingerprint'] },
    ...{ 'errand.source.topic': `${namespace}.story.normal`, 'errand.source.offset': expect.any(Number) },
  })
  await worker.ask({ order: 'mend' }, 'mended')
  const { id: again } = await producer.ask({ order: 'redrive', id }, 'redriven')
  const [resend, rerun, resettle] = inOrder(await spansOf(again, 3), ['send story', 'process story', 'settle story'])
  const operator = await spanNamed('POST /redrive', 0)
  expect(operator.traceId).not.toBe(send?.traceId)
  expect(resend).toMatchObject({ kind: 'producer', traceId: operator.traceId, parentSpanId: operator.spanId })
  expect(resend === undefined ? [] : linksOf(resend)).toEqual([
    [letter?.spanId, 'end'],
    [send?.spanId, 'send'],
  ])
  expect(resend?.links.map(link => link.traceId)).toEqual([send?.traceId, send?.traceId])
  expect(rerun).toMatchObject({ traceId: operator.traceId, parentSpanId: resend?.spanId, isError: false })
  expect(rerun === undefined ? [] : linksOf(rerun)).toEqual([[resend?.spanId, 'send']])
  expect(resettle?.attributes['errand.activity.outcome']).toBe('completed')
})

test('figures of both processes arrive, and no id is among their attributes', async () => {
  const value = (name: string, service: string, wanted: Readonly<Record<string, unknown>>): number =>
    receiver
      .latest(name)
      .filter(point => point.service === service)
      .filter(({ attributes }) => Object.entries(wanted).every(([key, said]) => attributes[key] === said))
      .reduce((sum, point) => sum + point.value, 0)
  const type = { 'messaging.destination.template': 'story' }
  const threw = { ...type, 'errand.activity.outcome': 'threw', 'error.type': 'TypeError' }
  await receiver.waitFor('all figures', () => {
    return (
      value('messaging.client.sent.messages', 'shop-producer', { ...type, 'messaging.operation.name': 'send' }) === 4 &&
      value('messaging.client.operation.duration', 'shop-producer', { ...type, 'messaging.operation.name': 'send' }) ===
        4 &&
      value('messaging.client.operation.duration', 'shop-worker', { ...type, 'messaging.operation.name': 'settle' }) ===
        6 &&
      value('messaging.client.consumed.messages', 'shop-worker', threw) === 3 &&
      value('messaging.client.consumed.messages', 'shop-worker', type) === 6 &&
      value('messaging.process.duration', 'shop-worker', type) === 6 &&
      value('errand.activity.settled', 'shop-worker', { ...type, 'errand.activity.outcome': 'dead_letter' }) === 1
    )
  })
  const ids = new Set(receiver.spans.map(span => span.attributes['errand.activity.id']))
  const said = JSON.stringify(receiver.points.map(({ attributes }) => attributes))
  expect([...ids].filter(id => typeof id === 'string' && said.includes(id))).toEqual([])
})

test("Errand's own calls to Kafka and Redis are made with tracing suppressed, so that no instrumentation tells of them", async () => {
  for (const child of [producer, worker]) {
    await child.ask({ order: 'stop' }, 'stopped')
    const watched = await child.until('watched')
    expect(watched.loud).toEqual([])
    expect(watched.quiet).toBeGreaterThan(20)
  }
  const names = new Set(receiver.spans.map(({ name }) => name.split(' ')[0]))
  expect([...names].filter(name => name !== undefined).sort()).toEqual(
    ['POST', 'SELECT', 'dead-letter', 'process', 'send', 'settle', 'start'].sort(),
  )
})

test('a call that is made with tracing on is noticed', async () => {
  await using loud = await TracedProcess.start(receiver, { role: 'producer', namespace })
  const watched = await loud.ask({ order: 'be loud' }, 'watched')
  expect(watched.loud).toEqual([expect.stringContaining('a span')])
})
