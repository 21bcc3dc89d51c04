import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import type { Storage } from '../storage/storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { failing, memoryLogger } from '../../test/support/worker-setup.ts'
import type { ReaperTuning } from './reaper-options.ts'
import { Reaper } from './reaper.ts'

const work = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 2 })

async function setup(tuning: ReaperTuning = {}, plan: Partial<Record<keyof Storage, number>> = {}) {
  const clock = new ManualClock()
  const memory = new MemoryStorage({ clock })
  const { storage, calls } = failing(memory, plan)
  const { logger, lines } = memoryLogger()
  await memory.subscribe({ types: ['work'] })
  const client = new Client({ storage: memory, clock })
  return { clock, memory, calls, lines, client, reaper: new Reaper({ storage, clock, logger, ...tuning }) }
}

test('a round takes at most a batch of expired leases back, and never a live one', async () => {
  const { clock, memory, client, reaper } = await setup({ batch: 3 })
  await client.enqueueMany(
    work,
    Array.from({ length: 6 }, (_, input) => ({ input })),
  )
  await memory.dequeue({ workerId: 'dead', timeoutMs: 0, limit: 5, leaseMs: 1_000 })
  await memory.dequeue({ workerId: 'alive', timeoutMs: 0, limit: 1, leaseMs: 60_000 })
  expect(await reaper.tick()).toMatchObject({ requeued: 0, failures: 0 })
  await clock.advance(1_001)
  expect(await reaper.tick()).toEqual({ requeued: 3, deadLettered: 0, cancelled: 0, confirmed: 0, failures: 0 })
  expect(await reaper.tick()).toMatchObject({ requeued: 2 })
  expect(await reaper.tick()).toMatchObject({ requeued: 0 })
  expect(await memory.stats()).toMatchObject({ pending: 5, running: 1 })
})

test('a chore that fails is logged and counted, and the others are done all the same', async () => {
  const { calls, lines, reaper } = await setup({}, { requeueExpired: 1 })
  expect(await reaper.tick()).toMatchObject({ failures: 1, confirmed: 0 })
  expect(calls.get('confirmReservations')).toBe(1)
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'error', message: 'taking expired leases back failed; trying again' }),
  )
})

test('lanes are trimmed every minute, the schedule is swept every ten, neither in the first round', async () => {
  const { clock, calls, reaper } = await setup()
  for (let second = 0; second < 1_200; second += 10) {
    await reaper.tick()
    await clock.advance(10_000)
  }
  expect(calls.get('trimLanes')).toBe(19)
  expect(calls.get('sweepScheduled')).toBe(1)
})

describe('the scheduler', () => {
  test('moves what is due, batch by batch, and says when to come again', async () => {
    const { clock, calls, client, reaper } = await setup({ batch: 2 })
    await client.enqueueMany(
      work,
      Array.from({ length: 5 }, (_, input) => ({ input, options: { delayMs: 100 } })),
    )
    await client.enqueue(work, null, { delayMs: 500 })
    expect(await reaper.scheduler.tick()).toEqual({ moved: 0, nextDueInMs: 100, failed: false })
    await clock.advance(100)
    expect(await reaper.scheduler.tick()).toEqual({ moved: 5, nextDueInMs: 400, failed: false })
    expect(calls.get('processScheduled')).toBe(4)
  })

  test('its loop is there when something is due, and at its interval for what is scheduled elsewhere', async () => {
    const { clock, memory, client, reaper } = await setup({ scheduleIntervalMs: 250 })
    await reaper.start()
    await client.enqueue(work, null, { delayMs: 60 })
    await clock.advance(250)
    expect(await memory.stats()).toMatchObject({ pending: 1, scheduled: 0 })
    await client.enqueue(work, null, { delayMs: 310 })
    await clock.advance(309)
    expect(await memory.stats()).toMatchObject({ pending: 1, scheduled: 1 })
    await clock.advance(1)
    expect(await memory.stats()).toMatchObject({ pending: 2, scheduled: 0 })
    await reaper.stop()
  })
})

describe('the loops', () => {
  test('take expired leases back within an interval, and stop for good', async () => {
    const { clock, memory, client, reaper } = await setup()
    await client.enqueue(work, null)
    await memory.dequeue({ workerId: 'dead', timeoutMs: 0, leaseMs: 1_500 })
    await reaper.start()
    await reaper.start()
    await clock.advance(2_001)
    expect(await memory.stats()).toMatchObject({ pending: 1, running: 0 })
    expect(await reaper.stop()).toEqual({ drained: true, remaining: 0 })
    expect(clock.pendingTimers).toBe(0)
    await expect(reaper.start()).rejects.toMatchObject({ code: 'conflict' })
  })

  test('back off while the storage is away, and never end', async () => {
    const { clock, calls, reaper } = await setup({}, { requeueExpired: 4, processScheduled: 4 })
    await reaper.start()
    await clock.advance(10_000)
    const [reaps, looks] = [calls.get('requeueExpired'), calls.get('processScheduled')]
    expect(reaps).toBe(3)
    await clock.advance(60_000)
    expect(calls.get('requeueExpired')).toBeGreaterThan(20)
    expect(calls.get('processScheduled')).toBeGreaterThan((looks ?? 0) + 100)
    await reaper.stop()
  })

  test('a backlog of expired leases does not wait for the interval', async () => {
    const { clock, memory, client, reaper } = await setup({ batch: 10 })
    await client.enqueueMany(
      work,
      Array.from({ length: 100 }, (_, input) => ({ input })),
    )
    await memory.dequeue({ workerId: 'dead', timeoutMs: 0, limit: 100, leaseMs: 100 })
    await clock.advance(101)
    await reaper.start()
    await clock.advance(200)
    expect(await memory.stats()).toMatchObject({ pending: 100 })
    await reaper.stop()
  })
})

test('options are checked, all at once', () => {
  expect(() => new Reaper({ storage: new MemoryStorage(), intervalMs: 1, batch: 0 })).toThrow(
    /intervalMs is 1.*batch is 0/,
  )
})
