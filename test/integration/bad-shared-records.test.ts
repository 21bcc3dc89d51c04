// Bad records in the topics that all types share: the schedule, the outcomes, the DLQ itself. Whoever reads them goes on, and
// gives what is right about everything else.

import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { delayTopic, dlqTopic, laneTopic, laneTopics, outcomesTopic, schedulerGroup } from '../../src/core/topics.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { markerFields } from '../../src/storage/redis/marker-text.ts'
import type { ActivityEvent, EventGap } from '../../src/storage/storage.ts'
import { GOOD, poisonRows, recordOf } from '../support/bad-record-rows.ts'
import type { PoisonRow } from '../support/bad-record-rows.ts'
import { settled } from '../support/consuming.ts'
import { PlantedNamespace } from '../support/planted.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const TYPE = GOOD.activity_type
/** A type whose lane an operator has set to a codec that kafkajs cannot read. */
const PACKED = 'packed'
const PAST = '2026-01-01T00:00:00Z'
const failure = { kind: 'retryable', error: { name: 'Error', message: 'as planned' } } as const

let planted: PlantedNamespace
let storage: KafkaStorage

beforeAll(async () => {
  planted = await PlantedNamespace.open([TYPE])
  storage = planted.storage
})
afterAll(() => planted[Symbol.asyncDispose]())

/** The bytes of a delay record. */
const delayed = (fields: object, payload?: string): Buffer => recordOf({ due_at: PAST, ...fields }, payload)

describe('in the schedule', () => {
  const rows: readonly PoisonRow[] = [
    ...poisonRows(delayed),
    { name: 'no due time', value: recordOf(GOOD, '1'), reason: 'invalid' },
    { name: 'a due time that is a number', value: delayed({ ...GOOD, due_at: 1e308 }, '1'), reason: 'invalid' },
    {
      name: 'due in the year 275760',
      value: delayed({ ...GOOD, due_at: '+275760-09-13T00:00:00Z' }, '1'),
      reason: 'invalid',
    },
    { name: 'due before 1970', value: delayed({ ...GOOD, due_at: '1969-12-31T23:59:59Z' }, '1'), reason: 'invalid' },
    { name: 'the key of another attempt', key: 'planted-1:2', value: delayed(GOOD, '1'), reason: 'wrong_key' },
    { name: 'the id as its key', key: 'planted-1', value: delayed(GOOD, '1'), reason: 'wrong_key' },
  ]
  const of = (id: string, activity_type: string, due_at = PAST): PoisonRow => ({
    name: `${id}:1`,
    value: delayed({ ...GOOD, id, activity_type, due_at }, '1'),
    reason: 'unknown_type',
  })
  const strangers = [
    of('of-nobody', 'nobody'),
    of('of-nobody-later', 'nobody', '9999-01-01T00:00:00Z'),
    of('of-no-one', 'no-one'),
  ]
  let claimed: string[] = []

  beforeAll(async () => {
    const topic = delayTopic(planted.namespace)
    const good = (id: string, more: object = {}): Promise<string> =>
      planted.foreign.send(topic, { key: `${id}:1`, value: delayed({ ...GOOD, id, ...more }, '1') })
    await good('due-before')
    await planted.plant(topic, rows)
    await planted.foreign.send(topic, { key: 'a tombstone of nothing', value: null })
    await good('due-in-1970', { due_at: '1970-01-01T00:00:00Z' })
    await good('due-in-9999', { due_at: '9999-12-31T23:59:59.999Z' })
    await planted.plant(topic, strangers)
    await good('due-behind')
    const attempts = await planted.claim(3)
    claimed = attempts.map(({ activity }) => activity.id)
    await planted.complete(attempts)
    await planted.committed(schedulerGroup(planted.namespace), topic)
    await planted.harvest()
  })

  test('what stands before and behind is moved when due, and nothing else', async () => {
    expect(claimed.sort()).toEqual(['due-before', 'due-behind', 'due-in-1970'])
    expect(await storage.getActivity({ id: 'due-in-9999' })).toMatchObject({ status: 'scheduled' })
    expect(await storage.cancel({ id: 'due-in-9999' })).toEqual({ outcome: 'cancelled' })
  })

  test.each(rows)('$name goes to the DLQ as it was, for $reason', row => planted.check(row))

  test.each(strangers)('$name, of a type that has no lanes, goes to the DLQ as it was', row => planted.check(row))

  test('an unknown type gets no topics, and what was scheduled of it has its tombstone and is forgotten', async () => {
    const topics = new Set(await planted.admin.listTopics())
    expect(laneTopics(planted.namespace, 'nobody').filter(topic => topics.has(topic))).toEqual([])
    const standing = new Map<string, boolean>()
    for (const { key, value } of await planted.observed.records(delayTopic(planted.namespace)))
      standing.set(Buffer.from(key ?? []).toString(), value !== null)
    for (const { name } of strangers) expect([name, standing.get(name)]).toEqual([name, false])
    expect(await storage.getActivity({ id: 'of-nobody' })).toBeNull()
    expect(await storage.getActivity({ id: 'of-nobody-later' })).toBeNull()
  })

  test('a record without a key is refused by the broker', async () => {
    const sending = planted.foreign.send(delayTopic(planted.namespace), { value: delayed(GOOD, '1') })
    await expect(sending).rejects.toThrow()
  })
})

describe('in the schedule, under one key in one batch', () => {
  const KEY = 'hidden:1'
  const fine = delayed({ ...GOOD, id: 'hidden' }, '1')
  const poison = (name: string, key: Buffer | string = KEY): PoisonRow => ({
    name,
    key,
    value: Buffer.from(name),
    reason: 'not_json',
  })
  const before = [poison('garbage before'), poison('more of it before')]
  const behind = [poison('garbage behind')]
  const unlike = [poison('of the key ff', Buffer.from([0xff])), poison('of the key fe', Buffer.from([0xfe]))]
  const all = [...before, ...behind, ...unlike]

  beforeAll(async () => {
    const topic = delayTopic(planted.namespace)
    const good = { name: 'good', key: KEY, value: fine, reason: '' }
    await planted.plantTogether(topic, [...before, good, ...behind, ...unlike])
    const attempts = await planted.claim(1)
    expect(attempts.map(({ activity }) => activity.id)).toEqual(['hidden'])
    await planted.complete(attempts)
    await planted.committed(schedulerGroup(planted.namespace), topic)
    await planted.harvest()
  })

  test.each(all)('$name is set aside, and hides nothing', row => planted.check(row))

  test('garbage behind what waits hides it from no sweep', async () => {
    const topic = delayTopic(planted.namespace)
    const value = delayed({ ...GOOD, id: 'later', due_at: '9999-01-01T00:00:00Z' }, '1')
    const good = { name: 'good', key: 'later:1', value, reason: '' }
    await planted.plantTogether(topic, [good, poison('garbage behind what waits', 'later:1')])
    await settled(async () => (await storage.getActivity({ id: 'later' }))?.status === 'scheduled')
    const redis = new Redis(redisUrl())
    const keys = new Keys(planted.namespace)
    await redis.del(keys.due, keys.delayed, keys.scheduledCounts)
    redis.disconnect()
    expect(await storage.sweepScheduled()).toBeGreaterThan(0)
    expect(await storage.getActivity({ id: 'later' })).toMatchObject({ status: 'scheduled' })
    expect(await storage.cancel({ id: 'later' })).toEqual({ outcome: 'cancelled' })
  })
})

test('an attempt of an unknown type that is in the index already is set aside when it is due', async () => {
  await using other = await PlantedNamespace.open([TYPE])
  const topic = delayTopic(other.namespace)
  const value = delayed({ ...GOOD, id: 'indexed', activity_type: 'nowhere' }, '1')
  const row: PoisonRow = { name: 'indexed:1', value, reason: 'unknown_type' }
  await other.plant(topic, [row])
  // As another one left it that knew no better: indexed, and behind what the group has committed.
  expect(await other.storage.sweepScheduled()).toBe(1)
  const ends = (await other.observed.bounds(topic)).map(({ partition, high }) => ({ partition, offset: String(high) }))
  await other.admin.setOffsets({ groupId: schedulerGroup(other.namespace), topic, partitions: ends })
  await other.storage.processScheduled({ limit: 10 })
  await settled(async () => (await other.storage.getActivity({ id: 'indexed' })) === null)
  await other.harvest()
  other.check(row)
  expect((await other.observed.records(topic)).map(record => record.value === null)).toEqual([false, true])
})

describe('numbers at their ends', () => {
  async function plantAndClaim(id: string, fields: object) {
    const topic = laneTopic(planted.namespace, TYPE, 'normal')
    await planted.foreign.send(topic, { key: id, value: recordOf({ ...GOOD, id, ...fields }, '1') })
    const [claimed] = await planted.claim(1)
    expect(claimed?.activity.id).toBe(id)
    return { id, leaseId: claimed?.leaseId ?? '' }
  }

  test('1,000 failures before: the backoff is its cap', async () => {
    const lease = await plantAndClaim('often', { retry_count: 1_000, max_retries: 0, retry_delay_seconds: 2 ** 31 - 1 })
    expect(await storage.ackFailure({ ...lease, failure })).toMatchObject({ outcome: 'retrying', retryInMs: 3_600_000 })
    expect(await storage.cancel(lease)).toEqual({ outcome: 'cancelled' })
  })

  test('the longest backoff and cap: due in 68 years, and it can be read again', async () => {
    const most = { retry_delay_seconds: 2 ** 31 - 1, retry_delay_max_seconds: 2 ** 31 - 1 }
    const lease = await plantAndClaim('rarely', { retry_count: 1, max_retries: 0, ...most })
    const answer = await storage.ackFailure({ ...lease, failure })
    expect(answer).toMatchObject({ outcome: 'retrying', retryInMs: LIMITS.retryDelayMsMax })
    expect(await storage.getActivity(lease)).toMatchObject({ status: 'scheduled', attempt: 3 })
    expect(await storage.cancel(lease)).toEqual({ outcome: 'cancelled' })
  })

  test.each([
    ['attempt', { attempt: LIMITS.attemptsMax }],
    ['retry_count', { retry_count: LIMITS.attemptsMax }],
  ])('the highest %s is the last, however many are allowed', async (field, fields) => {
    const lease = await plantAndClaim(`highest-${field}`, { max_retries: 0, ...fields })
    expect(await storage.ackFailure({ ...lease, failure })).toEqual({ outcome: 'dead_letter' })
    const { items } = await storage.listDeadLetters({ limit: 200 })
    expect(items.map(({ id }) => id)).toContain(lease.id)
  })
})

describe('in the outcomes', () => {
  const ID = 'outcome-1'
  const garbage = (): readonly PoisonRow[] =>
    poisonRows((fields, payload) => recordOf({ outcome: 'completed', ended_at: PAST, ...fields }, payload))

  test('garbage under the id of an activity hides nothing of it, from nobody who looks', async () => {
    const topic = outcomesTopic(planted.namespace)
    const partition = partitionOf(ID, 2)
    const gone = new AbortController()
    const events: (ActivityEvent | EventGap)[] = []
    const following = (async () => {
      for await (const event of storage.events({ signal: gone.signal })) events.push(event)
    })()
    const plant = async (): Promise<void> => {
      const values = [null, ...garbage().map(({ value }) => value)].filter(value => (value?.length ?? 0) < 100_000)
      await Promise.all(values.map(value => planted.foreign.send(topic, { key: ID, value }, partition)))
    }
    await plant()
    const sent = { type: TYPE, payload: 1, id: ID, maxAttempts: 1 }
    const made = newActivity(sent, { ids: { next: () => ID }, nowMs: systemClock.nowMs() })
    expect(await storage.enqueueMany({ activities: [made] })).toMatchObject([{ outcome: 'created' }])
    const [claimed] = await planted.claim(1)
    expect(await storage.ackFailure({ id: ID, leaseId: claimed?.leaseId ?? '', failure })).toEqual({
      outcome: 'dead_letter',
    })
    await plant()
    await settled(async () => events.some(event => event.type === 'dead_letter' && event.id === ID))
    gone.abort()
    await following
    expect(await storage.getActivity({ id: ID })).toMatchObject({ status: 'dead_letter', attempt: 1, payloadJson: '1' })
    expect((await storage.getEvents({ id: ID })).map(({ type }) => type)).toEqual([
      'enqueued',
      'started',
      'dead_letter',
    ])
    const { items } = await storage.list({ status: 'dead_letter', limit: 200 })
    expect(items.filter(({ id }) => id === ID)).toHaveLength(1)
  })

  test('an emptied Redis is told what is right in spite of it', async () => {
    const redis = new Redis(redisUrl())
    const keys = new Keys(planted.namespace)
    try {
      await redis.del(keys.generation, keys.marker(ID))
      const options = { namespace: planted.namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 }
      await using other = await KafkaStorage.open(options)
      expect(await other.getActivity({ id: ID })).toMatchObject({ status: 'dead_letter', attempt: 1 })
      expect(markerFields(await redis.getBuffer(keys.marker(ID)))?.s).toBe('dead_letter')
    } finally {
      redis.disconnect()
    }
  })
})

describe('in the DLQ', () => {
  const FORGED: readonly (readonly [string, Buffer | null, readonly (readonly [string, string])[]])[] = [
    ['poison without a reason', Buffer.from('x'), [['errand-kind', 'poison']]],
    [
      'a reason with a line break',
      Buffer.from('x'),
      [
        ['errand-kind', 'poison'],
        ['errand-reason', 'a\r\n\u001b[31m'],
      ],
    ],
    ['an unknown kind', Buffer.from('x'), [['errand-kind', 'ghost']]],
    ['no value and no kind', null, []],
    [
      'a dead letter that is an activity',
      recordOf({ ...GOOD, id: 'outcome-1' }, '1'),
      [['errand-kind', 'dead_letter']],
    ],
  ]

  test('garbage under the id of a dead letter hides it from no page, and it is redriven as it was', async () => {
    const topic = dlqTopic(planted.namespace)
    const partition = partitionOf('outcome-1', 2)
    const small = poisonRows(recordOf).filter(({ value }) => (value?.length ?? 0) < 100_000)
    const sending = [
      ...FORGED.map(([, value, headers]) =>
        planted.foreign.send(topic, { key: 'outcome-1', value, headers }, partition),
      ),
      ...small.map(({ value }) => planted.foreign.send(topic, { key: 'outcome-1', value }, partition)),
    ]
    await Promise.all(sending)
    const { items } = await storage.listDeadLetters({ type: TYPE, limit: 200 })
    expect(items.map(({ id }) => id).sort()).toEqual(['highest-attempt', 'highest-retry_count', 'outcome-1'])
    const { id } = await storage.redrive({ id: 'outcome-1' })
    const attempts = await planted.claim(1)
    expect(attempts[0]?.activity).toMatchObject({ id, redriveOf: 'outcome-1', payloadJson: '1', attempt: 1 })
    await planted.complete(attempts)
  })
})

test('a lane in a codec that cannot be read is told to whoever claims from it, and holds up no other type', async () => {
  await storage.declareTypes({ types: [PACKED] })
  const topic = laneTopic(planted.namespace, PACKED, 'normal')
  const codec = { name: 'compression.type', value: 'zstd' }
  // 2: a topic.
  await planted.admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: 2, name: topic, configEntries: [codec] }],
  })
  await storage.subscribe({ types: [PACKED] })
  const claimPacked = (): Promise<unknown> => storage.dequeue({ workerId: 'w', timeoutMs: 30_000, types: [PACKED] })
  let refusal: unknown
  // Until the broker has taken the setting over, it unpacks what it is sent.
  for (let nth = 0; refusal === undefined && nth < 100; nth += 1) {
    const value = recordOf({ ...GOOD, id: `p-${nth}`, activity_type: PACKED }, '1')
    await planted.foreign.send(topic, { key: 'p', value, codec: 'zstd' })
    refusal = await claimPacked().then(
      () => undefined,
      (error: unknown) => error,
    )
  }
  expect(refusal).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/ZSTD/) as string })
  await expect(claimPacked()).rejects.toMatchObject({
    code: 'unsupported',
  })
  const lane = laneTopic(planted.namespace, TYPE, 'normal')
  await planted.foreign.send(lane, { key: 'other', value: recordOf({ ...GOOD, id: 'other' }, '1') })
  const [other] = await storage.dequeue({ workerId: 'w', timeoutMs: 20_000, types: [TYPE], leaseMs: 60_000 })
  expect(other?.activity.id).toBe('other')
})
