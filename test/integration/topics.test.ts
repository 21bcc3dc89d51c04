// `errand topics plan`, `apply` and `verify` against a real broker, as people run them. Nobody answers for Redis here: it is not
// asked.

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { choosePorts } from '../../scripts/stack/ports.ts'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { PRIORITIES } from '../../src/core/priority.ts'
import { laneTopics } from '../../src/core/topics.ts'
import { OPERATION_TYPE } from '../../src/operations/operation.ts'
import type { PlannedTopic } from '../../src/storage/kafka/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Worker } from '../../src/worker/worker.ts'
import { errand, Patient } from '../support/doctor-patient.ts'
import { runAlone } from '../support/observed-namespace.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const NO_REDIS = { ERRAND_REDIS_URL: 'redis://127.0.0.1:1' }

interface Answer {
  readonly exitCode: number | null
  readonly items: readonly PlannedTopic[]
  readonly firstOffsets?: readonly string[]
  readonly stderr: string
}

async function topics(patient: Patient, ...args: readonly string[]): Promise<Answer> {
  const { exitCode, stdout, stderr } = await errand(['topics', ...args, '--json'], { ...patient.env, ...NO_REDIS })
  const empty = { items: [] }
  return { exitCode, stderr, ...(stdout === '' ? empty : (JSON.parse(stdout) as Omit<Answer, 'exitCode' | 'stderr'>)) }
}

function actions({ items }: Answer): Record<string, string> {
  return Object.fromEntries(items.map(({ topic, action }) => [topic.slice(topic.indexOf('.') + 1), action]))
}

/** Those that are no longer as they were planned. */
function wrong({ items }: Answer): string[] {
  return items.map(
    ({ topic, differences }) =>
      `${topic.slice(topic.indexOf('.') + 1)}: ${differences.map(({ setting, have, wanted }) => `${setting} ${have} ${wanted}`).join(', ')}`,
  )
}

async function partitionsOf(patient: Patient, names: readonly string[]): Promise<number[]> {
  const found = await patient.admin.fetchTopicMetadata({ topics: names.map(name => patient.topic(name)) })
  return names.map(name => found.topics.find(each => each.name === patient.topic(name))?.partitions.length ?? 0)
}

describe('a namespace that has nothing', () => {
  test('is planned and verified without a change, applied, and well then; types are found by their topics', async () => {
    await using patient = new Patient()
    await patient.admin.connect()
    // Bulk work is an activity of a type of Errand's own, so its lanes are there too.
    const lanes = ['mail', OPERATION_TYPE].flatMap(type => PRIORITIES.map(priority => `${type}.${priority}`))
    const everything = [...lanes, 'delay', 'outcomes', 'dlq']
    const creates = Object.fromEntries(everything.map(name => [name, 'create']))
    for (const [args, exitCode] of [
      [['plan'], 0],
      [['apply', '--dry-run'], 0],
      [['verify'], 4],
    ] as const) {
      const answer = await topics(
        patient,
        ...args,
        '--types',
        'mail',
        ...(args[0] === 'verify' ? [] : ['--partitions', '2']),
      )
      expect({ exitCode: answer.exitCode, actions: actions(answer) }, answer.stderr).toEqual({
        exitCode,
        actions: creates,
      })
    }
    expect((await patient.admin.listTopics()).filter(topic => topic.startsWith(patient.namespace))).toEqual([])

    const applied = await topics(patient, 'apply', '--types', 'mail', '--partitions', '2')
    expect({ exitCode: applied.exitCode, actions: actions(applied) }, applied.stderr).toEqual({
      exitCode: 0,
      actions: creates,
    })
    expect(applied.firstOffsets).toEqual([patient.topic('mail.workers'), patient.topic(`${OPERATION_TYPE}.workers`)])
    expect(await partitionsOf(patient, everything)).toEqual(everything.map(() => 2))

    expect(await topics(patient, 'verify')).toMatchObject({ exitCode: 0, items: [] })
    const again = await topics(patient, 'apply')
    expect(actions(again)).toEqual(Object.fromEntries(everything.map(name => [name, 'ok'])))
    expect({ exitCode: again.exitCode, firstOffsets: again.firstOffsets }).toEqual({ exitCode: 0, firstOffsets: [] })
  })

  test('is said to be as it should be, in words', async () => {
    await using patient = await Patient.open(['mail'])
    const { stdout, exitCode } = await errand(['topics', 'verify'], { ...patient.env, ...NO_REDIS })
    expect({ stdout, exitCode }).toEqual({ stdout: 'Every topic is as it should be.\n', exitCode: 0 })
  })
})

describe('settings', () => {
  test('that do not do are altered, those of its own and those set for more stay', async () => {
    await using patient = await Patient.open(['mail'])
    await patient.set('mail.high', { 'retention.ms': '1000', 'segment.bytes': '16777216', 'compression.type': 'gzip' })
    await patient.set('outcomes', { 'retention.ms': '2592000000', 'max.message.bytes': '1000' })
    const verified = await topics(patient, 'verify')
    expect(verified.exitCode).toBe(4)
    expect(wrong(verified), runAlone()).toEqual([
      'mail.high: retention.ms 1000 -1',
      'outcomes: max.message.bytes 1000 1310720',
    ])
    expect(await topics(patient, 'apply')).toMatchObject({ exitCode: 0 })
    expect(await topics(patient, 'verify')).toMatchObject({ exitCode: 0, items: [] })
    const names = ['mail.high', 'outcomes'].map(name => patient.topic(name))
    const { resources } = await patient.admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map(name => ({ type: 2, name })),
    })
    const value = (topic: string, name: string): string | undefined =>
      resources
        .find(each => each.resourceName === patient.topic(topic))
        ?.configEntries.find(each => each.configName === name)?.configValue
    expect(
      ['retention.ms', 'segment.bytes', 'compression.type', 'max.message.bytes'].map(name => value('mail.high', name)),
    ).toEqual(['-1', '16777216', 'gzip', '1310720'])
    expect(['retention.ms', 'max.message.bytes'].map(name => value('outcomes', name))).toEqual([
      '2592000000',
      '1310720',
    ])
  })

  test('of copies: min.insync.replicas is set as it was asked for; a replication factor cannot be', async () => {
    await using patient = await Patient.open(['mail'])
    await patient.set('dlq', { 'min.insync.replicas': '2' })
    const asked = await topics(patient, 'plan', '--min-insync-replicas', '1', '--replication-factor', '2')
    expect(new Set(Object.values(actions(asked)))).toEqual(new Set(['cannot_fix']))
    expect(asked.items[0]?.reason).toContain('kafka-reassign-partitions.sh')
    const applied = await topics(patient, 'apply', '--min-insync-replicas', '1', '--replication-factor', '2')
    expect(applied.exitCode, 'partly done').toBe(6)
    expect(wrong(await topics(patient, 'verify', '--min-insync-replicas', '1'))).toEqual([])
  })
})

describe('partitions', () => {
  test('are added when it is asked for, never otherwise and never taken away; lanes of a type become alike', async () => {
    await using patient = await Patient.open(['mail', 'orders'])
    const lanes = laneTopics('', 'mail').map(name => name.slice(1))
    await patient.admin.createPartitions({ topicPartitions: [{ topic: patient.topic('mail.low'), count: 3 }] })

    const refused = await topics(patient, 'apply')
    expect(refused.exitCode).toBe(6)
    expect(refused.items.find(({ topic }) => topic === patient.topic('mail.high'))).toMatchObject({
      action: 'cannot_fix',
      differences: [{ setting: 'partitions', have: '2', wanted: '3' }],
      reason: expect.stringContaining('--add-partitions'),
    })
    expect(await partitionsOf(patient, lanes)).toEqual([2, 2, 2, 3])

    expect((await topics(patient, 'apply', '--add-partitions')).exitCode).toBe(0)
    expect(await partitionsOf(patient, [...lanes, 'orders.high', 'delay'])).toEqual([3, 3, 3, 3, 2, 2])
    expect(
      (await topics(patient, 'apply', '--types', 'orders', '--partitions', '1', '--add-partitions')).exitCode,
    ).toBe(0)
    expect(await partitionsOf(patient, ['orders.high'])).toEqual([2])
    // New partitions have first offsets too.
    const offsets = await patient.admin.fetchOffsets({
      groupId: patient.topic('mail.workers'),
      topics: lanes.map(lane => patient.topic(lane)),
    })
    expect(offsets.flatMap(({ partitions }) => partitions.map(({ offset }) => offset))).toEqual(
      Array.from({ length: 12 }, () => '0'),
    )
  })

  test('of a lane that is missing are as many as its type has', async () => {
    await using patient = await Patient.open(['mail'])
    await patient.admin.deleteTopics({ topics: [patient.topic('mail.low')] })
    expect(await topics(patient, 'apply', '--types', 'mail')).toMatchObject({ exitCode: 0 })
    expect(await partitionsOf(patient, ['mail.low'])).toEqual([2])
  })
})

test('a group with a first offset has a lag from its first record on, and its worker begins with that record', async () => {
  await using patient = await Patient.open(['mail'])
  const mail = defineActivity({ type: 'mail', input: z.number() })
  await using storage = await KafkaStorage.open({
    ...{ namespace: patient.namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), provision: false },
  })
  await storage.declareTypes({ types: ['mail'] })
  const client = new Client({ storage })
  const { id } = await client.enqueue(mail, 7)
  const lag = await Promise.all(
    laneTopics(patient.namespace, 'mail').map(async topic => {
      const [ends, [committed]] = await Promise.all([
        patient.admin.fetchTopicOffsets(topic),
        patient.admin.fetchOffsets({ groupId: patient.topic('mail.workers'), topics: [topic] }),
      ])
      return ends.reduce((sum, { partition, high }) => {
        const offset = Number(committed?.partitions.find(each => each.partition === partition)?.offset)
        expect(offset).toBeGreaterThanOrEqual(0)
        return sum + Number(high) - offset
      }, 0)
    }),
  )
  expect(lag.reduce((sum, each) => sum + each, 0)).toBe(1)
  const worker = new Worker({ storage })
  const done = Promise.withResolvers<number>()
  worker.handle(mail, async input => done.resolve(input))
  await worker.start()
  expect(await done.promise, id).toBe(7)
  // While it has members, its offsets are its own.
  expect(await topics(patient, 'apply')).toMatchObject({ exitCode: 0, firstOffsets: [] })
  await worker.stop()
})

test('where nobody answers, the address is named and the exit code is 5; a bad type is wrong usage', async () => {
  const [nobody = 0] = await choosePorts(1)
  const env = { ERRAND_NAMESPACE: 'shop', ERRAND_KAFKA_BROKERS: `127.0.0.1:${nobody}`, ...NO_REDIS }
  const commands = ['plan', 'apply', 'verify'].map(command => errand(['topics', command, '--types', 'mail'], env))
  for (const { exitCode, stdout, stderr } of await Promise.all(commands)) {
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 5, stdout: '' })
    expect(stderr).toContain(`127.0.0.1:${nobody}`)
  }
  expect(await errand(['topics', 'apply', '--types', 'mail,dlq'], env)).toMatchObject({ exitCode: 2, stdout: '' })
})
