// What must hold when things happen in an unlucky order: nothing accepted is lost, ended twice, or held up for ever.

import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import type { Admin } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Activity, ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { laneTopic, laneTopics, outcomesTopic, workersGroup } from '../../src/core/topics.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/kafka-storage-options.ts'
import { reserve } from '../../src/storage/redis/idempotency.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { DEFAULT_RETENTION, SideStore } from '../../src/storage/redis/side-store.ts'
import { encodeActivity } from '../../src/wire/activity-record.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const namespace = freshNamespace('interleave')
const keys = new Keys(namespace)
const options: KafkaStorageOptions = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 1 }
const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

let storage: KafkaStorage
let other: KafkaStorage
let redis: Redis
let admin: Admin
beforeAll(async () => {
  redis = new Redis(redisUrl())
  admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  storage = await KafkaStorage.open({ ...options, commitIntervalMs: 50 })
  other = await KafkaStorage.open(options)
})
afterAll(async () => {
  await storage.close()
  await other.close()
  await admin.disconnect()
  redis.disconnect()
  await dropTopics(namespace)
})

function activity(type: string, spec: Partial<ActivitySpec> = {}): Activity {
  return newActivity({ payload: null, ...spec, type }, { ids, nowMs: systemClock.nowMs() })
}

async function claims(type: string, leaseMs = 60_000): Promise<readonly ClaimedAttempt[]> {
  await storage.catchUp({ types: [type], timeoutMs: 10_000 })
  return storage.dequeue({ workerId: 'w', types: [type], limit: 10, timeoutMs: 0, leaseMs })
}

async function claimed(type: string, leaseMs?: number): Promise<ClaimedAttempt> {
  const [first] = await claims(type, leaseMs)
  if (first === undefined) throw new Error(`nothing of '${type}' could be claimed`)
  return first
}

async function enqueued(type: string, spec?: Partial<ActivitySpec>): Promise<Activity> {
  await storage.subscribe({ types: [type] })
  const one = activity(type, spec)
  expect(await storage.enqueueMany({ activities: [one] })).toMatchObject([{ outcome: 'created' }])
  return one
}

/** Makes a topic take records up to so many bytes; resolves when its broker does so. */
async function limit(topic: string, bytesMax: number): Promise<void> {
  const configEntries = [{ name: 'max.message.bytes', value: String(bytesMax) }]
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] })
  const producer = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  const messages = [{ value: 'x'.repeat(PROBE_BYTES) }] // taken, it is poison, and none of the test's business
  const isTaken = (): Promise<boolean> =>
    producer.send({ topic, messages }).then(
      () => true,
      () => false,
    )
  while ((await isTaken()) !== bytesMax > PROBE_BYTES) await systemClock.sleep(20)
  await producer.disconnect()
}

const PROBE_BYTES = 2_000
const failure = { kind: 'retryable', error: { name: 'Error', message: 'no' } } as const

describe('leases', () => {
  test('an attempt that another process gives back can be claimed again here', async () => {
    const { id } = await enqueued('given-back')
    const { leaseId } = await claimed('given-back', 100)
    expect(await other.releaseLease({ id, leaseId })).toBe('released')
    const again = await storage.dequeue({ workerId: 'w', types: ['given-back'], timeoutMs: 10_000 })
    expect(again).toMatchObject([{ activity: { id }, attempt: 1 }])
  })

  test('a claim that is under way while the storage closes is given back', async () => {
    const closing = await KafkaStorage.open(options)
    await closing.subscribe({ types: ['closing'] })
    await closing.enqueueMany({ activities: [activity('closing')] })
    await closing.catchUp({ types: ['closing'], timeoutMs: 10_000 })
    const claiming = closing.dequeue({ workerId: 'w', types: ['closing'], timeoutMs: 0 })
    await closing.close()
    expect(await claiming).toEqual([])
    await storage.subscribe({ types: ['closing'] })
    expect(await claims('closing')).toHaveLength(1)
  })
})

describe('what Redis has decided', () => {
  test('an end that Kafka refuses holds up no other end that is published once more', async () => {
    const outcomes = outcomesTopic(namespace)
    const refused = await enqueued('refused-end', { payload: 'x'.repeat(PROBE_BYTES) })
    const taken = await enqueued('taken-end')
    const [first, second] = [await claimed('refused-end', 100), await claimed('taken-end', 100)]
    await limit(outcomes, 1_500)
    const fatal = { ...failure, kind: 'non_retryable' } as const // its outcome carries the payload
    const refusing = other.ackFailure({ id: refused.id, leaseId: first.leaseId, failure: fatal })
    await expect(refusing).rejects.toMatchObject({ code: 'unavailable' })
    await other.ackSuccess({ leases: [{ id: taken.id, leaseId: second.leaseId }] })
    const pending = async (type: string): Promise<number | undefined> => (await storage.stats()).byType[type]?.pending
    await expect.poll(() => pending('taken-end'), { timeout: 10_000 }).toBe(0)
    expect(await pending('refused-end')).toBe(1)
    await limit(outcomes, 1_048_588)
    await expect.poll(() => pending('refused-end'), { timeout: 10_000 }).toBe(0)
    expect((await storage.getEvents({ id: refused.id })).map(({ type }) => type)).toContain('failed')
  })
})

describe('reaping', () => {
  test('an expired lease whose next attempt Kafka refuses holds up no other, and its outcome is not written first', async () => {
    const stuck = await enqueued('refused-lane', { payload: 'x'.repeat(PROBE_BYTES) })
    const free = await enqueued('open-lane')
    await claimed('refused-lane')
    await claimed('open-lane')
    const lane = laneTopic(namespace, 'refused-lane', 'normal')
    await limit(lane, 1_000)
    await storage.fixtures.expireLease({ id: stuck.id })
    await storage.fixtures.expireLease({ id: free.id })
    expect(await storage.requeueExpired({ limit: 100 })).toMatchObject({ requeued: 1 })
    expect(await claimed('open-lane')).toMatchObject({ attempt: 2 })
    expect((await storage.getEvents({ id: stuck.id })).map(({ type }) => type)).not.toContain('lease_expired')
    await limit(lane, 1_048_588)
    await storage.fixtures.expireLease({ id: stuck.id })
    expect(await storage.requeueExpired({ limit: 100 })).toMatchObject({ requeued: 1 })
    expect(await claimed('refused-lane')).toMatchObject({ attempt: 2 })
  })
})

describe('scheduling', () => {
  test('a type whose topics are gone holds up no other type', async () => {
    const gone = activity('gone', { scheduledAt: new Date(systemClock.nowMs() + 3_600_000) })
    const there = activity('there', { scheduledAt: new Date(systemClock.nowMs() + 3_600_000) })
    await other.declareTypes({ types: ['gone', 'there'] })
    await other.enqueueMany({ activities: [gone, there] })
    await admin.deleteTopics({ topics: laneTopics(namespace, 'gone'), timeout: 30_000 })
    const strict = await KafkaStorage.open({ ...options, provision: false })
    try {
      await storage.fixtures.makeDue({ id: gone.id })
      await storage.fixtures.makeDue({ id: there.id })
      expect(await strict.processScheduled({ limit: 100 })).toMatchObject({ moved: 1 })
    } finally {
      await strict.close()
    }
  })

  test("what is due by an enqueuer's clock alone waits until it is by Redis's", async () => {
    const early: KafkaStorageOptions = {
      ...options,
      clock: { ...systemClock, nowMs: () => systemClock.nowMs() + 3_600_000 },
    }
    await using ahead = await KafkaStorage.open(early)
    await storage.subscribe({ types: ['early'] })
    await ahead.declareTypes({ types: ['early'] })
    const one = activity('early', { scheduledAt: new Date(systemClock.nowMs() + 1_800_000) })
    await ahead.enqueueMany({ activities: [one] })
    expect(await claims('early')).toEqual([])
    expect(await storage.getActivity({ id: one.id })).toMatchObject({ status: 'scheduled' })
  })

  test('a retry can be found and cancelled as long as it waits', async () => {
    const { id } = await enqueued('long-wait')
    const { leaseId } = await claimed('long-wait')
    await storage.ackFailure({ id, leaseId, failure: { ...failure, retryAfterMs: 86_400_000 } })
    expect(await redis.pttl(keys.marker(id))).toBeGreaterThan(86_400_000)
  })
})

describe('keys', () => {
  test('an enqueue is told "existing" only of what was accepted, also when the key moves on meanwhile', async () => {
    await storage.subscribe({ types: ['moving'] })
    await other.declareTypes({ types: ['moving'] })
    const first = activity('moving', { key: 'k' })
    const store = new SideStore({
      namespace,
      url: redisUrl(),
      retention: DEFAULT_RETENTION,
      clock: systemClock,
      logger: silentLogger,
    })
    await store.open()
    await reserve(store, [{ activity: first, envelope: encodeActivity(first) }]) // and its producer dies
    await store.close()
    const helping = other.enqueueMany({ activities: [activity('moving', { key: 'k' })] })
    await systemClock.sleep(150) // within the wait for the first one's confirmation
    const next = activity('moving', { key: 'k', onDuplicate: 'allow_reuse' })
    expect(await storage.enqueueMany({ activities: [next] })).toMatchObject([{ outcome: 'created' }])
    expect(await helping).toMatchObject([{ outcome: 'existing', id: first.id }])
    const found = (await claims('moving')).map(each => each.activity.id)
    expect(found.toSorted()).toEqual([first.id, next.id].toSorted())
  })
})

describe('ends', () => {
  test('what has completed is not cancelled once its marker is gone', async () => {
    const { id } = await enqueued('completed')
    const { leaseId } = await claimed('completed')
    await storage.ackSuccess({ leases: [{ id, leaseId }] })
    await redis.del(keys.marker(id))
    expect(await storage.cancel({ id })).toEqual({ outcome: 'already_ended' })
    expect(await redis.exists(keys.marker(id))).toBe(0)
  })

  test('what an activity was redriven as is remembered as long as its dead letter', async () => {
    const { id } = await enqueued('redriven', { maxAttempts: 1 })
    const { leaseId } = await claimed('redriven')
    await storage.ackFailure({ id, leaseId, failure })
    await storage.redrive({ id })
    expect(await redis.pttl(keys.marker(id))).toBeGreaterThan(29 * 86_400_000)
  })

  test('a discard is remembered as long as its dead letter, also of one that only the log knows; Redis lost, it is shown again', async () => {
    const dead = async (type: string): Promise<string> => {
      const { id } = await enqueued(type, { maxAttempts: 1 })
      const { leaseId } = await claimed(type)
      await storage.ackFailure({ id, leaseId, failure })
      await redis.del(keys.marker(id)) // as after an hour
      return id
    }
    const [id, again] = [await dead('discarded'), await dead('discarded-again')]
    const listed = async (): Promise<readonly string[]> =>
      (await storage.listDeadLetters({ type: 'discarded' })).items.map(letter => letter.id)
    expect(await listed()).toEqual([id])
    expect(await storage.discard({ id, reason: 'paid by hand' })).toEqual({ outcome: 'discarded' })
    expect(await redis.pttl(keys.discard(id))).toBeGreaterThan(29 * 86_400_000)
    expect(await listed()).toEqual([])
    expect(await storage.getActivity({ id })).toMatchObject({ discarded: { reason: 'paid by hand' } })
    const { id: redrivenAs } = await storage.redrive({ id: again })
    await expect(storage.discard({ id: again })).rejects.toMatchObject({ code: 'conflict', details: { redrivenAs } })
    expect(await storage.getActivity({ id: again })).toMatchObject({ status: 'dead_letter', redrivenAs })
    expect((await storage.listDeadLetters({ type: 'discarded-again' })).items).toMatchObject([
      { id: again, redrivenAs },
    ])
    await redis.del(keys.discard(id))
    expect(await listed()).toEqual([id])
  })

  test('what only the log knows is discarded only when it is a dead letter', async () => {
    const { id } = await enqueued('no-dead-letter', { maxAttempts: 1 })
    await redis.del(keys.marker(id))
    await expect(storage.discard({ id })).rejects.toMatchObject({ code: 'conflict', details: { status: 'waiting' } })
    const { leaseId } = await claimed('no-dead-letter')
    await storage.ackSuccess({ leases: [{ id, leaseId }] })
    await redis.del(keys.marker(id))
    await expect(storage.discard({ id })).rejects.toMatchObject({ code: 'conflict', details: { status: 'completed' } })
  })

  test('a result stored for what still waits does not end it', async () => {
    const { id } = await enqueued('waiting')
    await storage.storeResult({ id, result: { state: 'ok', dataJson: '1', atMs: systemClock.nowMs() } })
    expect(await claims('waiting')).toMatchObject([{ activity: { id } }])
    expect(await redis.pttl(keys.marker(id))).toBe(-1)
  })
})

describe('trimming', () => {
  test('an offset beyond the end of a lane that was made anew trims nothing', async () => {
    await other.declareTypes({ types: ['anew'] })
    await other.enqueueMany({ activities: [activity('anew')] })
    const topic = laneTopic(namespace, 'anew', 'normal')
    const groupId = workersGroup(namespace, 'anew')
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1000' }] })
    await storage.trimLanes()
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, low: '0', high: '1' }])
  })
})

describe('closing', () => {
  test('whoever waits for a result is told when the storage closes', async () => {
    const closing = await KafkaStorage.open(options)
    const waiting = closing.awaitResult({ id: activity('never').id })
    const told = expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    await closing.close()
    await told
  })

  test('a subscription under way when the storage closes leaves no member behind, and none begins afterwards', async () => {
    const closing = await KafkaStorage.open(options)
    await closing.declareTypes({ types: ['joining'] })
    const joining = closing.subscribe({ types: ['joining'] }).catch(() => undefined)
    await systemClock.sleep(1)
    await closing.close()
    await joining
    await expect(closing.subscribe({ types: ['joining'] })).rejects.toMatchObject({ code: 'conflict' })
    const { groups } = await admin.describeGroups([workersGroup(namespace, 'joining')])
    expect(groups).toMatchObject([{ members: [] }])
  })
})
