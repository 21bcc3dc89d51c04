import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ErrandError } from '../core/errors.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import type { Storage } from '../storage/storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { failing } from '../../test/support/worker-setup.ts'
import { Client } from './client.ts'
import { defineActivity } from './define-activity.ts'

const invoice = defineActivity({
  type: 'send-invoice',
  input: z.object({ orderId: z.string().transform(text => text.length), email: z.email().default('a@example.com') }),
  maxAttempts: 5,
  priority: 'high',
  retryDelayMs: 10,
})
const given = { orderId: '42' }

function setup(wrap: (memory: MemoryStorage) => Storage = memory => memory) {
  const clock = new ManualClock()
  const memory = new MemoryStorage({ clock })
  return { clock, memory, client: new Client({ storage: wrap(memory), clock }) }
}

async function rejection(promise: Promise<unknown>): Promise<ErrandError> {
  return promise.then(
    () => expect.unreachable('it was expected to reject'),
    (error: ErrandError) => error,
  )
}

test('what was given is sent, not what the schema made of it, under the policy of the definition', async () => {
  const { client } = setup()
  const handle = await client.enqueue(invoice, given)
  expect(handle).toMatchObject({ outcome: 'created', type: 'send-invoice' })
  expect(await client.inspect.get(handle.id)).toMatchObject({
    payloadJson: '{"orderId":"42"}',
    priority: 'high',
    maxAttempts: 5,
    status: 'pending',
  })
})

test('options of an enqueue go before the definition', async () => {
  const { client, clock } = setup()
  const options = {
    id: 'my-1',
    priority: 'low',
    maxAttempts: 1,
    timeoutMs: 7,
    delayMs: 1_000,
    metadata: { a: 'b' },
  } as const
  const handle = await client.enqueue(invoice, given, options)
  expect(await client.inspect.get(handle.id)).toMatchObject({
    ...{ id: 'my-1', priority: 'low', maxAttempts: 1, timeoutMs: 7, metadata: { a: 'b' }, status: 'scheduled' },
    scheduledAtMs: clock.nowMs() + 1_000,
  })
})

describe('refusals', () => {
  test('an input that the schema refuses names its path, and nothing is written', async () => {
    const { client, memory } = setup()
    const error = await rejection(client.enqueue(invoice, { orderId: '1', email: 'nobody' }))
    expect(error).toMatchObject({ code: 'invalid_argument', details: { field: 'input.email', type: 'send-invoice' } })
    expect(error.message).toMatch(/^\[invalid_argument\] input\.email of 'send-invoice' is refused by its schema: /)
    expect((await memory.stats()).pending).toBe(0)
  })

  test('asynchronous schemas are awaited, and a schema that throws is told apart', async () => {
    const { client } = setup()
    const slow = defineActivity({ type: 'slow', input: z.string().refine(async text => text === 'good', 'not good') })
    await expect(client.enqueue(slow, 'good')).resolves.toMatchObject({ outcome: 'created' })
    await expect(client.enqueue(slow, 'bad')).rejects.toThrow("input of 'slow' is refused by its schema: not good")
    const broken = defineActivity({
      type: 'broken',
      input: z.string().refine(() => {
        throw new TypeError('oops')
      }),
    })
    await expect(client.enqueue(broken, 'x')).rejects.toThrow("input of 'broken' made its schema throw: oops")
  })

  test('an unknown option is refused', async () => {
    const { client } = setup()
    const options = Object.assign({ priority: undefined }, { delay: 5 })
    expect(await rejection(client.enqueue(invoice, given, options))).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'delay' },
    })
  })

  test('a key in use refuses with the existing id, or gives the existing activity', async () => {
    const { client } = setup()
    const first = await client.enqueue(invoice, given, { key: 'k' })
    const again = await client.enqueue(invoice, given, { key: 'k' })
    expect(again).toMatchObject({ id: first.id, outcome: 'existing' })
    const refused = await rejection(client.enqueue(invoice, given, { key: 'k', onDuplicate: 'no_reuse' }))
    expect(refused).toMatchObject({ code: 'duplicate_activity', details: { existingId: first.id } })
  })

  test('an unknown outcome gives the id under which repeating is safe', async () => {
    const unavailable: Storage['enqueueMany'] = async ({ activities }) =>
      activities.map(({ id }) => ({ outcome: 'unavailable', id, message: 'no broker answered' }))
    const { client } = setup(
      memory =>
        new Proxy(memory, { get: (target, name) => (name === 'enqueueMany' ? unavailable : bound(target, name)) }),
    )
    const error = await rejection(client.enqueue(invoice, given, { id: 'mine', key: 'k' }))
    expect(error).toMatchObject({ code: 'unavailable', details: { id: 'mine', key: 'k' } })
    expect(error.message).toContain('outcome unknown; retrying with the same key or id is safe')
  })
})

test('enqueueMany answers each item in order; a refused one does not touch its neighbours', async () => {
  const { client } = setup()
  const answers = await client.enqueueMany(invoice, [
    { input: { orderId: '1' }, options: { key: 'k' } },
    { input: { orderId: '2', email: 'nobody' } },
    { input: { orderId: '3' }, options: { key: 'k', onDuplicate: 'no_reuse' } },
    { input: { orderId: '4' }, options: { key: 'k' } },
  ])
  expect(answers.map(({ outcome }) => outcome)).toEqual(['created', 'refused', 'refused', 'existing'])
  expect(answers[1]).toMatchObject({ id: undefined, error: { code: 'invalid_argument' } })
  expect(answers[2]).toMatchObject({ error: { code: 'duplicate_activity' } })
  expect(await client.enqueueMany(invoice, [])).toEqual([])
})

test('a type is declared once, also by enqueues at once, and a failure is not remembered', async () => {
  let injected: ReturnType<typeof failing> | undefined
  const { client } = setup(memory => (injected = failing(memory, { declareTypes: 1 })).storage)
  await expect(Promise.all([client.enqueue(invoice, given), client.enqueue(invoice, given)])).rejects.toMatchObject({
    code: 'unavailable',
  })
  await Promise.all([client.enqueue(invoice, given), client.enqueue(invoice, given)])
  await client.enqueue(invoice, given)
  expect(injected?.calls.get('declareTypes')).toBe(2)
})

test('a child client names the parent', async () => {
  const { client } = setup()
  const parent = await client.enqueue(invoice, given)
  const child = await client.childOf(parent.id).enqueue(invoice, given)
  expect(await client.inspect.get(child.id)).toMatchObject({ parentId: parent.id })
})

test('cancel, redrive and events pass through', async () => {
  const { client } = setup()
  const until = new AbortController()
  const events = client.events({ signal: until.signal })[Symbol.asyncIterator]()
  const handle = await client.enqueue(invoice, given)
  expect((await events.next()).value).toMatchObject({ id: handle.id, type: 'enqueued' })
  until.abort()
  expect(await client.cancel(handle.id, { reason: 'not needed' })).toEqual({ outcome: 'cancelled' })
  const redriven = await client.redrive(handle.id)
  expect(await client.redrive(handle.id)).toEqual(redriven)
  await expect(client.cancel('unknown')).rejects.toMatchObject({ code: 'not_found' })
})

test('options are checked', () => {
  expect(() => new Client(Object.assign({ storage: new MemoryStorage() }, { topic: 1 }))).toThrow("no option 'topic'")
})

function bound(target: MemoryStorage, name: PropertyKey): unknown {
  const value: unknown = Reflect.get(target, name, target)
  return typeof value === 'function' ? value.bind(target) : value
}
