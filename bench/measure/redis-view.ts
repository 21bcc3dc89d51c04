// How full Redis is, as it says itself. On a Redis that others use, what they do shows in it, too.

import { Redis } from 'ioredis'
import { systemClock } from '../../src/core/clock.ts'
import { percentile } from '../figures.ts'

const LOOKS = 5
const PAUSE_MS = 50
const MB = 1_000_000

/** A connection that only looks. Disposing it closes it. */
export interface RedisView extends AsyncDisposable {
  /** `used_memory`, the median of a few looks: buffers of connections come and go. A MB is a million bytes. */
  usedMb(): Promise<number>
  /** Keys in its database. */
  keys(): Promise<number>
}

/** Connects. */
export async function openRedisView(url: string): Promise<RedisView> {
  const redis = new Redis(url, { lazyConnect: true, replyMapping: 'legacy' })
  await redis.connect()
  const look = async (): Promise<number> => {
    const info = await redis.info('memory')
    return Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? Number.NaN) / MB
  }
  return {
    async usedMb() {
      const looks: number[] = []
      for (let at = 0; at < LOOKS; at += 1) {
        looks.push(await look())
        await systemClock.sleep(PAUSE_MS)
      }
      return percentile(looks, 0.5)
    },
    keys: () => redis.dbsize(),
    async [Symbol.asyncDispose]() {
      await redis.quit()
    },
  }
}
