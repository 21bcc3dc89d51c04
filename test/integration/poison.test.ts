// Records that are none of ours, in a lane and in the schedule, from a producer that knows nothing of Errand. The consumer
// goes on, and what it refuses is in the DLQ as it was.

import type { Admin, Producer } from 'kafkajs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { PRODUCER_LIMITS } from '../../src/core/limits.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { delayTopic, dlqTopic, laneTopic, schedulerGroup, workersGroup } from '../../src/core/topics.ts'
import { createKafka, kafkaRetry } from '../../src/producer/kafka-client.ts'
import { TopicAdmin } from '../../src/producer/topic-admin.ts'
import { decodeDlq } from '../../src/wire/dead-letter-record.ts'
import { Worker } from '../../src/worker/worker.ts'
import { settled } from '../support/consuming.ts'
import { ObservedNamespace, runAlone } from '../support/observed-namespace.ts'
import { kafkaBrokers } from '../support/stack.ts'

const work = defineActivity({ type: 'work', input: z.number() })
/** The most that a topic takes in one batch, less the batch's own head. */
const VALUE_BYTES_MAX = 1_048_588 - 100
const PARTITIONS = 2

interface Poison {
  readonly name: string
  readonly key?: string
  readonly value: Buffer | null
  readonly reason: string
}

const id = 'poison-1'
const good = { v: 1, id, activity_type: 'work', created_at: '2026-01-01T00:00:00.000Z', priority: 'normal', payload: 1 }

function json(fields: object, payload?: string): Buffer {
  const text = JSON.stringify(fields)
  return Buffer.from(payload === undefined ? text : `${text.slice(0, -1)},"payload":${payload}}`)
}

const { payload: _, ...withoutPayload } = good

/** What neither a lane nor the schedule takes. `around` puts an activity into the record of the kind. */
function poisons(around: (fields: object, payload?: string) => Buffer): Poison[] {
  return [
    { name: 'garbage', value: Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3]), reason: 'not_utf8' },
    { name: 'no JSON', value: Buffer.from('{"v":1,'), reason: 'not_json' },
    { name: 'an array', value: Buffer.from('[1]'), reason: 'invalid' },
    { name: 'nothing in it', value: Buffer.alloc(0), reason: 'empty' },
    { name: 'a version to come', value: around({ ...good, v: 99 }), reason: 'unknown_version' },
    { name: 'an unknown priority', value: around({ ...good, priority: 'urgent' }), reason: 'invalid' },
    { name: 'a bad type', value: around({ ...good, activity_type: 'a.b' }), reason: 'invalid' },
    { name: 'a bad id', value: around({ ...good, id: 'a b' }), reason: 'invalid' },
    { name: 'attempt 0', value: around({ ...good, attempt: 0 }), reason: 'invalid' },
    { name: 'no payload', value: around(withoutPayload), reason: 'invalid' },
    { name: 'deep', value: around(withoutPayload, `${'['.repeat(200)}${']'.repeat(200)}`), reason: 'too_deep' },
    { name: 'very deep', value: Buffer.from('['.repeat(300_000)), reason: 'too_deep' },
    { name: 'a lone surrogate', value: around(withoutPayload, String.raw`"\ud800"`), reason: 'invalid' },
    { name: 'a key of 1 MB', key: 'k'.repeat(1_000_000), value: Buffer.from('x'), reason: 'not_json' },
    { name: 'a value of 1 MB', key: 'big', value: Buffer.alloc(VALUE_BYTES_MAX, 'x'), reason: 'not_json' },
  ]
}

async function setup(prepare?: (namespace: string) => Promise<void>) {
  const observed = await ObservedNamespace.open({
    ...{ types: [work.type], partitions: PARTITIONS },
    ...(prepare === undefined ? {} : { prepare }),
  })
  const storage = await observed.openAnother({ commitIntervalMs: 100 })
  const worker = new Worker({ storage, leaseMs: 5_000, reaper: { scheduleIntervalMs: 50, intervalMs: 100 } })
  worker.handle(work, input => input)
  const kafka = createKafka({ brokers: kafkaBrokers(), clientId: 'foreign', logger: silentLogger })
  const producer: Producer = kafka.producer({ retry: kafkaRetry(5), allowAutoTopicCreation: false })
  const admin: Admin = kafka.admin({ retry: kafkaRetry(5) })
  await Promise.all([producer.connect(), admin.connect(), worker.start()])
  return {
    observed,
    storage,
    /** Sends each by itself, and gives where it stands. */
    async send(topic: string, list: readonly Poison[]): Promise<Map<string, Poison>> {
      const places = new Map<string, Poison>()
      for (const poison of list) {
        const key = poison.key ?? poison.name
        const [at] = await producer.send({ topic, messages: [{ key, value: poison.value, partition: 0 }] })
        places.set(`${topic}/${at?.partition}/${at?.baseOffset}`, poison)
      }
      return places
    },
    /** Waits until a group has committed the end of every partition of a topic. */
    async untilCommitted(groupId: string, topic: string): Promise<void> {
      await settled(async () => {
        const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
        const ends = await admin.fetchTopicOffsets(topic)
        const isDone = ({ partition, high }: { partition: number; high: string }): boolean =>
          high === '0' || committed?.partitions.find(each => each.partition === partition)?.offset === high
        return ends.every(isDone)
      })
    },
    async [Symbol.asyncDispose]() {
      await worker.stop()
      await Promise.all([producer.disconnect(), admin.disconnect(), storage.close()])
      await observed[Symbol.asyncDispose]()
    },
  }
}

/** What the DLQ must hold for these, and what it holds. */
async function compare(observed: ObservedNamespace, places: ReadonlyMap<string, Poison>): Promise<void> {
  const found = new Map<string, { readonly value: Uint8Array | null; readonly reason: string }[]>()
  for (const { value, headers } of await observed.records(dlqTopic(observed.namespace))) {
    const letter = decodeDlq(value, headers)
    if (letter.kind !== 'poison') continue
    const { source, reason } = letter.record
    const place = `${source.topic}/${source.partition}/${source.offset}`
    found.set(place, [...(found.get(place) ?? []), { value, reason }])
  }
  for (const [place, poison] of places) {
    const letters = found.get(place) ?? []
    expect(letters.length, `${poison.name} at ${place} is in the DLQ so many times. ${runAlone()}`).toBe(1)
    expect(letters[0]?.reason, poison.name).toBe(poison.reason)
    const same = Buffer.compare(letters[0]?.value ?? Buffer.alloc(0), poison.value ?? Buffer.alloc(0)) === 0
    expect(same, `the bytes of ${poison.name}`).toBe(true)
  }
  expect(found.size, `poison in the DLQ. ${runAlone()}`).toBe(places.size)
}

test('poison in a lane goes to the DLQ with its bytes, reason and place, and what stands around it is completed', async () => {
  await using context = await setup()
  const { observed, send, untilCommitted } = context
  const lane = laneTopic(observed.namespace, work.type, 'normal')
  const before = await observed.enqueueAll(work, [1, 2, 3, 4])
  const places = await send(lane, [
    ...poisons(json),
    { name: 'no value', value: null, reason: 'empty' },
    { name: 'another lane', value: json({ ...good, priority: 'high' }), reason: 'wrong_lane' },
    { name: 'another type', value: json({ ...good, activity_type: 'other' }), reason: 'wrong_lane' },
  ])
  const after = await observed.enqueueAll(work, [5, 6, 7, 8])
  await observed.ended([...before, ...after])
  await untilCommitted(workersGroup(observed.namespace, work.type), lane)
  await compare(observed, places)
  expect(await observed.storage.listDeadLetters({})).toEqual({ items: [], cursor: null })
  expect(await observed.storage.stats()).toMatchObject({ pending: 0, completed: 8 })
})

test('poison in the schedule goes to the DLQ once, also when the schedule is swept, and the others are moved when due', async () => {
  await using context = await setup()
  const { observed, send, untilCommitted } = context
  const delay = delayTopic(observed.namespace)
  const dueAt = new Date(systemClock.nowMs() - 1_000).toISOString()
  const around = (fields: object, payload?: string): Buffer => json({ due_at: dueAt, ...fields }, payload)
  const before = await observed.enqueueAll(work, [1, 2, 3, 4], { delayMs: 500 })
  const places = await send(delay, [
    ...poisons(around),
    { name: 'no due time', value: json(good), reason: 'invalid' },
    { name: 'another key', key: `${id}:7`, value: around(good), reason: 'wrong_key' },
  ])
  await send(delay, [{ name: 'a tombstone of nothing', value: null, reason: '' }])
  const after = await observed.enqueueAll(work, [5, 6, 7, 8], { delayMs: 500 })
  await observed.ended([...before, ...after])
  await untilCommitted(schedulerGroup(observed.namespace), delay)
  await compare(observed, places)
  expect(await context.storage.sweepScheduled()).toBe(0)
  await compare(observed, places)
  expect(await observed.storage.stats()).toMatchObject({ pending: 0, scheduled: 0, completed: 8 })
})

test('poison that the DLQ is too small for is clipped, and holds nothing up', async () => {
  await using context = await setup(async namespace => {
    const settings = { brokers: kafkaBrokers(), clientId: 'small-dlq', logger: silentLogger }
    const admin = new TopicAdmin({ settings, clock: systemClock, logger: silentLogger })
    await admin.start()
    // As a lane has it: the headers that say why a record is here have no room beside the largest of them.
    await admin.provision([{ topic: dlqTopic(namespace), partitions: 1, config: { 'max.message.bytes': '1048588' } }])
    await admin.stop()
  })
  const { observed, send, untilCommitted } = context
  const lane = laneTopic(observed.namespace, work.type, 'normal')
  const value = Buffer.alloc(VALUE_BYTES_MAX, 'x')
  await send(lane, [{ name: 'big', value, reason: 'not_json' }])
  const after = await observed.enqueueAll(work, [1, 2, 3, 4])
  await observed.ended(after)
  await untilCommitted(workersGroup(observed.namespace, work.type), lane)
  const letters = await observed.records(dlqTopic(observed.namespace))
  expect(letters.length, runAlone()).toBe(1)
  const [letter] = letters.map(record => decodeDlq(record.value, record.headers))
  expect(letter).toMatchObject({ kind: 'poison', record: { reason: 'not_json_clipped' } })
  const bytes = letters[0]?.value ?? Buffer.alloc(0)
  expect(Buffer.compare(bytes, value.subarray(0, PRODUCER_LIMITS.partitionBatchBytesMax))).toBe(0)
})

test('a foreign producer that writes a lane as the grammar says has its activity run', async () => {
  await using context = await setup()
  const { observed, send } = context
  const key = 'foreign-1'
  expect(partitionOf(key, PARTITIONS)).toBeGreaterThanOrEqual(0)
  await send(laneTopic(observed.namespace, work.type, 'normal'), [
    { name: 'good', key, value: json({ ...good, id: key, payload: 7 }), reason: '' },
  ])
  expect((await observed.ended([key])).get(key)).toMatchObject({ outcome: 'completed', resultJson: '7' })
})
