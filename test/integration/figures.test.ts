// How lanes stand, on real servers: without anybody who works, while somebody does, and while something holds a frontier.

import type { DataPoint } from '@opentelemetry/sdk-metrics'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { metrics } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Priority } from '../../src/core/priority.ts'
import { Reaper } from '../../src/reaper/reaper.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { LaneFigures, Storage } from '../../src/storage/storage.ts'
import { otelTelemetry } from '../../src/telemetry/otel.ts'
import type { Telemetry } from '../../src/telemetry/telemetry.ts'
import { silentTelemetry } from '../../src/telemetry/telemetry.ts'
import { openConsuming } from '../support/consuming.ts'
import { ObservedNamespace, runAlone } from '../support/observed-namespace.ts'

const MAIL = defineActivity({ type: 'mail', input: z.number(), maxAttempts: 1 })
const QUICK = { commitIntervalMs: 50, maxWaitMs: 50 }
const WAIT_MS_MAX = 20_000

let space: ObservedNamespace
beforeEach(async () => {
  space = await ObservedNamespace.open({ types: [MAIL.type], partitions: 2 })
})
afterEach(() => space[Symbol.asyncDispose]())

async function laneOf(storage: Storage, priority: Priority = 'normal'): Promise<LaneFigures | undefined> {
  return (await storage.laneFigures()).find(lane => lane.type === MAIL.type && lane.priority === priority)
}

/** Waits until a lane stands so. */
async function stands(storage: Storage, expected: Partial<LaneFigures>, priority?: Priority): Promise<void> {
  await expect
    .poll(() => laneOf(storage, priority), { timeout: WAIT_MS_MAX, message: runAlone() })
    .toMatchObject(expected)
}

async function claim(storage: KafkaStorage, count: number): Promise<ClaimedAttempt[]> {
  const claimed: ClaimedAttempt[] = []
  while (claimed.length < count) {
    const limit = count - claimed.length
    const some = await storage.dequeue({ workerId: 'w', timeoutMs: WAIT_MS_MAX, leaseMs: 3_600_000, limit })
    expect(some.length, runAlone()).toBeGreaterThan(0)
    claimed.push(...some)
  }
  return claimed
}

const complete = (storage: KafkaStorage, attempts: readonly ClaimedAttempt[]) =>
  storage.ackSuccess({ leases: attempts.map(({ activity, leaseId }) => ({ id: activity.id, leaseId })) })

describe('the figures of a lane', () => {
  test('show what waits where nobody works, from a process that only looks', async () => {
    const createdBeforeMs = systemClock.nowMs()
    await space.enqueueAll(
      MAIL,
      Array.from({ length: 12 }, (_, n) => n),
    )
    await space.enqueueAll(MAIL, [1, 2], { delayMs: 3_600_000, priority: 'low' })
    await using onlooker = await space.openAnother()
    await stands(onlooker, { pending: 12, running: 0, consumers: 0 })
    await stands(onlooker, { pending: 0, scheduled: 2, oldestPendingAtMs: null, frontierStuckMs: 0 }, 'low')
    const first = await laneOf(onlooker)
    expect(first?.oldestPendingAtMs).toBeGreaterThanOrEqual(createdBeforeMs)
    const second = await laneOf(onlooker)
    expect(second?.oldestPendingAtMs, 'the oldest stays the oldest').toBe(first?.oldestPendingAtMs)
    expect(second?.frontierStuckMs).toBeGreaterThan(0)
  })

  test('show what runs, ends and dies, alike from each process', async () => {
    const worker = await space.openAnother(QUICK)
    await worker.subscribe({ types: [MAIL.type] })
    await space.enqueueAll(MAIL, [1, 2, 3, 4])
    const attempts = await claim(worker, 3)
    const last = attempts.at(-1)
    for (const storage of [worker, space.storage]) await stands(storage, { pending: 1, running: 3, consumers: 1 })
    await complete(worker, attempts.slice(0, 1))
    const lease = { id: last?.activity.id ?? '', leaseId: last?.leaseId ?? '' }
    await worker.ackFailure({ ...lease, failure: { kind: 'retryable', error: { name: 'Error', message: 'no' } } })
    for (const storage of [worker, space.storage]) await stands(storage, { pending: 1, running: 1, deadLetters: 1 })
    await worker.close()
    await stands(space.storage, { pending: 2, running: 0, consumers: 0 })
  })

  test('show a frontier that a long attempt holds, and that it has moved when the attempt ends', async () => {
    await using worker = await space.openAnother(QUICK)
    await worker.subscribe({ types: [MAIL.type] })
    await space.enqueueAll(MAIL, [0])
    const [long] = await claim(worker, 1)
    const behind = 40
    await space.enqueueAll(
      MAIL,
      Array.from({ length: behind }, (_, n) => n),
    )
    await complete(worker, await claim(worker, behind))
    const partition = long?.coordinates?.partition
    // What shares the long one's partition is finished ahead of it; what is in the other one is not held by anything.
    await expect.poll(() => laneOf(space.storage), { timeout: WAIT_MS_MAX }).toMatchObject({ pending: 0, running: 1 })
    for (const storage of [worker, space.storage]) {
      await expect.poll(async () => (await laneOf(storage))?.finishedAhead, { timeout: WAIT_MS_MAX }).toBeGreaterThan(0)
      const held = await laneOf(storage)
      expect(held?.finishedAhead, `of partition ${partition}`).toBeLessThanOrEqual(behind)
      await expect
        .poll(async () => (await laneOf(storage))?.frontierStuckMs, { timeout: WAIT_MS_MAX })
        .toBeGreaterThan(300)
    }
    await complete(worker, long === undefined ? [] : [long])
    for (const storage of [worker, space.storage])
      await stands(storage, { running: 0, finishedAhead: 0, frontierStuckMs: 0 })
  })
})

class Reader extends MetricReader {
  async onForceFlush(): Promise<void> {}
  async onShutdown(): Promise<void> {}
}

test('a reaper shows them as gauges, an age that grows, and how late, how long and how often by the way', async () => {
  const reader = new Reader()
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  try {
    const telemetry = otelTelemetry()
    await space.enqueueAll(MAIL, [1, 2, 3])
    await space.enqueueAll(MAIL, [4], { delayMs: 300 })
    await using storage = await space.openAnother({ telemetry })
    await using reaper = new Reaper({ storage, telemetry, figures: { intervalMs: 1_000 } })
    await reaper.start()
    const points = async (name: string): Promise<DataPoint<unknown>[]> => {
      const { resourceMetrics, errors } = await reader.collect()
      expect(errors).toEqual([])
      const all = resourceMetrics.scopeMetrics.flatMap(scope => scope.metrics)
      return all.filter(({ descriptor }) => descriptor.name === name).flatMap(({ dataPoints }) => [...dataPoints])
    }
    const gauge = async (name: string): Promise<unknown> =>
      (await points(name)).find(({ attributes }) => attributes['errand.activity.priority'] === 'normal')?.value
    await expect.poll(() => gauge('errand.lane.pending'), { timeout: WAIT_MS_MAX }).toBe(4)
    const ageS = Number(await gauge('errand.lane.oldest_pending.age'))
    expect(ageS).toBeGreaterThan(0)
    await expect.poll(() => gauge('errand.lane.oldest_pending.age')).toBeGreaterThan(ageS)
    await expect.poll(() => gauge('errand.frontier.hold.age'), { timeout: WAIT_MS_MAX }).toBeGreaterThan(0)
    expect((await points('errand.scheduler.lateness')).map(({ value }) => (value as { count: number }).count)).toEqual([
      1,
    ])
    const scripts = (await points('errand.side_store.duration')).map(
      ({ attributes }) => attributes['errand.side_store.script'],
    )
    expect(scripts).toEqual(expect.arrayContaining(['due', 'expired', 'generation']))
  } finally {
    metrics.disable()
    await provider.shutdown()
  }
})

describe('a group that is not quiet', () => {
  test('counts joins after the first, with the type', async () => {
    const counted: string[] = []
    const count: Telemetry['count'] = (name, _, { type }) => void counted.push(`${name} ${type}`)
    await using first = await space.openAnother({ ...QUICK, telemetry: { ...silentTelemetry, count } })
    await first.subscribe({ types: [MAIL.type] })
    expect(counted).toEqual([])
    await using second = await space.openAnother(QUICK)
    await second.subscribe({ types: [MAIL.type] })
    await expect.poll(() => counted, { timeout: WAIT_MS_MAX }).toContain('rebalances mail')
  })

  test('tells of a consumer that was built anew', async () => {
    await using broker = await openConsuming()
    const [gone, stays] = [await broker.topic(1), await broker.topic(1)]
    const told = Promise.withResolvers<void>()
    const onChurn = (what: string): void => (what === 'rebuilds' ? told.resolve() : undefined)
    await using member = broker.member([gone, stays], { onChurn })
    await member.consumer.start()
    await broker.admin.deleteTopics({ topics: [gone] })
    await told.promise
    expect(member.joins).toBeGreaterThan(1)
  })
})
