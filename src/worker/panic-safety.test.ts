// Whatever a handler throws or returns, its attempt is settled, its slot is free again, and the next activity runs.

// oxlint-disable unicorn/no-thenable -- thenables are among what is tried here

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import { RetryAfterError } from '../core/errors.ts'
import { once, setupWorker } from '../../test/support/worker-setup.ts'

const wild = defineActivity({ type: 'wild', input: z.unknown(), maxAttempts: 2, retryDelayMs: 3_600_000 })

const trap = (): never => {
  throw new Error('a trap')
}
const hostile: unknown = new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap })
const hostileThen = Object.defineProperty({}, 'then', { get: trap })
const deep = (levels: number): unknown => (levels === 0 ? 0 : { next: deep(levels - 1) })
const circular: { self?: unknown } = {}
circular.self = circular

const thrown: [string, unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['a string', 'broken'],
  ['a symbol', Symbol('broken')],
  ['a bigint', 7n],
  ['a thenable', { then: (resolve: (value: string) => void) => resolve('a success?') }],
  ['a promise that rejects', Promise.reject(new Error('inner')).catch(() => 'handled')],
  ['an object whose every trap throws', hostile],
  ['an object whose message throws', Object.defineProperty({}, 'message', { get: trap })],
  ['an error with a thousand causes', Array.from({ length: 1_000 }).reduce(cause => new Error('x', { cause }), null)],
  ['an error of a megabyte', new Error('x'.repeat(1 << 20))],
  ['lone surrogates', new Error('\ud800')],
  ['a RetryAfterError without a delay', new RetryAfterError({ delayMs: Number.NaN })],
]

describe.each(['synchronously', 'asynchronously'] as const)('thrown %s', how => {
  test.each(thrown)('%s is retried', async (_name, value) => {
    await using setup = setupWorker({ concurrency: 1 })
    setup.worker.handle(wild, how === 'synchronously' ? () => raise(value) : async () => raise(value))
    const settled = once(setup.worker, 'settled')
    await setup.worker.start()
    await setup.client.enqueue(wild, null)
    expect(await settled).toMatchObject({ outcome: 'retrying', error: { message: expect.any(String) } })
    expect(setup.worker.load).toEqual({ running: 0, slots: 1, settling: 0 })
  })
})

const unserialisable: [string, unknown, string][] = [
  ['a bigint', 7n, 'serialization'],
  ['a circle', circular, 'serialization'],
  ['a function', () => 1, 'serialization'],
  ['a symbol', Symbol('x'), 'serialization'],
  ['a lone surrogate', '\ud800', 'serialization'],
  ['a thousand levels', deep(1_000), 'serialization'],
  ['a toJSON that throws null', { toJSON: () => raise(null) }, 'serialization'],
  ['a toJSON that throws something hostile', { toJSON: () => raise(hostile) }, 'serialization'],
  ['a megabyte', 'x'.repeat(1 << 20), 'payload_too_large'],
]

test.each(unserialisable)(
  '%s as a result fails the activity as it is, without another run',
  async (_name, value, code) => {
    await using setup = setupWorker({ concurrency: 1 })
    setup.worker.handle(wild, () => value)
    const settled = once(setup.worker, 'settled')
    await setup.worker.start()
    await setup.client.enqueue(wild, null)
    expect(await settled).toMatchObject({ outcome: 'failed', attempt: 1, error: { code } })
  },
)

test.each([
  ['undefined', undefined, null],
  ['a thenable', { then: (resolve: (value: number) => void) => resolve(7) }, 7],
  ['a thenable that throws after it resolved', { then: (resolve: (value: number) => void) => (resolve(8), trap()) }, 8],
])('%s as a result counts', async (_name, value, result) => {
  await using setup = setupWorker()
  setup.worker.handle(wild, () => value)
  await setup.worker.start()
  const handle = await setup.client.enqueue(wild, null)
  expect(await handle.result()).toBe(result)
})

test('a then that throws when it is looked at is a throw', async () => {
  await using setup = setupWorker()
  setup.worker.handle(wild, () => hostileThen)
  const settled = once(setup.worker, 'settled')
  await setup.worker.start()
  await setup.client.enqueue(wild, null)
  expect(await settled).toMatchObject({ outcome: 'retrying', error: { message: 'a trap' } })
})

function raise(value: unknown): never {
  throw value
}
