// What a worker does with activities that go well, and with its own calls.

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import { NonRetryableError, RetryAfterError } from '../core/errors.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import { failing, gate, many, once, setupWorker, turns } from '../../test/support/worker-setup.ts'
import type { DeadLetterNotice } from './registry.ts'
import { Worker } from './worker.ts'

const echo = defineActivity({
  type: 'echo',
  input: z.object({ n: z.coerce.number() }),
  maxAttempts: 2,
  retryDelayMs: 0,
})
const other = defineActivity({ type: 'other', input: z.unknown() })

test('a handler gets the parsed input and a context that says what it is about', async () => {
  await using setup = setupWorker()
  const { worker, client } = setup
  let seen: unknown
  worker.handle(echo, (input, ctx) => {
    const { id, type, attempt, maxAttempts, priority, metadata, workerId } = ctx
    ctx.log.info('hello', { more: 1 })
    seen = { input, id, type, attempt, maxAttempts, priority, metadata, workerId, isAborted: ctx.signal.aborted }
    return { twice: input.n * 2 }
  })
  const settled = once(worker, 'settled')
  await worker.start()
  const handle = await client.enqueue(echo, { n: '21' }, { metadata: { tenant: 'a' }, priority: 'low' })
  expect(await settled).toEqual({
    ...{ id: handle.id, type: 'echo', attempt: 1, outcome: 'completed', error: null, retryInMs: null },
  })
  expect(await handle.result()).toEqual({ twice: 42 })
  expect(seen).toEqual({
    ...{ input: { n: 21 }, id: handle.id, type: 'echo', attempt: 1, maxAttempts: 2, priority: 'low' },
    ...{ metadata: { tenant: 'a' }, workerId: 'w1', isAborted: false },
  })
  expect(setup.lines).toContainEqual({
    ...{ level: 'info', message: 'hello' },
    fields: { activityId: handle.id, activityType: 'echo', attempt: 1, more: 1 },
  })
})

test('types without a handler are never claimed', async () => {
  await using setup = setupWorker()
  const { worker, client, memory } = setup
  worker.handle(echo, () => null)
  await worker.start()
  const unhandled = await client.enqueue(other, 1)
  const settled = once(worker, 'settled')
  await client.enqueue(echo, { n: 1 })
  await settled
  expect(await unhandled.status()).toBe('pending')
  expect((await memory.stats()).running).toBe(0)
})

test('nested enqueues name their parent', async () => {
  await using setup = setupWorker()
  const { worker, client } = setup
  worker.handle(echo, async (_input, ctx) => ({ child: (await ctx.client.enqueue(other, null)).id }))
  await worker.start()
  const handle = await client.enqueue(echo, { n: 1 })
  const { child } = z.object({ child: z.string() }).parse(await handle.result())
  expect(await client.inspect.get(child)).toMatchObject({ parentId: handle.id, type: 'other' })
})

describe('concurrency', () => {
  test('is never exceeded, and one claim fills the free slots', async () => {
    let injected: ReturnType<typeof failing> | undefined
    await using setup = setupWorker({ concurrency: 5 }, memory => (injected = failing(memory, {})).storage)
    const { worker, client } = setup
    let running = 0
    let most = 0
    worker.handle(echo, async () => {
      most = Math.max(most, ++running)
      await turns(2)
      running -= 1
    })
    const settled = many(worker, 'settled', 100)
    await client.enqueueMany(
      echo,
      Array.from({ length: 100 }, (_, n) => ({ input: { n } })),
    )
    await worker.start()
    await settled
    expect(most).toBe(5)
    // 20 full claims, and one that waits for more; a few more where slots got free apart from each other.
    expect(injected?.calls.get('dequeue')).toBeLessThan(30)
    expect(injected?.calls.get('ackSuccess')).toBeLessThan(30)
  })

  test('a type with slots of its own neither takes nor lends any', async () => {
    await using setup = setupWorker({ concurrency: 2 })
    const { worker, client } = setup
    const { opened, open } = gate()
    worker.handle(echo, () => opened, { concurrency: 1 }).handle(other, () => null)
    await worker.start()
    await client.enqueueMany(
      echo,
      Array.from({ length: 3 }, (_, n) => ({ input: { n } })),
    )
    const settled = many(worker, 'settled', 2)
    await client.enqueueMany(other, [{ input: 1 }, { input: 2 }])
    await settled
    expect(worker.load).toEqual({ running: 1, slots: 3, settling: 0 })
    open()
  })
})

describe('failures', () => {
  test('any throw is retried until the attempts are used up; NonRetryableError ends at once; RetryAfterError chooses when', async () => {
    await using setup = setupWorker()
    const { worker, client } = setup
    worker.handle(echo, ({ n }, { attempt }) => {
      if (n === 1 && attempt === 1) throw new Error('try again')
      if (n === 2) throw new NonRetryableError('never')
      if (n === 3) throw new RetryAfterError({ delayMs: 1_234.5 })
      if (n === 4) throw new Error('always')
    })
    const settled = many(worker, 'settled', 6)
    await client.enqueueMany(
      echo,
      [1, 2, 3, 4].map(n => ({ input: { n } })),
    )
    await worker.start()
    const outcomes = (await settled).map(({ attempt, outcome, retryInMs }) => [attempt, outcome, retryInMs])
    expect(outcomes).toEqual(
      expect.arrayContaining([
        ...[
          [1, 'retrying', 0],
          [2, 'completed', null],
          [1, 'failed', null],
          [1, 'retrying', 1_235],
        ],
        ...[
          [1, 'retrying', 0],
          [2, 'dead_letter', null],
        ],
      ]),
    )
  })

  test('an input that the schema refuses fails at once with the path', async () => {
    await using setup = setupWorker()
    const { worker, client } = setup
    worker.handle(echo, () => expect.unreachable('the handler must not see it'))
    await worker.start()
    const loose = defineActivity({ type: 'echo', input: z.unknown() })
    const handle = await client.enqueue(loose, { n: 'many' })
    await expect(handle.result()).rejects.toMatchObject({
      ...{ status: 'failed', attempts: 1 },
      failure: { code: 'invalid_argument', message: expect.stringContaining("input.n of 'echo' is refused") },
    })
  })

  test('onDeadLetter is told of dead letters only, and what it throws is logged', async () => {
    const notices: DeadLetterNotice[] = []
    await using setup = setupWorker({
      onDeadLetter: async notice => {
        notices.push(notice)
      },
    })
    const { worker, client, lines } = setup
    worker.handle(
      echo,
      ({ n }) => {
        if (n === 1) throw new NonRetryableError('failed is no dead letter')
        if (n === 2) throw new Error('broken')
      },
      {
        onDeadLetter: () => {
          throw new Error('the pager is broken')
        },
      },
    )
    await worker.start()
    const settled = many(worker, 'settled', 4)
    const answers = await client.enqueueMany(
      echo,
      [0, 1, 2].map(n => ({ input: { n }, options: { id: `e${n}` } })),
    )
    expect(answers).toHaveLength(3)
    await settled
    await worker.idle()
    expect(notices).toEqual([
      {
        ...{ id: 'e2', type: 'echo', attempts: 2, metadata: {}, payloadJson: '{"n":2}' },
        error: expect.objectContaining({ message: 'broken' }),
      },
    ])
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'onDeadLetter failed' }))
  })
})

describe('settlements wait while the storage is away', () => {
  test.each(['ackSuccess', 'ackFailure'] as const)('%s is repeated until it is answered', async method => {
    let injected: ReturnType<typeof failing> | undefined
    await using setup = setupWorker({}, memory => (injected = failing(memory, { [method]: 3 })).storage)
    const { worker, client, clock } = setup
    worker.handle(echo, () => {
      if (method === 'ackFailure') throw new NonRetryableError('no')
    })
    await worker.start()
    const settled = once(worker, 'settled')
    const handle = await client.enqueue(echo, { n: 1 })
    await turns()
    expect(await handle.status()).toBe('running')
    for (const pauseMs of [50, 100, 200]) await clock.advance(pauseMs)
    expect((await settled).outcome).toBe(method === 'ackSuccess' ? 'completed' : 'failed')
    expect(injected?.calls.get(method)).toBe(4)
  })

  test('a batch that is refused for the sake of one is settled one by one', async () => {
    await using setup = setupWorker({}, memory => failing(memory, { ackSuccess: 1 }, 'invalid_argument').storage)
    const { worker, client } = setup
    worker.handle(echo, () => null)
    const settled = many(worker, 'settled', 3)
    await client.enqueueMany(
      echo,
      [1, 2, 3].map(n => ({ input: { n } })),
    )
    await worker.start()
    expect((await settled).map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed'])
  })
})

test('a claim that fails is made again, and the worker says so', async () => {
  await using setup = setupWorker({}, memory => failing(memory, { dequeue: 2 }).storage)
  const { worker, client, clock } = setup
  worker.handle(echo, () => null)
  const failed = many(worker, 'error', 2)
  await worker.start()
  const settled = once(worker, 'settled')
  await client.enqueue(echo, { n: 1 })
  await clock.advance(100)
  await clock.advance(200)
  expect((await failed)[0]).toMatchObject({ during: 'claiming', error: { code: 'unavailable' } })
  expect((await settled).outcome).toBe('completed')
})

test('a listener that throws harms nobody', async () => {
  await using setup = setupWorker()
  const { worker, client, lines } = setup
  worker.handle(echo, () => null)
  worker.on('started', () => {
    throw new Error('a bad listener')
  })
  await worker.start()
  const handle = await client.enqueue(echo, { n: 1 })
  expect(await handle.result()).toBeNull()
  expect(lines).toContainEqual(expect.objectContaining({ message: "a listener of 'started' threw" }))
})

describe('misuse', () => {
  test('a second handler, a handler after the start, no handler, bad options', async () => {
    await using setup = setupWorker()
    const { worker } = setup
    worker.handle(echo, () => null)
    expect(() => worker.handle(echo, () => null)).toThrow("type 'echo' has a handler already")
    expect(() => worker.handle(other, () => null, { concurrency: 0 })).toThrow('concurrency is 0')
    await worker.start()
    expect(() => worker.handle(other, () => null)).toThrow('register handlers before it starts')
    const bare = new Worker({ storage: new MemoryStorage() })
    await expect(bare.start()).rejects.toThrow('no handlers')
    const options = { storage: new MemoryStorage(), concurrency: 0, leaseMs: 10, reaper: 7 }
    expect(() => new Worker(Object.assign({}, options, { reaper: true }))).toThrow(/concurrency is 0.*leaseMs is 10/)
  })

  test('a start that fails leaves nothing open and says why', async () => {
    await using setup = setupWorker({}, memory => failing(memory, { subscribe: 1 }).storage)
    setup.worker.handle(echo, () => null)
    await expect(setup.worker.start()).rejects.toMatchObject({ code: 'unavailable' })
    expect(setup.worker.state).toBe('failed')
  })
})
