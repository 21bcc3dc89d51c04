import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import { NonRetryableError } from '../core/errors.ts'
import { createTestKit } from './test-kit.ts'

const send = defineActivity({ type: 'send', input: z.object({ to: z.string() }), output: z.string(), maxAttempts: 3 })

test('a delayed activity runs when its time has come, and not before', async () => {
  await using kit = createTestKit()
  kit.handle(send, ({ to }) => `sent to ${to}`)
  const handle = await kit.client.enqueue(send, { to: 'a' }, { delayMs: 600_000 })
  await kit.advance(599_999)
  await kit.drain()
  expect(await handle.status()).toBe('scheduled')
  await kit.advance(1)
  await kit.drain()
  expect(await handle.status()).toBe('completed')
  expect(await handle.result()).toBe('sent to a')
})

test('advance stops at every retry on the way', async () => {
  await using kit = createTestKit()
  const times: number[] = []
  kit.handle(send, () => {
    times.push(kit.clock.monotonicMs())
    throw new Error('not now')
  })
  const handle = await kit.client.enqueue(send, { to: 'a' })
  await kit.advance(60_000)
  expect(times).toEqual([0, 2_000, 6_000])
  expect(await handle.status()).toBe('dead_letter')
})

test('thirty years take no time', async () => {
  await using kit = createTestKit()
  kit.handle(send, () => 'late')
  const handle = await kit.client.enqueue(send, { to: 'a' }, { delayMs: 30 * 365 * 24 * 3_600_000 })
  await kit.advance(30 * 365 * 24 * 3_600_000)
  expect(await handle.status()).toBe('completed')
}, 20_000)

test('drain waits for handlers that wait for something real, also for what they enqueue', async () => {
  await using kit = createTestKit()
  kit.handle(send, async ({ to }, ctx) => {
    await new Promise(resolve => setTimeout(resolve, 5))
    if (to.length < 4) await ctx.client.enqueue(send, { to: `${to}a` })
    return to
  })
  await kit.client.enqueue(send, { to: 'a' })
  await kit.drain()
  expect(await kit.storage.stats()).toMatchObject({ completed: 4, pending: 0 })
})

test('drain does not wait for types that nobody handles, and says so when activities never end', async () => {
  await using kit = createTestKit()
  const other = defineActivity({ type: 'other', input: z.null(), maxAttempts: 'unlimited', retryDelayMs: 0 })
  await kit.client.enqueue(other, null)
  await kit.drain()
  kit.handle(other, () => {
    throw new Error('for ever')
  })
  await expect(kit.drain()).rejects.toMatchObject({ code: 'timeout' })
}, 20_000)

test('waitFor resolves for what has happened and for what will', async () => {
  await using kit = createTestKit()
  const waiting = kit.waitFor({ type: 'send', status: 'failed' })
  kit.handle(send, ({ to }) => {
    if (to === 'nobody') throw new NonRetryableError('no such person')
    return to
  })
  const first = await kit.client.enqueue(send, { to: 'a' })
  await kit.drain()
  expect(await kit.waitFor({ type: 'send', status: 'completed' })).toMatchObject({ id: first.id })
  const second = await kit.client.enqueue(send, { to: 'nobody' })
  expect(await waiting).toMatchObject({ id: second.id, error: { message: 'no such person' } })
  await expect(kit.waitFor({ type: 'send', status: 'cancelled', timeoutMs: 10 })).rejects.toMatchObject({
    code: 'timeout',
  })
})

test('runHandler runs one attempt with a context of its own', async () => {
  await using kit = createTestKit()
  const result = await kit.runHandler(
    async (input: { to: string }, ctx) => {
      await ctx.heartbeat()
      const child = await ctx.client.enqueue(send, input)
      return { attempt: ctx.attempt, tenant: ctx.metadata['tenant'], child: child.outcome }
    },
    { to: 'a' },
    { attempt: 2, metadata: { tenant: 'x' } },
  )
  expect(result).toEqual({ attempt: 2, tenant: 'x', child: 'created' })
  await expect(kit.runHandler(() => Promise.reject(new TypeError('broken')), null)).rejects.toThrow(TypeError)
})

test('ids are the same in every run, and times begin where they are told to', async () => {
  const run = async (): Promise<string> => {
    await using kit = createTestKit({ startMs: Date.UTC(2030, 0, 1) })
    return (await kit.client.enqueue(send, { to: 'a' })).id
  }
  expect(await run()).toBe(await run())
})

test('a kit whose handler never ends can still be put away', async () => {
  await using kit = createTestKit()
  kit.handle(send, () => new Promise<string>(() => undefined))
  await kit.client.enqueue(send, { to: 'a' })
  await kit.waitFor({ type: 'send', status: 'running' })
})
