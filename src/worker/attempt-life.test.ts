// Timeouts, cancelling, leases and stopping: what ends an attempt from outside, and what then counts.

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import { NonRetryableError } from '../core/errors.ts'
import type { Storage } from '../storage/storage.ts'
import { failing, gate, many, once, setupWorker, turns } from '../../test/support/worker-setup.ts'
import { AttemptAbortedError } from './attempt-aborted-error.ts'
import type { HandlerContext } from './handler-context.ts'

const work = defineActivity({ type: 'work', input: z.unknown(), timeoutMs: 60_000, maxAttempts: 3, retryDelayMs: 0 })

/** Ends when the signal aborts, as well-behaved handlers do. */
function obeys({ signal }: HandlerContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

function why(ctx: HandlerContext | undefined): string | undefined {
  const reason: unknown = ctx?.signal.reason
  return reason instanceof AttemptAbortedError ? reason.why : undefined
}

describe('timeout', () => {
  test('settles the attempt at once as a retryable failure, to the millisecond', async () => {
    await using setup = setupWorker()
    const { worker, client, clock } = setup
    const seen: HandlerContext[] = []
    worker.handle(work, (_input, ctx) => (seen.push(ctx), ctx.attempt === 1 ? obeys(ctx) : 'done'))
    const settled = many(worker, 'settled', 2)
    const started = once(worker, 'started')
    await worker.start()
    const handle = await client.enqueue(work, null, { timeoutMs: 500 })
    await started
    await clock.advance(498)
    expect(await handle.status()).toBe('running')
    await clock.advance(2)
    const [first, second] = await settled
    expect(first).toMatchObject({ outcome: 'retrying', error: { name: 'TimeoutError', code: 'timeout' } })
    expect(second).toMatchObject({ outcome: 'completed', attempt: 2 })
    expect(why(seen[0])).toBe('timeout')
  })

  test('a handler that never ends holds its slot, is warned about, and harms nobody else', async () => {
    await using setup = setupWorker({ concurrency: 2 })
    const { worker, client, clock, lines } = setup
    const { opened, open } = gate()
    worker.handle(work, input => (input === 'stuck' ? opened : 'fine'))
    await worker.start()
    const started = once(worker, 'started')
    const stuck = await client.enqueue(work, 'stuck', { timeoutMs: 100, maxAttempts: 1 })
    await started
    await clock.advance(100)
    await expect(stuck.result()).rejects.toMatchObject({ status: 'dead_letter', failure: { code: 'timeout' } })
    await clock.advance(1_000)
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('ignores its signal') }),
    )
    expect(worker.load).toEqual({ running: 1, slots: 2, settling: 0 })
    const other = await client.enqueue(work, 'other')
    expect(await other.result()).toBe('fine')
    open()
    await turns()
    expect(worker.load.running).toBe(0)
    expect(await stuck.status()).toBe('dead_letter')
  })

  test('many timeouts share one timer', async () => {
    await using setup = setupWorker()
    const { worker, client, clock } = setup
    worker.handle(work, (_input, ctx) => obeys(ctx))
    const started = many(worker, 'started', 20)
    const settled = many(worker, 'settled', 20)
    const items = Array.from({ length: 20 }, (_, n) => ({ input: n, options: { timeoutMs: 100 + n, maxAttempts: 1 } }))
    await client.enqueueMany(work, items)
    await worker.start()
    await started
    await turns()
    // A waiting claim, the next renewal, the earliest timeout.
    expect(clock.pendingTimers).toBe(3)
    await clock.advance(120)
    expect((await settled).every(({ outcome }) => outcome === 'dead_letter')).toBe(true)
  })
})

describe('cancel', () => {
  test('aborts a running attempt at the next renewal; obeying ends it as cancelled', async () => {
    await using setup = setupWorker({ leaseMs: 6_000 })
    const { worker, client, clock } = setup
    let seen: HandlerContext | undefined
    worker.handle(work, (_input, ctx) => obeys((seen = ctx)))
    const started = once(worker, 'started')
    const settled = once(worker, 'settled')
    await worker.start()
    const handle = await client.enqueue(work, null)
    await started
    expect(await handle.cancel({ reason: 'changed my mind' })).toEqual({ outcome: 'cancel_requested' })
    await clock.advance(2_000)
    expect((await settled).outcome).toBe('cancelled')
    expect(why(seen)).toBe('cancelled')
    await expect(handle.result()).rejects.toMatchObject({ status: 'cancelled' })
  })

  test('a heartbeat notices it, and a result that comes all the same counts', async () => {
    await using setup = setupWorker({ leaseMs: 6_000 })
    const { worker, client, clock } = setup
    const { opened, open } = gate()
    let beat: unknown
    worker.handle(work, async (_input, { heartbeat }) => {
      await heartbeat()
      await opened
      beat = await heartbeat().catch((error: unknown) => error)
      return 'finished'
    })
    const started = once(worker, 'started')
    await worker.start()
    const handle = await client.enqueue(work, null)
    await started
    await handle.cancel()
    await clock.advance(900)
    open()
    expect(await handle.result()).toBe('finished')
    expect(beat).toMatchObject({ name: 'AttemptAbortedError', why: 'cancelled' })
  })
})

describe('leases', () => {
  test('are renewed in one call for all, long before they end', async () => {
    let injected: ReturnType<typeof failing> | undefined
    await using setup = setupWorker({}, memory => (injected = failing(memory, { extendLeases: 1 })).storage)
    const { worker, client, clock, memory, lines } = setup
    const { opened, open } = gate()
    worker.handle(work, () => opened)
    const started = many(worker, 'started', 10)
    const settled = many(worker, 'settled', 10)
    await client.enqueueMany(
      work,
      Array.from({ length: 10 }, (_, n) => ({ input: n, options: { timeoutMs: 600_000 } })),
    )
    await worker.start()
    await started
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000)
      expect(await memory.requeueExpired({ limit: 100 })).toMatchObject({ requeued: 0 })
    }
    expect(injected?.calls.get('extendLeases')).toBe(24)
    expect(lines.map(({ level, message }) => [level, message])).toEqual([['error', 'renewing leases failed']])
    open()
    expect((await settled).map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'completed'))
  })

  test('a lost one aborts, and nothing that the attempt returns counts', async () => {
    await using setup = setupWorker({ leaseMs: 6_000 })
    const { worker, client, clock, memory } = setup
    const seen: HandlerContext[] = []
    const { opened, open } = gate()
    worker.handle(work, async (_input, ctx) => {
      seen.push(ctx)
      if (ctx.attempt === 1) await opened
      return ctx.attempt
    })
    const started = once(worker, 'started')
    const lost = once(worker, 'lease_lost')
    await worker.start()
    const handle = await client.enqueue(work, null)
    await started
    await memory.fixtures.expireLease({ id: handle.id })
    await memory.requeueExpired({ limit: 1 })
    await clock.advance(1_000)
    expect(await lost).toEqual({ id: handle.id, type: 'work', attempt: 1 })
    expect(why(seen[0])).toBe('lease_lost')
    expect(await handle.result()).toBe(2)
    open()
    await turns()
    expect(await handle.result()).toBe(2)
    expect(worker.load).toMatchObject({ running: 0, settling: 0 })
  })

  test('a settlement under a lost lease is told as lost', async () => {
    await using setup = setupWorker()
    const { worker, client, memory } = setup
    const { opened, open } = gate()
    worker.handle(work, async (_input, { attempt }) => (attempt === 1 ? opened : 'second'))
    const started = once(worker, 'started')
    const lost = once(worker, 'lease_lost')
    await worker.start()
    const handle = await client.enqueue(work, null)
    await started
    await memory.fixtures.expireLease({ id: handle.id })
    await memory.requeueExpired({ limit: 1 })
    open()
    expect(await lost).toMatchObject({ attempt: 1 })
    expect(await handle.result()).toBe('second')
  })

  test('being late is noticed and said', async () => {
    await using setup = setupWorker({ leaseMs: 6_000 }, memory => failing(memory, { extendLeases: 100 }).storage)
    const { worker, client, clock, lines } = setup
    worker.handle(work, () => gate().opened)
    const started = once(worker, 'started')
    await worker.start()
    await client.enqueue(work, null)
    await started
    await clock.advance(8_000)
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('renewed late') }),
    )
  })
})

describe('stop', () => {
  test('waits for what runs, whose results count, and claims nothing more', async () => {
    await using setup = setupWorker()
    const { worker, client } = setup
    const { opened, open } = gate()
    let seen: HandlerContext | undefined
    worker.handle(work, async (_input, ctx) => {
      seen = ctx
      await opened
      return 'in time'
    })
    const started = once(worker, 'started')
    await worker.start()
    const running = await client.enqueue(work, null)
    await started
    const stopping = worker.stop({ graceMs: 10_000 })
    const late = await client.enqueue(work, null)
    await turns()
    expect(why(seen)).toBe('shutdown')
    open()
    expect(await stopping).toEqual({ drained: true, remaining: 0 })
    expect(await running.result()).toBe('in time')
    expect(await late.status()).toBe('pending')
    expect(worker.state).toBe('stopped')
  })

  test('gives attempts back uncounted: those that obey at once, the others at the end of the grace', async () => {
    await using setup = setupWorker()
    const { worker, client, clock } = setup
    worker.handle(work, (input, ctx) => (input === 'obeys' ? obeys(ctx) : gate().opened))
    const started = many(worker, 'started', 2)
    await worker.start()
    const obedient = await client.enqueue(work, 'obeys')
    const stubborn = await client.enqueue(work, 'stubborn')
    await started
    const stopping = worker.stop({ graceMs: 10_000 })
    await turns()
    expect(await obedient.status()).toBe('pending')
    expect(await stubborn.status()).toBe('running')
    await clock.advance(10_000)
    expect(await stopping).toEqual({ drained: false, remaining: 2 })
    expect(await client.inspect.get(stubborn.id)).toMatchObject({ status: 'pending', attempt: 1, retryCount: 0 })
    expect(await worker.stop()).toEqual({ drained: false, remaining: 2 })
  })

  test('a throw that says what should follow counts also while stopping', async () => {
    await using setup = setupWorker()
    const { worker, client } = setup
    worker.handle(work, async (_input, ctx) => {
      await obeys(ctx).catch(() => undefined)
      throw new NonRetryableError('half of it is done')
    })
    const started = once(worker, 'started')
    await worker.start()
    const handle = await client.enqueue(work, null)
    await started
    expect(await worker.stop()).toEqual({ drained: true, remaining: 0 })
    expect(await handle.status()).toBe('failed')
  })

  test('settlements that the storage does not answer are given up at the end of the grace', async () => {
    await using setup = setupWorker({}, memory => failing(memory, { ackSuccess: 1_000 }).storage)
    const { worker, client, clock } = setup
    worker.handle(work, () => 'done')
    const started = once(worker, 'started')
    await worker.start()
    const handle = await client.enqueue(work, null)
    await started
    await turns()
    const stopping = worker.stop({ graceMs: 5_000 })
    await turns()
    await clock.advance(5_000)
    await clock.advance(2_000)
    expect(await stopping).toEqual({ drained: false, remaining: 1 })
    expect(await handle.status()).toBe('running')
  })

  test('what is claimed while stopping is given back unstarted', async () => {
    const { opened, open } = gate()
    const slow = (memory: Storage): Storage =>
      new Proxy(memory, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target)
          if (typeof value !== 'function') return value
          return async (...args: [never]) => {
            const answer: unknown = await Reflect.apply(value, target, args)
            if (name === 'dequeue') await opened
            return answer
          }
        },
      })
    await using setup = setupWorker({}, slow)
    const { worker, client } = setup
    let isBegun = false
    worker.handle(work, () => (isBegun = true))
    const handle = await client.enqueue(work, null)
    await worker.start()
    await turns()
    expect(await handle.status()).toBe('running')
    const stopping = worker.stop()
    open()
    expect(await stopping).toMatchObject({ drained: true })
    expect(isBegun).toBe(false)
    expect(await client.inspect.get(handle.id)).toMatchObject({ status: 'pending', attempt: 1 })
  })

  test('run works until its signal, then stops; it may also be stopped from elsewhere', async () => {
    await using setup = setupWorker()
    const { worker, client } = setup
    worker.handle(work, () => 'done')
    const until = new AbortController()
    const running = worker.run({ signal: until.signal })
    expect(await (await client.enqueue(work, null)).result()).toBe('done')
    until.abort()
    expect(await running).toEqual({ drained: true, remaining: 0 })

    await using second = setupWorker()
    second.worker.handle(work, () => 'done')
    const alsoRunning = second.worker.run()
    await turns()
    await second.worker.stop()
    expect(await alsoRunning).toMatchObject({ drained: true })
  })

  test('before a start there is nothing to do, and none is possible afterwards', async () => {
    await using setup = setupWorker()
    setup.worker.handle(work, () => null)
    expect(await setup.worker.stop()).toEqual({ drained: true, remaining: 0 })
    await expect(setup.worker.start()).rejects.toMatchObject({ code: 'conflict' })
  })
})
