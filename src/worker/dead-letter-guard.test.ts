// A type whose activities die slows down: what then waits, what runs, and who else notices.

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import type { Handle } from '../client/handle.ts'
import { ErrandError, NonRetryableError, RetryAfterError } from '../core/errors.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import type { DequeueParams, Storage } from '../storage/storage.ts'
import type { WorkerSetup } from '../../test/support/worker-setup.ts'
import { gate, many, once, setupWorker, turns } from '../../test/support/worker-setup.ts'
import { FAILURES_IN_A_ROW } from './pace.ts'
import { Worker } from './worker.ts'

const work = defineActivity({ type: 'work', input: z.string(), maxAttempts: 2, retryDelayMs: 0 })
const single = defineActivity({ type: 'single', input: z.string(), maxAttempts: 1 })
const other = defineActivity({ type: 'other', input: z.number() })

const SMALL = { burst: 2, perSuccess: 0.25, perMinute: 1, pauseMaxMs: 4_000 }

/** One slot, so that everything goes in order, and a budget of two. */
function setupSmall(options = {}, wrap?: (memory: MemoryStorage) => Storage): WorkerSetup {
  return setupWorker({ concurrency: 1, deadLetterBudget: SMALL, ...options }, wrap)
}

/** A storage of which every dequeue is told beforehand. */
function intercepted(memory: Storage, before: (params: DequeueParams) => void | Promise<void>): Storage {
  return new Proxy(memory, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return async (...args: [DequeueParams]): Promise<unknown> => {
        if (name === 'dequeue') await before(args[0])
        return Reflect.apply(value, target, args)
      }
    },
  })
}

/** What it depends on is up or down. */
function dependency(): { isUp: boolean; readonly runs: string[]; call: (input: string) => string } {
  const it = {
    isUp: false,
    runs: [] as string[],
    call: (input: string): string => {
      it.runs.push(input)
      if (input.startsWith('bad') || !it.isUp) throw new Error('it is down')
      return 'done'
    },
  }
  return it
}

async function enqueue({ client }: WorkerSetup, definition: typeof work, inputs: readonly string[]): Promise<Handle[]> {
  const handles: Handle[] = []
  for (const input of inputs) handles.push(await client.enqueue(definition, input))
  return handles
}

/** Time passes, a second at a time, and whatever it wakes comes to rest. */
async function pass({ clock }: WorkerSetup, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1_000)
    await turns()
  }
}

function statuses(handles: readonly Handle[]): Promise<string[]> {
  return Promise.all(handles.map(handle => handle.status()))
}

const OWN_FAULT = ['bad1', 'good', 'bad2', 'good', 'bad3', 'good']

describe('activities that die while others of their type succeed', () => {
  test('beyond the burst they are withheld under their lease, and a credit of time ends them', async () => {
    await using setup = setupSmall({ deadLetterBudget: { ...SMALL, perSuccess: 0 } })
    const { worker, clock, memory } = setup
    const up = dependency()
    up.isUp = true
    worker.handle(single, up.call)
    const withheld = once(worker, 'withheld')
    const settled = many(worker, 'settled', 5)
    await worker.start()
    const handles = await enqueue(setup, single, OWN_FAULT)
    await settled
    const ends = ['dead_letter', 'completed', 'dead_letter', 'completed', 'running', 'completed']
    expect(await statuses(handles)).toEqual(ends)
    expect(await withheld).toMatchObject({ id: handles[4]?.id, attempt: 1, error: { message: 'it is down' } })
    await pass(setup, 59)
    expect(await memory.requeueExpired({ limit: 10 })).toMatchObject({ requeued: 0, deadLettered: 0, cancelled: 0 })
    expect(await handles[4]?.status()).toBe('running')
    await clock.advance(1_100)
    expect(await handles[4]?.status()).toBe('dead_letter')
    expect(up.runs).toEqual(OWN_FAULT)
    expect(worker.backingOff).toEqual([])
  })

  test('successes earn the credit, too, and nothing runs twice', async () => {
    await using setup = setupSmall()
    const { worker } = setup
    const up = dependency()
    up.isUp = true
    worker.handle(single, up.call)
    const settled = many(worker, 'settled', 12)
    await worker.start()
    // Two of the burst, and four successes for each of the others.
    const inputs = ['bad', 'g', 'bad', 'g', 'bad', 'g', 'g', 'g', 'bad', 'g', 'g', 'g']
    const handles = await enqueue(setup, single, inputs)
    expect((await settled).map(({ outcome }) => outcome).filter(outcome => outcome === 'dead_letter')).toHaveLength(4)
    expect(new Set(await statuses(handles))).toEqual(new Set(['dead_letter', 'completed']))
    expect(up.runs).toEqual(inputs)
  })

  test('when more die than the budget pays for, the type goes on one by one, and never over the budget', async () => {
    await using setup = setupWorker({ concurrency: 4, deadLetterBudget: SMALL })
    const { worker, client, memory } = setup
    const up = dependency()
    up.isUp = true
    worker.handle(single, up.call)
    const slow = once(worker, 'backing_off')
    const recovered = once(worker, 'recovered')
    const inputs = Array.from({ length: 40 }, (_, n) => ({ input: n % 2 === 0 ? 'bad' : 'good' }))
    await worker.start()
    await client.enqueueMany(single, inputs)
    expect(await slow).toEqual({ type: 'single', reason: 'budget', withheld: SMALL.burst + 1 })
    expect(worker.backingOff).toEqual(['single'])
    let deadLetters = 0
    worker.on('dead_letter', () => (deadLetters += 1))
    for (let minute = 1; minute <= 20; minute++) {
      await pass(setup, 60)
      const { completed, dead_letter } = await memory.stats()
      expect(dead_letter).toBeLessThanOrEqual(SMALL.burst + completed * SMALL.perSuccess + minute * SMALL.perMinute)
    }
    await recovered
    expect(await memory.stats()).toMatchObject({ completed: 20, dead_letter: 20, running: 0, pending: 0 })
    expect(up.runs).toHaveLength(40)
  })
})

describe('an outage of what the handlers call', () => {
  test('stops the type, probes it ever more rarely, and lets it work its way up again', async () => {
    await using setup = setupWorker({ concurrency: 8, deadLetterBudget: { pauseMaxMs: 8_000 } })
    const { worker, client, memory, lines } = setup
    const it = dependency()
    worker.handle(work, it.call)
    const slow = once(worker, 'backing_off')
    const recovered = once(worker, 'recovered')
    await client.enqueueMany(
      work,
      Array.from({ length: 200 }, (_, n) => ({ input: `${n}`, options: { maxAttempts: 'unlimited' as const } })),
    )
    await worker.start()
    expect(await slow).toEqual({ type: 'work', reason: 'failures', withheld: 0 })
    await turns()
    expect(it.runs).toHaveLength(FAILURES_IN_A_ROW)
    await pass(setup, 60)
    // Pauses of 1, 2, 4 and then 8 s, each up to half shorter.
    expect(it.runs.length - FAILURES_IN_A_ROW).toBeGreaterThanOrEqual(8)
    expect(it.runs.length - FAILURES_IN_A_ROW).toBeLessThanOrEqual(17)
    expect(worker.backingOff).toEqual(['work'])
    it.isUp = true
    await pass(setup, 8)
    await recovered
    await turns(200)
    expect(await memory.stats()).toMatchObject({ completed: 200, dead_letter: 0 })
    expect(lines.map(({ message }) => message)).toEqual([
      'a type backs off: claims of it are slowed down',
      'a type has recovered: claims of it are at full pace again',
    ])
    expect(worker.backingOff).toEqual([])
  })

  test('what is withheld meanwhile runs once more when it is over', async () => {
    await using setup = setupSmall()
    const { worker } = setup
    const it = dependency()
    worker.handle(work, it.call)
    const slow = once(worker, 'backing_off')
    await worker.start()
    const handles = await enqueue(setup, work, ['a', 'b', 'c', 'd'])
    expect(await slow).toMatchObject({ reason: 'failures', withheld: 1 })
    await pass(setup, 3) // two probes, after a second and after two: both attempts of d
    expect(await statuses(handles)).toEqual(['dead_letter', 'dead_letter', 'running', 'running'])
    it.isUp = true
    const [e] = await enqueue(setup, work, ['e'])
    await pass(setup, 4)
    expect(await e?.result()).toBe('done')
    await turns()
    expect(await statuses(handles)).toEqual(['dead_letter', 'dead_letter', 'completed', 'completed'])
    expect(it.runs.filter(input => input === 'c')).toHaveLength(3) // two attempts, the second twice
  })

  test('but not where one attempt was asked for: that waits for a credit', async () => {
    await using setup = setupSmall()
    const { worker } = setup
    const it = dependency()
    worker.handle(single, it.call)
    const slow = once(worker, 'backing_off')
    await worker.start()
    const handles = await enqueue(setup, single, ['a', 'b', 'c'])
    await slow
    it.isUp = true
    const more = await enqueue(setup, single, ['d', 'e', 'f', 'g'])
    await pass(setup, 1)
    expect(await statuses([...handles, ...more])).toEqual([
      ...['dead_letter', 'dead_letter', 'dead_letter'],
      ...['completed', 'completed', 'completed', 'completed'],
    ])
    expect(it.runs).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })

  test('while it lasts, credits that were left are kept, and one a minute is spent', async () => {
    await using setup = setupWorker({ concurrency: 30 })
    const { worker, client, memory } = setup
    const { opened, open } = gate()
    worker.handle(work, async () => {
      await opened
      throw new Error('it is down')
    })
    const started = many(worker, 'started', 30)
    const slow = once(worker, 'backing_off')
    // Twenty failures that stop the type, and ten last ones that come when it has stopped.
    const first = Array.from({ length: FAILURES_IN_A_ROW }, () => ({ input: 'x', options: { maxAttempts: 50 } }))
    const last = Array.from({ length: 10 }, () => ({ input: 'x', options: { maxAttempts: 1 } }))
    await client.enqueueMany(work, [...first, ...last])
    await worker.start()
    await started
    open()
    await slow
    await turns()
    expect(await memory.stats()).toMatchObject({ dead_letter: 0, running: 10 })
    await pass(setup, 150)
    expect((await memory.stats()).dead_letter).toBe(2)
  })

  test('a probe that fails by its own fault, and one that is cancelled, make room for the next at once', async () => {
    await using setup = setupSmall()
    const { worker } = setup
    const it = dependency()
    worker.handle(work, (input, ctx) => {
      if (input === 'own') throw new NonRetryableError('no')
      if (input !== 'hangs') return it.call(input)
      return new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    })
    const slow = once(worker, 'backing_off')
    await worker.start()
    const [, , , own, hangs, last] = await enqueue(setup, work, ['a', 'b', 'c', 'own', 'hangs', 'last'])
    await slow
    it.isUp = true
    const started = many(worker, 'started', 2)
    await pass(setup, 1)
    expect((await started)[1]).toMatchObject({ id: hangs?.id })
    expect(await own?.status()).toBe('failed')
    await hangs?.cancel()
    expect(await last?.status()).toBe('pending')
    await pass(setup, 6)
    expect(await hangs?.status()).toBe('cancelled')
    expect(await last?.status()).toBe('completed')
  })

  test('handlers that choose their delay never stop their type', async () => {
    await using setup = setupWorker()
    const { worker, client } = setup
    worker.handle(work, () => {
      throw new RetryAfterError({ delayMs: 60_000 })
    })
    const settled = many(worker, 'settled', 3 * FAILURES_IN_A_ROW)
    await worker.start()
    await client.enqueueMany(
      work,
      Array.from({ length: 3 * FAILURES_IN_A_ROW }, () => ({ input: 'x' })),
    )
    await settled
    expect(worker.backingOff).toEqual([])
  })
})

describe('other types', () => {
  test.each([1, 10])('run on, with %i slots shared, while one has stopped', async concurrency => {
    await using setup = setupWorker({ concurrency })
    const { worker, client } = setup
    const it = dependency()
    worker.handle(work, it.call).handle(other, n => n)
    const slow = once(worker, 'backing_off')
    await worker.start()
    await client.enqueueMany(
      work,
      Array.from({ length: 200 }, () => ({ input: 'x' })),
    )
    await slow
    await turns()
    const runs = it.runs.length
    const completed = many(worker, 'settled', 500)
    await client.enqueueMany(
      other,
      Array.from({ length: 500 }, (_, n) => ({ input: n })),
    )
    // Time stands still, so nothing of the type that has stopped may run.
    expect((await completed).every(({ type, outcome }) => type === 'other' && outcome === 'completed')).toBe(true)
    expect(it.runs).toHaveLength(runs)
    const one = await client.enqueue(other, 1)
    expect(await one.result()).toBe(1) // it waited for nothing, although nothing was ready before
  })

  test('a probe is claimed as soon as there is something to probe with', async () => {
    await using setup = setupSmall()
    const { worker, client } = setup
    const it = dependency()
    worker.handle(work, it.call).handle(other, n => n)
    const slow = once(worker, 'backing_off')
    await worker.start()
    await enqueue(setup, work, ['bad1', 'bad2', 'bad3'])
    await slow
    it.isUp = true
    await pass(setup, 5)
    const handle = await client.enqueue(work, 'good')
    expect(await handle.result()).toBe('done')
  })

  test.each(['afterwards', 'while the others are looked at'] as const)(
    'a probe is claimed when the pause is over although nothing of them is ready, and once it succeeds %s two more are',
    async when => {
      const { opened, open } = gate()
      let onLook = (): void => undefined
      const looking = (memory: Storage): Storage =>
        intercepted(memory, async ({ timeoutMs }) => {
          if (timeoutMs > 0) return
          onLook()
          await turns(5)
        })
      await using setup = setupWorker({ concurrency: 4, deadLetterBudget: SMALL }, looking)
      const { worker, client } = setup
      let isUp = false
      worker
        .handle(work, async () => {
          if (!isUp) throw new Error('it is down')
          await opened
        })
        .handle(other, n => n)
      const slow = once(worker, 'backing_off')
      await client.enqueueMany(
        work,
        Array.from({ length: 40 }, () => ({ input: 'x', options: { maxAttempts: 'unlimited' as const } })),
      )
      await worker.start()
      await slow
      await turns(50)
      isUp = true
      const [probe, after] = [once(worker, 'started'), many(worker, 'started', 3)]
      // Not in the round that claimed the probe, which is followed by another anyway, but in the next.
      let looks = 0
      const openAtSecond = (): void => {
        if (++looks === 2) open()
      }
      if (when !== 'afterwards') worker.on('started', () => (onLook = openAtSecond))
      await setup.clock.advance(1_000)
      await probe
      if (when === 'afterwards') {
        await turns(50)
        open()
      }
      expect(await after).toHaveLength(3) // time stands still
    },
  )
})

describe('an activity that always fails', () => {
  test('does not keep the others of its type waiting after an outage', async () => {
    await using setup = setupSmall()
    const { worker, memory } = setup
    const it = dependency()
    worker.handle(work, it.call)
    const slow = once(worker, 'backing_off')
    await worker.start()
    const good = Array.from({ length: 10 }, (_, n) => `good${n}`)
    const bad = await enqueue(setup, work, ['bad1', 'bad2', 'bad3', 'bad4', 'bad5', 'bad6'])
    const handles = await enqueue(setup, work, good)
    await slow
    it.isUp = true
    await pass(setup, 60)
    expect((await memory.stats()).completed).toBe(0) // as many are withheld as there is room for
    await pass(setup, 120)
    expect(new Set(await statuses(handles))).toEqual(new Set(['completed']))
    await pass(setup, 120)
    expect(new Set(await statuses(bad))).toEqual(new Set(['dead_letter']))
    const runs = bad.map((_, n) => it.runs.filter(input => input === `bad${n + 1}`).length)
    expect(Math.max(...runs)).toBeLessThanOrEqual(3)
    expect(await memory.stats()).toMatchObject({ running: 0, pending: 0 })
  })
})

describe('what is withheld', () => {
  /** One withheld failure, of an activity of two attempts. */
  async function withheldOne(setup: WorkerSetup): Promise<Handle> {
    const { worker } = setup
    const it = dependency()
    it.isUp = true
    worker.handle(work, it.call)
    const withheld = once(worker, 'withheld')
    await worker.start()
    const handles = await enqueue(setup, work, ['bad1', 'bad2', 'bad3'])
    const { id } = await withheld
    await turns()
    const handle = handles.find(each => each.id === id)
    expect(await handle?.status()).toBe('running')
    return handle ?? expect.unreachable('it is one of the three')
  }

  test('ends as cancelled at the next renewal when that is asked for', async () => {
    await using setup = setupSmall({ leaseMs: 6_000 })
    const handle = await withheldOne(setup)
    expect(await handle.cancel()).toEqual({ outcome: 'cancel_requested' })
    await setup.clock.advance(2_000)
    expect(await handle.status()).toBe('cancelled')
    await setup.worker.idle()
  })

  test('is forgotten when its lease is lost', async () => {
    await using setup = setupSmall({ leaseMs: 6_000 })
    const { worker, clock, memory } = setup
    const handle = await withheldOne(setup)
    const lost = once(worker, 'lease_lost')
    await memory.fixtures.expireLease({ id: handle.id })
    expect(await memory.requeueExpired({ limit: 1 })).toMatchObject({ deadLettered: 1 })
    await clock.advance(2_000)
    expect(await lost).toMatchObject({ id: handle.id, attempt: 2 })
    await worker.idle()
    let settlements = 0
    worker.on('lease_lost', () => (settlements += 1))
    worker.on('settled', () => (settlements += 1))
    await pass(setup, 61)
    expect(settlements).toBe(0)
    expect(worker.load.settling).toBe(0)
    expect(await handle.status()).toBe('dead_letter')
  })

  test('is given back uncounted at a stop', async () => {
    await using setup = setupSmall()
    const handle = await withheldOne(setup)
    expect(await setup.worker.stop()).toEqual({ drained: false, remaining: 1 })
    expect(await setup.client.inspect.get(handle.id)).toMatchObject({ status: 'pending', attempt: 2, retryCount: 1 })
  })

  test('at a stop is a dead letter after all where one attempt was asked for', async () => {
    await using setup = setupSmall()
    const { worker } = setup
    worker.handle(single, () => {
      throw new Error('no')
    })
    const withheld = once(worker, 'withheld')
    await worker.start()
    const handles = await enqueue(setup, single, ['a', 'b', 'c'])
    await withheld
    expect(await worker.stop()).toEqual({ drained: true, remaining: 0 })
    expect(new Set(await statuses(handles))).toEqual(new Set(['dead_letter']))
  })

  test('a last failure during a stop is given back, too, when no credit is left', async () => {
    await using setup = setupSmall({ concurrency: 2 })
    const { worker } = setup
    const { opened, open } = gate()
    worker.handle(work, async input => {
      if (input === 'slow') await opened
      throw new RetryAfterError({ delayMs: 0 }) // counts also while the worker stops
    })
    const withheld = once(worker, 'withheld')
    await worker.start()
    const slow = await setup.client.enqueue(work, 'slow', { maxAttempts: 1 })
    const slowTwo = await setup.client.enqueue(work, 'other', { maxAttempts: 2 })
    await enqueue(setup, work, ['b', 'c', 'd'])
    await withheld
    const stopping = worker.stop()
    open()
    await stopping
    expect(await slow.status()).toBe('dead_letter')
    expect(['dead_letter', 'pending']).toContain(await slowTwo.status())
    expect((await setup.memory.stats()).running).toBe(0)
  })
})

test('a claim that fails while a type is slowed down is made again', async () => {
  let isBroken = false
  const breaking = (memory: Storage): Storage =>
    intercepted(memory, () => {
      if (isBroken) throw new ErrandError('unavailable', 'as planned')
    })
  await using setup = setupSmall({}, breaking)
  const { worker, client, memory } = setup
  const it = dependency()
  worker.handle(work, it.call)
  const slow = once(worker, 'backing_off')
  await worker.start()
  for (const input of ['a', 'b', 'c', 'd']) await client.enqueue(work, input)
  await slow
  await turns()
  isBroken = true
  it.isUp = true
  const failed = many(worker, 'error', 2)
  await pass(setup, 2)
  expect((await failed)[1]).toMatchObject({ during: 'claiming' })
  isBroken = false
  await pass(setup, 5)
  expect(await memory.stats()).toMatchObject({ dead_letter: 2, completed: 2 })
})

test('false: whatever dies is a dead letter at once', async () => {
  await using setup = setupWorker({ deadLetterBudget: false })
  const { worker, client, memory } = setup
  worker.handle(single, () => {
    throw new Error('no')
  })
  const settled = many(worker, 'settled', 100)
  await worker.start()
  await client.enqueueMany(
    single,
    Array.from({ length: 100 }, () => ({ input: 'x' })),
  )
  await settled
  expect((await memory.stats()).dead_letter).toBe(100)
})

test.each([
  [{ burst: 0 }, 'deadLetterBudget.burst is 0; it must be a whole number from 1 to 1000.'],
  [{ perSuccess: 1.5 }, 'deadLetterBudget.perSuccess is 1.5; it must be a number from 0 to 1.'],
  [{ perMinute: Number.NaN }, 'deadLetterBudget.perMinute is NaN; it must be a number from 0.1 to 1000.'],
  [{ pauseMaxMs: 1 }, 'deadLetterBudget.pauseMaxMs is 1; it must be a whole number from 10 to 3600000.'],
  [{ bursts: 1 }, "there is no option 'deadLetterBudget.bursts'; known are burst, perSuccess, perMinute, pauseMaxMs."],
  [[], 'deadLetterBudget is an array; it must be false or its settings.'],
  [true, 'deadLetterBudget is true; it must be false or its settings.'],
])('%j is refused', (deadLetterBudget, text) => {
  const options = Object.assign({ storage: new MemoryStorage() }, { deadLetterBudget })
  expect(() => new Worker(options as ConstructorParameters<typeof Worker>[0])).toThrow(text)
})
