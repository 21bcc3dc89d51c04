// Topics, offsets and groups against a real broker.

import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createKafka } from '../../src/producer/kafka-client.ts'
import { TopicAdmin } from '../../src/producer/topic-admin.ts'
import { delaySpec, dlqSpec, laneSpecs, outcomesSpec } from '../../src/producer/topic-specs.ts'
import { TopicWriter } from '../../src/producer/topic-writer.ts'
import { freshNamespace, kafkaBrokers } from '../support/stack.ts'

async function setup() {
  const settings = { brokers: kafkaBrokers(), clientId: 'admin-test', logger: silentLogger }
  const newAdmin = () => new TopicAdmin({ settings, clock: systemClock, logger: silentLogger })
  const admin = newAdmin()
  const writer = new TopicWriter({ settings, clock: systemClock, logger: silentLogger })
  await Promise.all([admin.start(), writer.start()])
  const namespace = freshNamespace('admin')
  const write = async (topic: string, partition: number, count: number): Promise<void> => {
    const records = Array.from({ length: count }, () => ({ topic, partition, key: 'k', value: 'v' }))
    for (const answer of await writer.write(records)) if (!answer.ok) throw answer.error
  }
  return {
    settings,
    namespace,
    admin,
    newAdmin,
    write,
    async [Symbol.asyncDispose]() {
      await writer.stop()
      await admin.deleteTopics((await admin.listTopics()).filter(topic => topic.startsWith(`${namespace}.`)))
      await admin.stop()
    },
  }
}

describe('provisioning', () => {
  it('creates what is missing with our settings, also when two do it at once', async () => {
    await using context = await setup()
    const { admin, namespace } = context
    const other = context.newAdmin()
    await other.start()
    const specs = [...laneSpecs(namespace, 'mail'), delaySpec(namespace), outcomesSpec(namespace), dlqSpec(namespace)]
    await Promise.all([admin.provision(specs), other.provision(specs), admin.provision(specs.slice(0, 2))])
    await other.stop()
    const topics = specs.map(spec => spec.topic)
    expect(await admin.partitionCounts(topics)).toEqual(new Map(topics.map(topic => [topic, 4])))
    const configs = await admin.topicConfigs([...topics, `${namespace}.not`])
    expect([...configs.keys()].sort()).toEqual([...topics].sort())
    for (const { topic, config } of specs) expect(configs.get(topic)).toMatchObject(config)
  })

  it('adds only what is missing and leaves the rest as it is', async () => {
    await using context = await setup()
    const { admin, namespace } = context
    await admin.provision([dlqSpec(namespace, { partitions: 2 })])
    await admin.provision([dlqSpec(namespace), outcomesSpec(namespace)])
    expect(await admin.partitionCounts([`${namespace}.dlq`, `${namespace}.outcomes`, `${namespace}.not`])).toEqual(
      new Map([
        [`${namespace}.dlq`, 2],
        [`${namespace}.outcomes`, 4],
      ]),
    )
  })

  it('says that a replication factor cannot be had', async () => {
    await using context = await setup()
    const spec = dlqSpec(context.namespace, { replicationFactor: 99 })
    await expect(context.admin.provision([spec])).rejects.toMatchObject({ code: 'configuration' })
  })
})

describe('offsets', () => {
  it('gives bounds of one and of many topics', async () => {
    await using context = await setup()
    const { admin, namespace } = context
    const [one, two] = [`${namespace}.one`, `${namespace}.two`]
    await admin.provision([one, two].map(topic => ({ topic, partitions: 2, config: {} })))
    await context.write(one, 1, 5)
    const expected = [
      { partition: 0, low: 0, high: 0 },
      { partition: 1, low: 0, high: 5 },
    ]
    expect(await admin.offsets(one)).toEqual(expected)
    const many = await admin.offsetsMany([one, two, `${namespace}.not`])
    expect(many.get(one)).toEqual(expected)
    expect([...many.keys()].sort()).toEqual([one, two].sort())
    await expect(admin.offsets(`${namespace}.not`)).rejects.toMatchObject({
      code: 'not_found',
      details: { topic: `${namespace}.not` },
    })
  })

  it('answers in full when many ask about different topics at the same time', async () => {
    await using context = await setup()
    const { admin, namespace } = context
    const specs = Array.from({ length: 12 }, (_, n) => ({ topic: `${namespace}.t${n}`, partitions: 2, config: {} }))
    await admin.provision(specs)
    const fresh = context.newAdmin()
    await fresh.start()
    const answers = await Promise.all(
      specs.flatMap(({ topic }) => [fresh.offsets(topic), fresh.committed(`${namespace}.group`, [topic])]),
    )
    expect(answers.map(answer => answer.length)).toEqual(specs.flatMap(() => [2, 2]))
    await fresh.stop()
  })

  it('finds offsets by time: the start for the past, the end for the future', async () => {
    await using context = await setup()
    const topic = `${context.namespace}.timed`
    await context.admin.provision([{ topic, partitions: 1, config: {} }])
    await context.write(topic, 0, 3)
    expect(await context.admin.offsetsAtTime(topic, 0)).toEqual([{ partition: 0, offset: 0 }])
    expect(await context.admin.offsetsAtTime(topic, systemClock.nowMs() + 3_600_000)).toEqual([
      { partition: 0, offset: 3 },
    ])
  })

  it('trims with a client that has never seen the topic, and ignores what is below the log start', async () => {
    await using context = await setup()
    const topic = `${context.namespace}.trimmed`
    await context.admin.provision([{ topic, partitions: 2, config: {} }])
    await context.write(topic, 0, 10)
    const fresh = context.newAdmin()
    await fresh.start()
    await fresh.deleteRecordsBefore(topic, [{ partition: 0, offset: 6 }])
    await fresh.deleteRecordsBefore(topic, [
      { partition: 0, offset: 2 },
      { partition: 1, offset: 0 },
    ])
    expect(await fresh.offsets(topic)).toEqual([
      { partition: 0, low: 6, high: 10 },
      { partition: 1, low: 0, high: 0 },
    ])
    await expect(fresh.deleteRecordsBefore(topic, [{ partition: 0, offset: 11 }])).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await fresh.stop()
  })

  it('tells what a group has committed, and deletes groups without members only', async () => {
    await using context = await setup()
    const { admin } = context
    const [topic, groupId] = [`${context.namespace}.read`, `${context.namespace}.readers`]
    await admin.provision([{ topic, partitions: 2, config: {} }])
    await context.write(topic, 0, 5)
    expect(await admin.committed(groupId, [topic, `${topic}-not`])).toEqual([
      { topic, partition: 0, offset: -1, metadata: null },
      { topic, partition: 1, offset: -1, metadata: null },
    ])
    const consumer = createKafka(context.settings).consumer({ groupId, retry: { retries: 5 } })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const joined = new Promise<void>(resolve => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
    await consumer.run({ autoCommit: false, eachBatch: async () => undefined })
    await joined
    await consumer.commitOffsets([{ topic, partition: 0, offset: '3', metadata: 'runs' }])
    expect((await admin.committed(groupId, [topic]))[0]).toEqual({ topic, partition: 0, offset: 3, metadata: 'runs' })
    await expect(admin.deleteGroup(groupId)).rejects.toMatchObject({ code: 'conflict' })
    await consumer.disconnect()
    await admin.deleteGroup(groupId)
    await admin.deleteGroup(groupId)
    expect((await admin.committed(groupId, [topic]))[0]?.offset).toBe(-1)
  })
})

describe('a deleted topic', () => {
  it('does not poison the admin that knew it', async () => {
    await using context = await setup()
    const { admin, namespace } = context
    const [kept, gone] = [`${namespace}.kept`, `${namespace}.gone`]
    await admin.provision([kept, gone].map(topic => ({ topic, partitions: 1, config: {} })))
    expect((await admin.offsetsMany([kept, gone])).size).toBe(2)
    const other = context.newAdmin()
    await other.start()
    await other.deleteTopics([gone, `${namespace}.never`])
    await other.stop()
    expect(await admin.offsets(kept)).toHaveLength(1)
    expect([...(await admin.offsetsMany([kept, gone])).keys()]).toEqual([kept])
    await admin.provision([{ topic: `${namespace}.new`, partitions: 1, config: {} }])
    expect(await admin.listTopics()).toContain(`${namespace}.new`)
  })
})

describe('ping', () => {
  it('counts the brokers', async () => {
    await using context = await setup()
    expect((await context.admin.ping()).brokers).toBeGreaterThanOrEqual(1)
  })
})
