// Kafka and Redis restarted, and Redis emptied, under a worker at work. The file has servers of its own, which its tests
// break one after another.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { PrivateStack } from '../../scripts/stack/private-stack.ts'
import { openPrivateStack } from '../../scripts/stack/private-stack.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { RetryAfterError } from '../../src/core/errors.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { EnqueueAnswer } from '../../src/storage/storage.ts'
import { Worker } from '../../src/worker/worker.ts'
import { countOutcomes, ObservedNamespace, runAlone, settledTwice } from '../support/observed-namespace.ts'
import { gate } from '../support/worker-setup.ts'

const LEASE_MS = 2_000
const work = defineActivity({
  type: 'work',
  input: z.enum(['quick', 'gated', 'retried']),
  timeoutMs: 120_000,
})

let stack: PrivateStack
beforeAll(async () => {
  stack = await openPrivateStack({ brokers: 1 })
})
afterAll(() => stack.stop())

/** A worker in this process, with every start of a handler noted. */
async function setup({ concurrency = 20, hasReaper = true } = {}) {
  const observed = await ObservedNamespace.open({ types: [work.type], servers: stack })
  const storage = await observed.openAnother({ sessionTimeoutMs: 3_000, commitIntervalMs: 200 })
  const worker = new Worker({
    ...{ storage, concurrency, leaseMs: LEASE_MS, graceMs: 2_000 },
    reaper: hasReaper && { intervalMs: 100 },
  })
  const door = gate()
  const starts: string[] = []
  const looks = new Set<() => void>()
  worker.handle(work, async (input, { id, attempt }) => {
    starts.push(`${id} attempt ${attempt}`)
    for (const look of looks) look()
    if (input === 'gated') await door.opened
    if (input === 'retried' && attempt === 1) throw new RetryAfterError({ delayMs: 4_000 })
  })
  await worker.start()
  return {
    ...{ observed, storage, worker, starts },
    openDoor: door.open,
    /** Waits until so many handlers have started. */
    started: (count: number) =>
      new Promise<void>(resolve => {
        const look = (): void => {
          if (starts.length < count) return
          looks.delete(look)
          resolve()
        }
        looks.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      door.open()
      await worker.stop()
      await storage.close()
      await observed[Symbol.asyncDispose]()
    },
  }
}

let made = 0

function activity(input: z.infer<typeof work.input & z.ZodType>, spec: Partial<ActivitySpec> = {}) {
  const ids = { next: () => `r-${(made += 1)}` }
  return newActivity(
    { ...spec, type: work.type, payload: input, timeoutMs: 120_000 },
    { ids, nowMs: systemClock.nowMs() },
  )
}

/** Enqueues, and says how long the answers took. */
async function timed(storage: KafkaStorage, activities: readonly ReturnType<typeof activity>[], deadlineMs: number) {
  const startedMs = systemClock.monotonicMs()
  const answers = await storage.enqueueMany({ activities, deadlineMs })
  return { answers, tookMs: systemClock.monotonicMs() - startedMs }
}

function outcomesOf(answers: readonly EnqueueAnswer[]): string[] {
  return [...new Set(answers.map(({ outcome }) => outcome))].sort()
}

function repeated(list: readonly string[]): string[] {
  return list.filter((each, at) => list.indexOf(each) !== at)
}

describe('a broker that is killed and started again', () => {
  test('makes enqueues created or unavailable; all end, and what is repeated with its id runs once', async () => {
    await using context = await setup()
    const { observed, starts } = context
    const said = new Map<string, number>()
    const ids: string[] = []
    let isOver = false
    const producer = async (): Promise<void> => {
      while (!isOver) {
        let left = Array.from({ length: 5 }, () => activity('quick'))
        ids.push(...left.map(({ id }) => id))
        while (left.length > 0) {
          const { answers } = await timed(observed.storage, left, 500)
          for (const { outcome } of answers) said.set(outcome, (said.get(outcome) ?? 0) + 1)
          left = left.filter((_, at) => answers[at]?.outcome === 'unavailable')
        }
        await systemClock.sleep(100)
      }
    }
    const producers = Promise.all(Array.from({ length: 3 }, producer))
    await context.started(100)
    const killedMs = systemClock.monotonicMs()
    await stack.killBroker(1)
    await stack.startBroker(1)
    const awayMs = systemClock.monotonicMs() - killedMs
    const before = starts.length
    await context.started(before + 100)
    isOver = true
    await producers
    const againMs = systemClock.monotonicMs() - killedMs
    await observed.ended(ids)
    console.log(
      `broker away for ${awayMs.toFixed(0)} ms; 100 more handlers ${againMs.toFixed(0)} ms after the kill; ` +
        `${ids.length} activities, answers ${JSON.stringify([...said])}`,
    )
    expect([...said.keys()].sort()).toEqual(['created', 'unavailable'])
    expect(repeated(starts), runAlone()).toEqual([])
    expect(starts.length).toBe(ids.length)
    const outcomes = await observed.outcomes()
    expect(settledTwice(outcomes), runAlone()).toEqual([])
    expect(countOutcomes(outcomes)).toEqual({ completed: ids.length })
  })
})

describe('a Redis that is killed and started again', () => {
  test('stops no unkeyed enqueue, makes keyed ones unavailable in time, and no running attempt is reaped on its return', async () => {
    await using context = await setup()
    const { observed, storage, starts } = context
    const running = Array.from({ length: 20 }, () => activity('gated'))
    await timed(storage, running, 5_000)
    await context.started(20)
    await stack.killRedis()
    const awayMs = systemClock.monotonicMs()
    const plain = [...Array.from({ length: 50 }, () => activity('quick')), activity('quick', { delayMs: 1_500 })]
    const keyed = Array.from({ length: 5 }, (_, n) => activity('quick', { key: `key-${made}-${n}` }))
    const [unkeyed, refused] = await Promise.all([timed(storage, plain, 2_000), timed(storage, keyed, 1_000)])
    console.log(
      `Redis away: unkeyed ${unkeyed.tookMs.toFixed(0)} ms, keyed ${refused.tookMs.toFixed(0)} ms (1,000 given)`,
    )
    expect(outcomesOf(unkeyed.answers), runAlone()).toEqual(['created'])
    expect(unkeyed.tookMs).toBeLessThan(2_500)
    expect(outcomesOf(refused.answers), runAlone()).toEqual(['unavailable'])
    expect(refused.tookMs).toBeLessThan(1_500)
    await systemClock.sleep(Math.max(0, 1.5 * LEASE_MS - (systemClock.monotonicMs() - awayMs)))
    await stack.startRedis()
    const backMs = systemClock.monotonicMs()
    context.openDoor()
    const again = await timed(storage, keyed, 10_000)
    expect(again.answers.every(({ outcome }) => outcome === 'created' || outcome === 'existing')).toBe(true)
    const ids = [...running, ...plain, ...keyed].map(({ id }) => id)
    await observed.ended(ids)
    console.log(`all ended ${(systemClock.monotonicMs() - backMs).toFixed(0)} ms after Redis was back`)
    expect(repeated(starts), runAlone()).toEqual([])
    expect(countOutcomes(await observed.outcomes())).toEqual({ completed: ids.length })
  })
})

describe('a Redis that was away for longer than leases last', () => {
  test('has no lease taken back on its return before its holder could renew it', async () => {
    await using observed = await ObservedNamespace.open({ types: [work.type], servers: stack })
    const { storage } = observed
    await storage.subscribe({ types: [work.type] })
    const given = Array.from({ length: 5 }, () => activity('quick'))
    await timed(storage, given, 5_000)
    const held: { readonly id: string; readonly leaseId: string }[] = []
    while (held.length < 5) {
      const claimed = await storage.dequeue({ workerId: 'w', timeoutMs: 5_000, limit: 5, leaseMs: 500 })
      held.push(...claimed.map(({ activity: { id }, leaseId }) => ({ id, leaseId })))
    }
    await stack.killRedis()
    await systemClock.sleep(700)
    await stack.startRedis()
    expect(await storage.requeueExpired({ limit: 10 }), runAlone()).toEqual({
      requeued: 0,
      deadLettered: 0,
      cancelled: 0,
      taken: [],
    })
    const renewed = await storage.extendLeases({ leases: held.map(lease => ({ ...lease, byMs: 10_000 })) })
    expect(renewed.map(({ outcome }) => outcome)).toEqual(held.map(() => 'renewed'))
    expect(await storage.ackSuccess({ leases: held })).toEqual(held.map(() => 'settled'))
  })
})

describe('a Redis that freezes', () => {
  test('delays no answer beyond its deadline, and what was accepted meanwhile ends', async () => {
    await using context = await setup()
    const { observed, storage, starts } = context
    const plain = [activity('quick'), activity('quick', { delayMs: 500 })]
    const keyed = [activity('quick', { key: `frozen-${made}` })]
    await stack.killRedis('SIGSTOP')
    const [unkeyed, refused] = await Promise.all([timed(storage, plain, 1_000), timed(storage, keyed, 1_000)])
    const known = await timed(observed.storage, [activity('quick', { key: `frozen-${made}-2` })], 500)
    await stack.killRedis('SIGCONT')
    expect(outcomesOf(unkeyed.answers), runAlone()).toEqual(['created'])
    expect(outcomesOf([...refused.answers, ...known.answers]), runAlone()).toEqual(['unavailable'])
    expect(Math.max(unkeyed.tookMs, refused.tookMs, known.tookMs)).toBeLessThan(1_500)
    const again = await timed(storage, keyed, 10_000)
    expect(['created', 'existing']).toContain(again.answers[0]?.outcome)
    await observed.ended([...plain, ...keyed].map(({ id }) => id))
    expect(repeated(starts), runAlone()).toEqual([])
  })
})

describe('a Redis that comes back empty', () => {
  test('costs nothing that was accepted: what was pending, running, scheduled or retried ends', async () => {
    await using context = await setup({ concurrency: 22 })
    const { observed, storage } = context
    const retried = Array.from({ length: 2 }, () => activity('retried'))
    const running = Array.from({ length: 20 }, () => activity('gated'))
    const scheduled = Array.from({ length: 10 }, () => activity('quick', { delayMs: 4_000 }))
    await timed(storage, [...retried, ...running, ...scheduled], 5_000)
    await context.started(22)
    await systemClock.sleep(300) // the two retries leave their slots, which two of the pending then take
    const pending = Array.from({ length: 30 }, () => activity('gated'))
    const keyed = Array.from({ length: 5 }, (_, n) => activity('gated', { key: `key-${made}-${n}` }))
    await timed(storage, [...pending, ...keyed], 5_000)
    await context.started(24)
    await stack.killRedis()
    await stack.startRedis({ isEmpty: true })
    const emptiedMs = systemClock.monotonicMs()
    context.openDoor()
    const ids = [...retried, ...running, ...scheduled, ...pending, ...keyed].map(({ id }) => id)
    const ends = await observed.ended(ids, 40_000)
    console.log(
      `all ${ids.length} ended ${(systemClock.monotonicMs() - emptiedMs).toFixed(0)} ms after Redis came back empty`,
    )
    expect(countOutcomes([...ends.values()])).toEqual({ completed: ids.length })
    expect(retried.map(({ id }) => ends.get(id)?.attempt)).toEqual([2, 2])
  })

  test('has its schedule restored also when somebody opens a storage before a reaper looks', async () => {
    await using observed = await ObservedNamespace.open({ types: [work.type], servers: stack })
    const far = Array.from({ length: 5 }, () => activity('quick', { delayMs: 3_600_000 }))
    await timed(observed.storage, far, 5_000)
    expect((await observed.storage.stats()).scheduled).toBe(5)
    await stack.killRedis()
    await stack.startRedis({ isEmpty: true })
    await (await observed.openAnother()).close()
    await observed.storage.requeueExpired({ limit: 10 })
    expect((await observed.storage.stats()).scheduled, runAlone()).toBe(5)
    expect((await observed.storage.list({ status: 'scheduled' })).items.map(({ id }) => id).sort()).toEqual(
      far.map(({ id }) => id).sort(),
    )
  })

  test('wakes who waits for a result of what ends from then on', async () => {
    await using context = await setup()
    const [waited] = [activity('gated')]
    await timed(context.storage, [waited], 5_000)
    await context.started(1)
    const result = context.observed.storage.awaitResult({ id: waited.id })
    await stack.killRedis()
    await stack.startRedis({ isEmpty: true })
    context.openDoor()
    expect(await result).toMatchObject({ state: 'ok' })
  })
})
