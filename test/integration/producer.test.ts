// The topic writer against a real broker. Each test is one of the ways in which kafkajs loses, drops or poisons.

import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { PRODUCER_LIMITS } from '../../src/core/limits.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createKafka } from '../../src/producer/kafka-client.ts'
import { TopicAdmin } from '../../src/producer/topic-admin.ts'
import { TopicWriter } from '../../src/producer/topic-writer.ts'
import type { WriteAnswer, WriteRecord } from '../../src/producer/topic-writer.ts'
import { freshNamespace, kafkaBrokers } from '../support/stack.ts'

const KIB = 1024

async function setup(options: { readonly lingerMs?: number } = {}) {
  const settings = { brokers: kafkaBrokers(), clientId: 'producer-test', logger: silentLogger }
  const writer = new TopicWriter({ settings, clock: systemClock, logger: silentLogger, ...options })
  const admin = new TopicAdmin({ settings, clock: systemClock, logger: silentLogger })
  await Promise.all([writer.start(), admin.start()])
  const prefix = freshNamespace('writer')
  const made: string[] = []
  const newTopic = async (name: string, config: Record<string, string> = {}, partitions = 4): Promise<string> => {
    const topic = `${prefix}.${name}`
    await admin.provision([{ topic, partitions, config }])
    made.push(topic)
    return topic
  }
  return {
    settings,
    writer,
    admin,
    newTopic,
    async [Symbol.asyncDispose]() {
      await writer.stop()
      await admin.deleteTopics(made)
      await admin.stop()
    },
  }
}

function record(topic: string, partition: number, value: string): WriteRecord {
  return { topic, partition, key: null, value }
}

function codes(answers: readonly WriteAnswer[]): string[] {
  return answers.map(answer => (answer.ok ? 'ok' : answer.error.code))
}

/** Everything that is on a topic, by partition, in the order of the log. */
async function readAll(context: Awaited<ReturnType<typeof setup>>, topic: string): Promise<Map<number, string[]>> {
  const bounds = await context.admin.offsets(topic)
  const expected = bounds.reduce((sum, { low, high }) => sum + high - low, 0)
  const values = new Map<number, string[]>()
  const groupId = freshNamespace('reader')
  const consumer = createKafka(context.settings).consumer({ groupId, retry: { retries: 5 } })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      let seen = 0
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            const list = values.get(batch.partition) ?? []
            for (const { value } of batch.messages) list.push(value?.toString() ?? 'null')
            values.set(batch.partition, list)
            seen += batch.messages.length
            if (seen >= expected) resolve()
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  await context.admin.deleteGroup(groupId)
  return values
}

describe('a write', () => {
  it('answers each record in its place, with its offset', async () => {
    await using context = await setup()
    const topic = await context.newTopic('places')
    const answers = await context.writer.write([
      record(topic, 2, 'a'),
      record(topic, 0, 'b'),
      record(topic, 2, 'c'),
      { topic, partition: -1, key: null, value: 'd' },
      { topic, partition: 3, key: new Uint8Array([1]), value: null, headers: { h: new Uint8Array([1]) } },
    ])
    expect(codes(answers)).toEqual(['ok', 'ok', 'ok', 'invalid_argument', 'ok'])
    expect(answers.map(answer => (answer.ok ? answer.offset : null))).toEqual(['0', '0', '1', null, '0'])
    expect(await readAll(context, topic)).toEqual(
      new Map([
        [0, ['b']],
        [2, ['a', 'c']],
        [3, ['null']],
      ]),
    )
  })

  it('is refused before the start and after the stop', async () => {
    const context = await setup()
    await context[Symbol.asyncDispose]()
    await expect(context.writer.write([record('t', 0, 'a')])).rejects.toMatchObject({ code: 'conflict' })
  })

  it('is answered before a stop ends', async () => {
    await using context = await setup()
    const topic = await context.newTopic('drain')
    const writing = Promise.all(Array.from({ length: 50 }, (_, n) => context.writer.write([record(topic, n % 4, 'x')])))
    expect(await context.writer.stop()).toEqual({ drained: true, remaining: 0 })
    expect((await writing).flatMap(codes)).toEqual(Array.from({ length: 50 }, () => 'ok'))
  })

  it('is refused at once when too much waits', async () => {
    await using context = await setup()
    const topic = await context.newTopic('full')
    const tooMany = Array.from({ length: PRODUCER_LIMITS.queueRecordsMax + 1 }, () => record(topic, 0, 'x'))
    const answers = await context.writer.write(tooMany)
    expect(new Set(codes(answers))).toEqual(new Set(['unavailable']))
    expect(context.writer.requests).toBe(0)
  })
})

describe('batching', () => {
  it.each([0, 1])('makes few requests of 500 concurrent writes (linger %i ms)', async lingerMs => {
    await using context = await setup({ lingerMs })
    const topic = await context.newTopic('many')
    await context.writer.write([record(topic, 0, 'warm')])
    const before = context.writer.requests
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, n) => context.writer.write([record(topic, n % 4, 'x')])),
    )
    expect(answers.flatMap(codes)).toEqual(Array.from({ length: 500 }, () => 'ok'))
    expect(context.writer.requests - before).toBeLessThanOrEqual(3)
  })

  it.each([0, 1])('keeps the order of the calls in each partition (linger %i ms)', async lingerMs => {
    await using context = await setup({ lingerMs })
    const [many, one] = await Promise.all([context.newTopic('order-a', {}, 16), context.newTopic('order-b', {}, 1)])
    const writing: Promise<readonly WriteAnswer[]>[] = []
    const expected = new Map<number, string[]>()
    for (let n = 0; n < 3_000; n++) {
      // Wide, slow requests and narrow, quick ones in turn, over many turns of the event loop.
      const partition = n % 16
      const value = `${n} ${'x'.repeat((n * 7919) % 5_000)}`
      expected.set(partition, [...(expected.get(partition) ?? []), value])
      writing.push(context.writer.write([record(many, partition, value), record(one, 0, `${n}`)]))
      if (n % 5 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    expect(new Set((await Promise.all(writing)).flatMap(codes))).toEqual(new Set(['ok']))
    expect(context.writer.requests).toBeGreaterThan(3)
    expect(await readAll(context, many)).toEqual(expected)
    expect((await readAll(context, one)).get(0)).toEqual(Array.from({ length: 3_000 }, (_, n) => `${n}`))
  })
})

describe('a record that is refused', () => {
  it('harms none of its neighbours when it is too large', async () => {
    await using context = await setup()
    const topic = await context.newTopic('oversized')
    // The first request to a topic just made can fail for one partition, and is then repeated for all of them.
    const warm = await context.writer.write([0, 1, 2, 3].map(partition => record(topic, partition, 'warm')))
    expect(codes(warm)).toEqual(['ok', 'ok', 'ok', 'ok'])
    const neighbours = Array.from({ length: 20 }, (_, n) => record(topic, n % 4, `${n}`))
    const oversized = record(topic, 0, 'x'.repeat(2_000 * KIB))
    const answers = await context.writer.write([...neighbours.slice(0, 10), oversized, ...neighbours.slice(10)])
    expect(codes(answers)).toEqual(Array.from({ length: 21 }, (_, n) => (n === 10 ? 'payload_too_large' : 'ok')))
    const onLog = [...(await readAll(context, topic)).values()].flat().filter(value => value !== 'warm')
    expect(onLog.sort()).toEqual(neighbours.map(({ value }) => value).sort())
  })

  it('is found by halving when the batch is what is too large', async () => {
    await using context = await setup()
    const topic = await context.newTopic('small', { 'max.message.bytes': '10000' })
    const sizes = Array.from({ length: 60 }, (_, n) => (n === 37 ? 20_000 : 1_000))
    const answers = await context.writer.write(sizes.map(size => record(topic, 1, 'x'.repeat(size))))
    expect(codes(answers)).toEqual(sizes.map(size => (size > 10_000 ? 'payload_too_large' : 'ok')))
  })

  it('splits what is only large together: 3 x 400 kB to one partition', async () => {
    await using context = await setup()
    const topic = await context.newTopic('together')
    const answers = await context.writer.write([0, 0, 0].map(() => record(topic, 0, 'x'.repeat(400_000))))
    expect(codes(answers)).toEqual(['ok', 'ok', 'ok'])
  })

  it('is refused by content alone: a compacted topic wants keys', async () => {
    await using context = await setup()
    const topic = await context.newTopic('compacted', { 'cleanup.policy': 'compact' })
    const records = Array.from({ length: 9 }, (_, n) => ({ ...record(topic, 0, 'x'), key: n === 4 ? null : `${n}` }))
    const answers = await context.writer.write(records)
    expect(codes(answers)).toEqual(records.map(({ key }) => (key === null ? 'invalid_argument' : 'ok')))
  })
})

describe('partitions and topics', () => {
  it('says clearly that partition 9 of 4 does not exist', async () => {
    await using context = await setup()
    const topic = await context.newTopic('nine')
    const answers = await context.writer.write([record(topic, 1, 'a'), record(topic, 9, 'b'), record(topic, 2, 'c')])
    expect(codes(answers)).toEqual(['ok', 'not_found', 'ok'])
    expect(answers[1]).toMatchObject({ error: { message: expect.stringContaining('partition 9') } })
  })

  it('reaches partitions that were added under load', async () => {
    await using context = await setup()
    const topic = await context.newTopic('grown')
    const kafka = createKafka(context.settings).admin()
    await kafka.connect()
    let isDone = false
    const load = (async () => {
      const seen = new Set<string>()
      while (!isDone)
        for (const code of codes(await context.writer.write([0, 1, 2, 3].map(n => record(topic, n, 'x')))))
          seen.add(code)
      return seen
    })()
    await context.writer.write([record(topic, 0, 'known')])
    await kafka.createPartitions({ topicPartitions: [{ topic, count: 6 }] })
    await kafka.disconnect()
    const answers = await context.writer.write([record(topic, 4, 'a'), record(topic, 5, 'b')])
    isDone = true
    expect(codes(answers)).toEqual(['ok', 'ok'])
    expect(await load).toEqual(new Set(['ok']))
  })

  it('answers not_found for a topic that does not exist, and the others of the same request are written', async () => {
    await using context = await setup()
    const topic = await context.newTopic('here')
    const gone = `${topic}-not`
    for (let round = 0; round < 3; round++) {
      const answers = await context.writer.write([record(topic, 0, 'a'), record(gone, 0, 'b'), record(topic, 1, 'c')])
      expect(codes(answers)).toEqual(['ok', 'not_found', 'ok'])
      expect(answers[1]).toMatchObject({ error: { details: { topic: gone } } })
    }
  })

  it('goes on with the other topics when one is deleted', async () => {
    await using context = await setup()
    const [kept, deleted] = await Promise.all([context.newTopic('kept'), context.newTopic('deleted')])
    const both = [record(kept, 0, 'a'), record(deleted, 0, 'b')]
    expect(codes(await context.writer.write(both))).toEqual(['ok', 'ok'])
    await context.admin.deleteTopics([deleted])
    expect(codes(await context.writer.write(both))).toEqual(['ok', 'not_found'])
    const fresh = await context.newTopic('fresh')
    expect(codes(await context.writer.write([record(fresh, 0, 'c'), record(kept, 1, 'd')]))).toEqual(['ok', 'ok'])
    const again = await context.newTopic('deleted')
    expect(codes(await context.writer.write([record(again, 0, 'e')]))).toEqual(['ok'])
  })
})

describe('no broker', () => {
  it('names the address when nobody listens there', async () => {
    const port = await closedPort()
    const settings = { brokers: [`127.0.0.1:${port}`], clientId: 'producer-test', logger: silentLogger }
    const writer = new TopicWriter({ settings, clock: systemClock, logger: silentLogger })
    const startedAtMs = systemClock.monotonicMs()
    await expect(writer.start()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(16_000)
    expect(await writer.stop()).toEqual({ drained: true, remaining: 0 })
  })
})

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
