// Who recovers a Redis that was not told, and who sweeps: one at a time each, and neither waits for the other.

import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const ANOTHER = 'the token of another'
const namespace = freshNamespace('locks')
const keys = new Keys(namespace)

let redis: Redis
let storage: KafkaStorage
beforeAll(async () => {
  redis = new Redis(redisUrl())
  storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 })
  await storage.declareTypes({ types: ['work'] })
})
afterAll(async () => {
  await storage?.close()
  redis.disconnect()
  await dropTopics(namespace)
})

test('a recovery does not wait for a sweep that is under way, and leaves its lock alone', async () => {
  await redis.set(keys.sweep, ANOTHER)
  await redis.del(keys.generation)
  await storage.requeueExpired({ limit: 1 })
  expect(await redis.exists(keys.generation)).toBe(1)
  expect(await redis.get(keys.sweep)).toBe(ANOTHER)
  expect(await redis.exists(keys.recovery)).toBe(0)
})

test('a sweep gives its own lock back, and not the one that another has taken since', async () => {
  await redis.del(keys.sweep)
  await storage.sweepScheduled()
  expect(await redis.exists(keys.sweep)).toBe(0)

  const watching = new Redis(redisUrl())
  const commands = await watching.monitor()
  const taken = new Promise<void>(resolve => {
    commands.on('monitor', (_time: string, [command, key, token]: string[]) => {
      // As if it had run out at once: between the sweep's look at the index and its end.
      if (command?.toLowerCase() === 'zscan' && key === keys.due) resolve()
      if (command?.toLowerCase() === 'set' && key === keys.sweep && token !== ANOTHER)
        void redis.set(keys.sweep, ANOTHER)
    })
  })
  await storage.sweepScheduled()
  await taken
  commands.disconnect()
  watching.disconnect()
  expect(await redis.get(keys.sweep)).toBe(ANOTHER)
})
