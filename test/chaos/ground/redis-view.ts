// Redis as a fault sees it: asked past the proxy, on a new connection for every question, so that no answer is an old one.

import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { waitUntil } from '../../../scripts/stack/wait.ts'
import type { ProxiedStack } from './proxied-stack.ts'

const ANSWER_MS_MAX = 5_000
/** Loading a large file and a loaded machine: longer than that is a defect. */
const RETURN_MS_MAX = 30_000

/** Asks the Redis at this address. Rejects when it does not answer within 5 s. */
export async function askRedis<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: ANSWER_MS_MAX,
    commandTimeout: ANSWER_MS_MAX,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  redis.on('error', () => undefined) // told by the rejection
  try {
    await redis.connect()
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

/** A key that no one else has, by which it is seen whether Redis still knows what it was told. */
export async function plantKey(stack: ProxiedStack): Promise<{ isThere(): Promise<boolean>; remove(): Promise<void> }> {
  const key = `chaos:probe:${randomUUID()}`
  const { redisUrl } = stack.direct
  await askRedis(redisUrl, redis => redis.set(key, 'x'))
  return {
    isThere: async () => (await askRedis(redisUrl, redis => redis.exists(key))) === 1,
    remove: async () => void (await askRedis(redisUrl, redis => redis.del(key))),
  }
}

/** Which run of the server answers: another after every start. */
export async function runIdOf(stack: ProxiedStack): Promise<string> {
  const info = await askRedis(stack.direct.redisUrl, redis => redis.info('server'))
  return /run_id:(\w+)/.exec(info)?.[1]?.slice(0, 8) ?? 'unknown'
}

/** Waits until clients get an answer, by way of the proxy, and says so. */
export async function redisCure(stack: ProxiedStack): Promise<string> {
  let last = 'nothing was asked'
  const answers = async (): Promise<boolean> => {
    try {
      last = await askRedis(stack.redisUrl, redis => redis.ping())
      return last === 'PONG'
    } catch (error) {
      last = String(error)
      return false
    }
  }
  const what = 'Redis to answer by way of its proxy'
  await waitUntil(answers, { what, deadlineMs: RETURN_MS_MAX, intervalMs: 20, explain: () => last })
  return 'PONG by way of the proxy'
}
