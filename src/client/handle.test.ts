import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { NonRetryableError } from '../core/errors.ts'
import { createTestKit } from '../testing/test-kit.ts'
import { ActivityFailedError } from './activity-failed-error.ts'
import { defineActivity } from './define-activity.ts'

const double = defineActivity({
  type: 'double',
  input: z.object({ n: z.number() }),
  output: z.object({ twice: z.number().transform(n => BigInt(n)) }),
  retryDelayMs: 0,
  maxAttempts: 2,
})

test('a result is parsed by the output schema, once, by who reads it', async () => {
  await using kit = createTestKit()
  kit.handle(double, ({ n }) => ({ twice: n * 2 }))
  const handle = await kit.client.enqueue(double, { n: 21 })
  expect(await handle.result()).toEqual({ twice: 42n })
  expect(await handle.status()).toBe('completed')
})

test('a result that the output schema refuses is a serialization error', async () => {
  await using kit = createTestKit()
  kit.handle(double, () => Object.assign({ twice: 1 }, { twice: 'two' }))
  const handle = await kit.client.enqueue(double, { n: 1 })
  await expect(handle.result()).rejects.toMatchObject({ code: 'serialization', details: { field: 'result.twice' } })
})

describe('an activity that ended without a result', () => {
  test('rejects with how it ended, and the remote stack is readable in the log', async () => {
    await using kit = createTestKit()
    kit.handle(double, function thePlaceWhereItBroke() {
      throw new TypeError('no such order', { cause: Object.assign(new Error('socket closed'), { code: 'ECONNRESET' }) })
    })
    const handle = await kit.client.enqueue(double, { n: 1 })
    const error: unknown = await handle.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ActivityFailedError)
    expect(error).toMatchObject({ name: 'ActivityFailedError', status: 'dead_letter', attempts: 2, id: handle.id })
    expect(error).toMatchObject({
      cause: { name: 'TypeError', message: 'no such order', cause: { code: 'ECONNRESET' } },
    })
    const shown = inspect(error)
    expect(shown).toContain('thePlaceWhereItBroke')
    expect(shown).toContain('ended as dead_letter after 2 attempts: TypeError: no such order')
  })

  test('failed and cancelled are told apart', async () => {
    await using kit = createTestKit()
    const cancelled = await kit.client.enqueue(double, { n: 1 }, { delayMs: 1_000 })
    await cancelled.cancel({ reason: 'not needed any more' })
    await expect(cancelled.result()).rejects.toMatchObject({ status: 'cancelled', code: 'cancelled', attempts: 0 })
    kit.handle(double, () => {
      throw new NonRetryableError('never')
    })
    const failed = await kit.client.enqueue(double, { n: 1 })
    await expect(failed.result()).rejects.toMatchObject({ status: 'failed', attempts: 1, code: 'conflict' })
  })
})

describe('giving up waiting cancels nothing', () => {
  test('after timeoutMs', async () => {
    await using kit = createTestKit()
    const handle = await kit.client.enqueue(double, { n: 1 })
    const waiting = expect(handle.result({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'timeout' })
    await kit.clock.advance(500)
    await waiting
    expect(await handle.status()).toBe('pending')
  })

  test('by a signal, with and without a timeout', async () => {
    await using kit = createTestKit()
    const handle = await kit.client.enqueue(double, { n: 1 })
    const until = new AbortController()
    const waits = [handle.result({ signal: until.signal }), handle.result({ signal: until.signal, timeoutMs: 500 })]
    until.abort()
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'cancelled' })
    expect(await handle.status()).toBe('pending')
    expect(kit.clock.pendingTimers).toBe(0)
  })
})

test('a handle goes to another process as JSON, text of JSON, or an id', async () => {
  await using kit = createTestKit()
  const handle = await kit.client.enqueue(double, { n: 1 })
  const text = JSON.stringify(handle)
  expect(kit.client.handle(double, text)).toMatchObject({ id: handle.id, outcome: 'created', type: 'double' })
  expect(kit.client.handle(double, JSON.parse(text))).toMatchObject({ id: handle.id })
  expect(kit.client.handle(double, handle.id)).toMatchObject({ id: handle.id, outcome: 'existing' })
  const other = defineActivity({ type: 'other', input: z.null() })
  expect(() => kit.client.handle(other, text)).toThrow('the handle is one of "double", not of \'other\'')
  expect(() => kit.client.handle(double, '{"half')).toThrow('it must be an id')
  expect(() => kit.client.handle(double, 'no spaces')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})

test('a handle is no thenable, and an unknown id is not found', async () => {
  await using kit = createTestKit()
  const handle = kit.client.handle(double, 'unknown')
  expect('then' in handle).toBe(false)
  await expect(handle.status()).rejects.toMatchObject({ code: 'not_found' })
})
