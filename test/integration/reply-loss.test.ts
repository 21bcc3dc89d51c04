// The proxy that loses answers does what it says: the server has carried the write out, and the client hears nothing of it.

import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createKafka, kafkaRetry } from '../../src/producer/kafka-client.ts'
import { TopicAdmin } from '../../src/producer/topic-admin.ts'
import { dropTopics } from '../support/drop-topics.ts'
import type { LostReply, WriteKind } from '../support/reply-loss.ts'
import { ReplyLoss } from '../support/reply-loss.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

let loss: ReplyLoss
beforeAll(async () => {
  loss = await ReplyLoss.open({ brokers: kafkaBrokers(), redisUrl: redisUrl() })
})
afterAll(() => loss.close())

function losing(kind: WriteKind): Promise<LostReply> {
  return new Promise(resolve => loss.loseNext(kind, resolve))
}

describe('Redis', () => {
  const key = `reply-loss-${randomUUID()}`
  const direct = new Redis(redisUrl())
  afterAll(async () => {
    await direct.del(key)
    direct.disconnect()
  })

  /** One that asks nothing twice. */
  async function connected(): Promise<Redis> {
    const redis = new Redis(loss.redisUrl, { lazyConnect: true, retryStrategy: () => null, protocol: 3 })
    redis.on('error', () => undefined) // the cut is what it is all about
    await redis.connect()
    return redis
  }

  test('the answer to a write is lost once the write was carried out', async () => {
    const redis = await connected()
    const lost = losing('Redis')
    await expect(redis.hincrby(key, 'count', 1)).rejects.toThrow(/close/i)
    expect(await lost).toEqual({ write: 'hincrby', bytes: ':1\r\n'.length })
    expect(await direct.hget(key, 'count')).toBe('1')
  })

  test('answers to what reads, is refused or only queued pass, and the one to the whole transaction is lost', async () => {
    const redis = await connected()
    const lost = losing('Redis')
    expect(await redis.hget(key, 'count')).toBe('1')
    await expect(redis.lpush(key, 'x')).rejects.toThrow('WRONGTYPE')
    await expect(redis.multi().hincrby(key, 'count', 1).hset(key, 'name', '€').exec()).rejects.toThrow(/close/i)
    expect((await lost).write).toBe('exec')
    expect(await direct.hgetall(key)).toEqual({ count: '2', name: '€' })
  })

  test('with nothing to be lost, everything passes, whatever its form', async () => {
    const redis = await connected()
    const [one, two] = await Promise.all([redis.hgetall(key), redis.config('GET', 'maxmemory-policy')])
    expect(one).toEqual({ count: '2', name: '€' })
    expect(two).toBeTypeOf('object')
    expect(await redis.eval('return { 1, { "a", false }, "" }', 0)).toEqual([1, ['a', null], ''])
    redis.disconnect()
  })
})

describe('Kafka', () => {
  const namespace = freshNamespace('loss')
  const topic = `${namespace}.work.normal`
  const settings = { clientId: 'reply-loss', logger: silentLogger }
  const admin = new TopicAdmin({
    settings: { ...settings, brokers: kafkaBrokers() },
    clock: systemClock,
    logger: silentLogger,
  })
  beforeAll(async () => {
    await admin.start()
    await admin.provision([{ topic, partitions: 1, config: {} }])
  })
  afterAll(async () => {
    await admin.stop()
    await dropTopics(namespace)
  })

  test('the answer to a produce is lost once the record is in the log, by way of the address that the broker is said to have', async () => {
    const producer = createKafka({ ...settings, brokers: loss.brokers }).producer({ retry: kafkaRetry(0) })
    await producer.connect()
    const send = (): Promise<unknown> => producer.send({ topic, acks: -1, messages: [{ value: 'x', partition: 0 }] })
    await send()
    const lost = losing('Produce')
    await expect(send()).rejects.toThrow(/close/i)
    expect((await lost).write).toBe('Produce')
    expect(await admin.offsets(topic)).toMatchObject([{ low: 0, high: 2 }])
    await producer.disconnect()
  })
})
