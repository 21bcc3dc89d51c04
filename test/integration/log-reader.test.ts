// Random reads on a real broker.

import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { LogReader } from '../../src/consumer/log-reader.ts'
import { openConsuming, range } from '../support/consuming.ts'

async function setup() {
  const broker = await openConsuming()
  const { settings, namespace } = broker
  const reader = new LogReader({ settings, namespace, clock: systemClock, logger: silentLogger })
  return {
    broker,
    reader,
    async [Symbol.asyncDispose]() {
      await reader.stop()
      await broker[Symbol.asyncDispose]()
    },
  }
}

describe('the log reader', () => {
  it('reads the record at an offset with all that belongs to it', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topic = await broker.topic(2)
    await broker.produce(topic, 1, 100)
    const slice = await reader.read({ topic, partition: 1, offset: 42, maxRecords: 2 })
    expect(slice).toMatchObject({ low: 0, high: 100, gone: false, nextOffset: 44 })
    expect(slice.records.map(({ offset, partition }) => [partition, offset])).toEqual([
      [1, 42],
      [1, 43],
    ])
    const [record] = slice.records
    expect([String(record?.key), String(record?.value), String(record?.headers['n'])]).toEqual([
      '42',
      'vvvvvvvvvv',
      '42',
    ])
    expect(Math.abs((record?.timestampMs ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it('answers at once at the end, beyond the end, and on an empty partition', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topic = await broker.topic(2)
    await broker.produce(topic, 0, 10)
    const startedAtMs = systemClock.monotonicMs()
    for (const offset of [10, 11, 1_000]) {
      const slice = await reader.read({ topic, partition: 0, offset })
      expect(slice).toEqual({ records: [], low: 0, high: 10, gone: false, nextOffset: 10 })
    }
    expect(await reader.read({ topic, partition: 1, offset: 0 })).toMatchObject({ records: [], high: 0, nextOffset: 0 })
    expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(2_000)
    await broker.produce(topic, 0, 1)
    expect((await reader.read({ topic, partition: 0, offset: 10 })).records).toHaveLength(1)
  })

  it('says what was trimmed, and gives what is left', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 50)
    await broker.admin.fetchTopicOffsets(topic)
    await broker.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '30' }] })
    const slice = await reader.read({ topic, partition: 0, offset: 5, maxRecords: 3 })
    expect(slice).toMatchObject({ low: 30, high: 50, gone: true, nextOffset: 33 })
    expect(slice.records.map(record => record.offset)).toEqual([30, 31, 32])
    expect(await reader.bounds(topic)).toEqual([{ partition: 0, low: 30, high: 50 }])
  })

  it('steps over what transactions leave behind', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topic = await broker.topic(1)
    const transactional = broker.kafka.producer({ transactionalId: broker.namespace, maxInFlightRequests: 1 })
    await transactional.connect()
    const transaction = await transactional.transaction()
    await transaction.send({ topic, messages: [{ partition: 0, value: 'kept' }] })
    await transaction.commit()
    await transactional.disconnect()
    await broker.grownTo(topic, 2)
    await broker.produce(topic, 0, 1)
    const slice = await reader.read({ topic, partition: 0, offset: 1, maxRecords: 1 })
    expect(slice).toMatchObject({ gone: true, high: 3, nextOffset: 3 })
    expect(slice.records.map(record => record.offset)).toEqual([2])
  })

  it('does many reads at once, also of topics that it did not know', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topics = [await broker.topic(2), await broker.topic(2)]
    for (const topic of topics) for (const partition of [0, 1]) await broker.produce(topic, partition, 200)
    const reads = range(0, 200).map(n => ({
      topic: topics[n % 2] ?? '',
      partition: (n >> 1) % 2,
      offset: (n * 37) % 200,
    }))
    const slices = await Promise.all(reads.map(each => reader.read({ ...each, maxRecords: 1 })))
    const found = slices.flatMap(slice =>
      slice.records.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
    )
    expect(found).toEqual(reads)
  })

  it('scans a range in order, stops when it is told to, and says how far it came', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 3_000, 1_000)
    const seen: number[] = []
    const scan = { topic, partition: 0, from: 100, maxRecords: 10_000 }
    const all = await reader.scan({ ...scan, to: 2_900, onRecord: ({ offset }) => void seen.push(offset) })
    expect(all).toEqual({ scanned: 2_800, complete: true, nextOffset: 2_900 })
    expect(seen).toEqual(range(100, 2_900))
    const some = await reader.scan({ ...scan, to: 2_900, maxRecords: 7, onRecord: () => true })
    expect(some).toEqual({ scanned: 7, complete: false, nextOffset: 107 })
    const stopped = await reader.scan({ ...scan, to: 2_900, onRecord: ({ offset }) => offset < 110 })
    expect(stopped).toEqual({ scanned: 11, complete: false, nextOffset: 111 })
    const beyond = await reader.scan({ ...scan, to: 9_999, onRecord: () => true })
    expect(beyond).toEqual({ scanned: 2_900, complete: true, nextOffset: 3_000 })
  })

  it('is not poisoned by a topic that was deleted', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const [gone, stays, fresh] = [await broker.topic(1), await broker.topic(1), await broker.topic(1)]
    for (const topic of [gone, stays, fresh]) await broker.produce(topic, 0, 1)
    for (const topic of [gone, stays]) await reader.read({ topic, partition: 0, offset: 0 })
    await broker.admin.deleteTopics({ topics: [gone] })
    // A topic's deletion is answered before its leader has carried it out.
    const refusal = (): Promise<unknown> =>
      reader.read({ topic: gone, partition: 0, offset: 0 }).then(
        () => 'it was read',
        (error: unknown) => error,
      )
    await vi.waitFor(async () => expect(await refusal()).toMatchObject({ code: 'not_found' }), { timeout: 20_000 })
    for (const topic of [stays, fresh]) {
      expect((await reader.read({ topic, partition: 0, offset: 0 })).records).toHaveLength(1)
    }
    await expect(reader.read({ topic: stays, partition: 7, offset: 0 })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('leaves no group behind, and reads nothing once stopped', async () => {
    await using context = await setup()
    const { broker, reader } = context
    const topic = await broker.topic(1)
    await reader.read({ topic, partition: 0, offset: 0 })
    const { groups } = await broker.admin.listGroups()
    expect(groups.filter(group => group.groupId.startsWith(broker.namespace))).toEqual([])
    await reader.stop()
    await expect(reader.read({ topic, partition: 0, offset: 0 })).rejects.toMatchObject({ code: 'conflict' })
  })
})
