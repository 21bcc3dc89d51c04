// Looking an activity up by its bare id, by somebody who knows nothing else of it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newActivity } from '../../src/core/new-activity.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { PRIORITIES } from '../../src/core/priority.ts'
import { laneTopic, workersGroup } from '../../src/core/topics.ts'
import { commitFirstOffsets } from '../../src/consumer/first-offsets.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createKafka } from '../../src/producer/kafka-client.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const namespace = freshNamespace()
const servers = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 }
const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => crypto.getRandomValues(into),
})
let owner: KafkaStorage

beforeAll(async () => {
  owner = await KafkaStorage.open(servers)
  await owner.declareTypes({ types: ['mail', 'print'] })
})
afterAll(async () => {
  await owner.close()
  await dropTopics(namespace)
})

async function enqueue(type: string, count: number): Promise<string[]> {
  const activities = Array.from({ length: count }, (_, at) =>
    newActivity({ type, payload: { at } }, { ids, nowMs: systemClock.nowMs() }),
  )
  const answers = await owner.enqueueMany({ activities })
  expect(answers.map(({ outcome }) => outcome)).toEqual(activities.map(() => 'created'))
  return activities.map(({ id }) => id)
}

describe('who never declared a type', () => {
  test('finds, and cancels, what was given back and waits of it', async () => {
    const [id = ''] = await enqueue('mail', 1)
    await owner.subscribe({ types: ['mail'] })
    const [claimed] = await owner.dequeue({ workerId: 'w', timeoutMs: 20_000, types: ['mail'] })
    expect(claimed?.activity.id).toBe(id)
    expect(await owner.releaseLease({ id, leaseId: claimed?.leaseId ?? '' })).toBe('released')
    await using stranger = await KafkaStorage.open({ ...servers, provision: false })
    expect(await stranger.getActivity({ id })).toMatchObject({ status: 'pending', payloadJson: '{"at":0}' })
    await using another = await KafkaStorage.open({ ...servers, provision: false })
    expect(await another.cancel({ id })).toEqual({ outcome: 'cancelled' })
  })

  test('sees the payload of what has just ended', async () => {
    const [id = ''] = await enqueue('mail', 1)
    await owner.subscribe({ types: ['mail'] })
    const [claimed] = await owner.dequeue({ workerId: 'w', timeoutMs: 20_000, types: ['mail'] })
    await owner.ackSuccess({ leases: [{ id, leaseId: claimed?.leaseId ?? '' }] })
    await using stranger = await KafkaStorage.open({ ...servers, provision: false })
    expect(await stranger.getActivity({ id })).toMatchObject({
      ...{ status: 'completed', payloadJson: '{"at":0}' },
      coordinates: { topic: laneTopic(namespace, 'mail', 'normal') },
    })
  })
})

test('what waits is found and cancelled by its id also after partitions were added', async () => {
  const waiting = await enqueue('print', 16)
  const admin = createKafka({ brokers: kafkaBrokers(), clientId: 'test', logger: silentLogger }).admin()
  await admin.connect()
  try {
    const topicPartitions = PRIORITIES.map(priority => ({ topic: laneTopic(namespace, 'print', priority), count: 7 }))
    await admin.createPartitions({ topicPartitions })
  } finally {
    await admin.disconnect()
  }
  await using stranger = await KafkaStorage.open({ ...servers, provision: false })
  const found = await Promise.all(waiting.map(id => stranger.getActivity({ id })))
  expect(found.map(one => one?.id)).toEqual(waiting)
  const cancelled = await Promise.all(waiting.map(id => stranger.cancel({ id })))
  expect(new Set(cancelled.map(({ outcome }) => outcome))).toEqual(new Set(['cancelled']))
})

test('first offsets are not committed over those that a group has', async () => {
  const groupId = workersGroup(namespace, 'print')
  const topic = laneTopic(namespace, 'print', 'low')
  const settings = { brokers: kafkaBrokers(), clientId: 'test', logger: silentLogger }
  const commit = (offset: number): Promise<boolean> =>
    commitFirstOffsets({ settings, clock: systemClock, groupId, offsets: [{ topic, partition: 0, offset }] })
  expect(await commit(0)).toBe(true)
  const admin = createKafka(settings).admin()
  await admin.connect()
  try {
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 1, offset: '5' }] })
    const offsets = [0, 1, 2].map(partition => ({ topic, partition, offset: 0 }))
    expect(await commitFirstOffsets({ settings, clock: systemClock, groupId, offsets })).toBe(true)
    const [is] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const byPartition = new Map(is?.partitions.map(({ partition, offset }) => [partition, offset]))
    expect([0, 1, 2, 3].map(partition => byPartition.get(partition))).toEqual(['0', '5', '0', '-1'])
    expect(await commit(0)).toBe(false)
  } finally {
    await admin.disconnect()
  }
})
