// A Redis that comes back with an older state, as after a failover to a replica that was behind, or from a snapshot: what the
// log knows to have ended since then is told to it before anything is claimed or taken back.

import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Admin } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { delayTopic, schedulerGroup } from '../../src/core/topics.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { settled } from '../support/consuming.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const TYPE = 'work'
const HOUR_MS = 3_600_000
const FAILURE = { kind: 'retryable', error: { name: 'Error', message: 'no' } } as const
const namespace = freshNamespace('rollback')
const keys = new Keys(namespace)
const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

let redis: Redis
let storage: KafkaStorage
let admin: Admin
beforeAll(async () => {
  redis = new Redis(redisUrl())
  storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 })
  await storage.subscribe({ types: [TYPE] })
  admin = new Kafka({ brokers: kafkaBrokers(), clientId: 'looks', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
})
afterAll(async () => {
  await storage?.close()
  redis.disconnect()
  await admin?.disconnect()
  await dropTopics(namespace)
})

/** Enqueues one; it must be created. */
async function enqueued(spec: Partial<ActivitySpec>): Promise<string> {
  const activity = newActivity({ type: TYPE, payload: null, ...spec }, { ids, nowMs: systemClock.nowMs() })
  expect(await storage.enqueueMany({ activities: [activity] })).toMatchObject([{ outcome: 'created' }])
  return activity.id
}

/** Enqueues and claims one, with a lease that does not run out by itself. */
async function claimed(spec: Partial<ActivitySpec> = {}): Promise<ClaimedAttempt> {
  const activity = newActivity({ type: TYPE, payload: null, ...spec }, { ids, nowMs: systemClock.nowMs() })
  expect(await storage.enqueueMany({ activities: [activity] })).toMatchObject([{ outcome: 'created' }])
  const [attempt] = await storage.dequeue({ workerId: 'w', timeoutMs: 20_000, leaseMs: HOUR_MS })
  if (attempt?.activity.id === activity.id) return attempt
  throw new Error(`instead of ${activity.id} came ${attempt?.activity.id ?? 'nothing'}`)
}

const leaseOf = ({ activity, leaseId }: ClaimedAttempt) => ({ id: activity.id, leaseId })

/** All keys of the namespace as Redis itself writes them down. */
async function snapshot(): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const key of await namespaceKeys()) {
    const dump = await redis.dumpBuffer(key)
    if (dump !== null) found.set(key, dump)
  }
  return found
}

async function namespaceKeys(): Promise<string[]> {
  const tag = keys.leases.slice(0, keys.leases.indexOf('}') + 1)
  const found: string[] = []
  for await (const batch of redis.scanStream({ match: `${tag}*`, count: 1_000 }) as AsyncIterable<string[]>) {
    found.push(...batch)
  }
  return found
}

/** Puts an older state back. The run id that it remembers is that of the server which made it: another one. */
async function rollBack(to: ReadonlyMap<string, Buffer>): Promise<void> {
  const gone = await namespaceKeys()
  const transaction = redis.multi()
  if (gone.length > 0) transaction.del(...gone)
  for (const [key, dump] of to) transaction.restore(key, 0, dump)
  transaction.set(keys.generation, 'the run before')
  await transaction.exec()
}

/** Waits until who reads the schedule has read its tombstones: it takes nothing out of the index any more. */
async function scheduleRead(): Promise<void> {
  const groupId = schedulerGroup(namespace)
  const topic = delayTopic(namespace)
  await settled(async () => {
    const [of] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const offsets = new Map(of?.partitions.map(({ partition, offset }) => [partition, offset]))
    const ends = await admin.fetchTopicOffsets(topic)
    return ends.every(({ partition, high }) => high === '0' || offsets.get(partition) === high)
  })
}

test('what ended since does not run again, what is to be retried is retried once', { timeout: 60_000 }, async () => {
  const completed = await claimed()
  const retried = await claimed({ retryDelayMs: HOUR_MS })
  const exhausted = await claimed({ maxAttempts: 1 })
  const running = await claimed()
  const before = await snapshot()
  expect(await storage.ackSuccess({ leases: [{ ...leaseOf(completed), resultJson: '"done"' }] })).toEqual(['settled'])
  expect(await storage.ackFailure({ ...leaseOf(retried), failure: FAILURE })).toMatchObject({ outcome: 'retrying' })
  expect(await storage.ackFailure({ ...leaseOf(exhausted), failure: FAILURE })).toEqual({ outcome: 'dead_letter' })

  await rollBack(before)
  for (const attempt of [completed, retried, exhausted]) {
    // Redis believes that they run. They are as good as expired: nobody renews them.
    await storage.fixtures.expireLease({ id: attempt.activity.id })
  }
  expect(await storage.requeueExpired({ limit: 100 })).toMatchObject({ requeued: 0 })
  expect(await redis.del(keys.grace)).toBe(1) // nothing is reaped in the time of grace anyhow
  expect(await storage.requeueExpired({ limit: 100 })).toEqual({
    requeued: 0,
    deadLettered: 0,
    cancelled: 0,
    taken: [],
  })
  expect(await storage.getResult({ id: completed.activity.id })).toMatchObject({ state: 'ok', dataJson: '"done"' })
  expect(await storage.getResult({ id: exhausted.activity.id })).toMatchObject({ state: 'err' })
  expect(await storage.dequeue({ workerId: 'w', timeoutMs: 500, limit: 10, leaseMs: HOUR_MS })).toEqual([])

  await storage.fixtures.makeDue({ id: retried.activity.id })
  await storage.processScheduled({ limit: 100 })
  const again = await storage.dequeue({ workerId: 'w', timeoutMs: 20_000, limit: 10, leaseMs: HOUR_MS })
  expect(again.map(({ activity, attempt }) => [activity.id, attempt])).toEqual([[retried.activity.id, 2]])

  // What really ran goes on under its lease; and a settlement that is said again is answered as before.
  expect(await storage.ackSuccess({ leases: [{ ...leaseOf(running), resultJson: null }] })).toEqual(['settled'])
  expect(await storage.ackSuccess({ leases: [{ ...leaseOf(completed), resultJson: '"done"' }] })).toEqual(['settled'])
  const [first] = again
  if (first !== undefined) await storage.ackSuccess({ leases: [{ ...leaseOf(first), resultJson: null }] })
  expect(await storage.stats()).toMatchObject({ pending: 0, scheduled: 0, running: 0 })
})

describe('what is scheduled', () => {
  const inThreeDays = { delayMs: 72 * HOUR_MS }
  let cancelled: string
  let dispatched: ClaimedAttempt
  let waits: string
  let since: string

  beforeAll(async () => {
    cancelled = await enqueued(inThreeDays)
    const runs = await enqueued(inThreeDays)
    waits = await enqueued(inThreeDays)
    const before = await snapshot()
    expect(await storage.cancel({ id: cancelled })).toEqual({ outcome: 'cancelled' })
    await storage.fixtures.makeDue({ id: runs })
    await storage.processScheduled({ limit: 10 })
    const [attempt] = await storage.dequeue({ workerId: 'w', timeoutMs: 20_000, leaseMs: HOUR_MS })
    if (attempt?.activity.id !== runs) throw new Error(`instead of ${runs} came ${attempt?.activity.id ?? 'nothing'}`)
    dispatched = attempt
    await storage.ackSuccess({ leases: [{ ...leaseOf(dispatched), resultJson: null }] })
    since = await enqueued(inThreeDays)
    await scheduleRead()

    await rollBack(before)
    const indexed = await redis.zrange(keys.due, '0', '-1')
    expect(indexed.sort()).toEqual([cancelled, runs, waits].map(id => `${id}:1`).sort())
  })

  async function dueAndMade(...made: string[]): Promise<string[]> {
    for (const id of made) await redis.zadd(keys.due, 'XX', 1, `${id}:1`)
    await storage.processScheduled({ limit: 100 })
    const found = await storage.dequeue({ workerId: 'w', timeoutMs: 2_000, limit: 10, leaseMs: HOUR_MS })
    await storage.ackSuccess({ leases: found.map(attempt => ({ ...leaseOf(attempt), resultJson: null })) })
    return found.map(({ activity }) => activity.id)
  }

  test('and was cancelled or made ready since is not made ready, however long ago that was', async () => {
    // As if it had been too long ago for its marker to be restored.
    await storage.requeueExpired({ limit: 1 })
    await redis.del(keys.marker(cancelled), keys.marker(dispatched.activity.id))
    expect(await dueAndMade(cancelled, dispatched.activity.id)).toEqual([])
  })

  test('and stands stays, also what was scheduled since', async () => {
    const indexed = await redis.zrange(keys.due, '0', '-1')
    expect(indexed.sort()).toEqual([waits, since].map(id => `${id}:1`).sort())
    expect(await redis.hkeys(keys.delayed)).toHaveLength(2)
    expect(await storage.stats()).toMatchObject({ scheduled: 2 })
    expect((await dueAndMade(waits, since)).sort()).toEqual([waits, since].sort())
  })

  test('is not made ready by a Redis that was not told yet', async () => {
    const ended = await enqueued(inThreeDays)
    const before = await snapshot()
    await storage.cancel({ id: ended })
    await scheduleRead()
    await rollBack(before)
    // Due already when the first who asks is the dispatcher.
    await redis.zadd(keys.due, 'XX', 1, `${ended}:1`)
    expect(await storage.processScheduled({ limit: 100 })).toMatchObject({ moved: 0 })
    expect(await redis.zcard(keys.due)).toBe(0)
  })

  test('and was buried is also found by a sweep', async () => {
    const ended = await enqueued(inThreeDays)
    const [dump, value] = [await redis.dumpBuffer(keys.due), await redis.hget(keys.delayed, `${ended}:1`)]
    await storage.cancel({ id: ended })
    await scheduleRead()
    if (dump === null || value === null) throw new Error('it was not indexed')
    await redis.multi().restore(keys.due, 0, dump, 'REPLACE').hset(keys.delayed, `${ended}:1`, value).exec()
    expect(await storage.sweepScheduled()).toBe(0)
    expect(await redis.zcard(keys.due)).toBe(0)
    expect(await redis.hlen(keys.delayed)).toBe(0)
  })
})
