// A full disk under Redis: a limit on the size of its files, set while it runs, makes its appends fail (EFBIG) as ENOSPC
// would, and it refuses writes until they succeed again. Where limits cannot be set from outside, its memory is full instead.

import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { promisify } from 'node:util'
import { findProgram } from '../../../../scripts/stack/programs.ts'
import { redisAppendFile } from '../../../../scripts/stack/redis.ts'
import { waitUntil } from '../../../../scripts/stack/wait.ts'
import type { Ground, Injection, Random } from '../ground.ts'
import { askRedis, redisCure } from '../redis-view.ts'

const PROBE_KEY = 'chaos:probe:full'
/** Room for a few records more, so that the one that fails is cut off in the middle. */
const ROOM_BYTES = 1_024
const EFFECT_MS_MAX = 15_000

/** Lets Redis keep nothing more for some seconds. */
export async function fullDisk(ground: Ground, random: Random): Promise<Injection> {
  const { stack, clock } = ground
  const { redisUrl } = stack.direct
  const means = await fill(ground)
  let refusal: string | null = null
  try {
    const what = `Redis to refuse a write (${means.name})`
    await waitUntil(async () => (refusal = await refusalOf(redisUrl)) !== null, { what, deadlineMs: EFFECT_MS_MAX })
    await clock.sleep(random.between(1_000, 4_000))
  } finally {
    await means.undo()
  }
  const isWritable = async (): Promise<boolean> => (await refusalOf(redisUrl)) === null
  await waitUntil(isWritable, { what: 'Redis to take a write again', deadlineMs: EFFECT_MS_MAX })
  await askRedis(redisUrl, redis => redis.del(PROBE_KEY))
  return {
    target: 'redis',
    proof: refusal === null ? null : `${means.name}: ${String(refusal)}`,
    cure: `a write is taken; ${await redisCure(stack)}`,
  }
}

/** Why a write is refused; null: it was taken. */
async function refusalOf(url: string): Promise<string | null> {
  try {
    await askRedis(url, redis => redis.set(PROBE_KEY, 'x'.repeat(512)))
    return null
  } catch (error) {
    const text = String(error)
    if (/MISCONF|OOM/.test(text)) return text
    throw error
  }
}

interface Means {
  readonly name: string
  undo(): Promise<void>
}

async function fill({ stack }: Ground): Promise<Means> {
  const file = redisAppendFile(stack.dataDir)
  if (findProgram('prlimit') === undefined || file === undefined) return await fillMemory(stack.direct.redisUrl)
  const limit = async (bytes: string): Promise<void> => {
    await promisify(execFile)('prlimit', [`--pid=${stack.redisPid()}`, `--fsize=${bytes}:unlimited`])
  }
  const bytes = statSync(file).size + ROOM_BYTES
  await limit(String(bytes))
  return { name: `files of at most ${bytes} bytes`, undo: () => limit('unlimited') }
}

async function fillMemory(url: string): Promise<Means> {
  const before = await askRedis(url, redis => redis.config('GET', 'maxmemory'))
  const set = async (bytes: string): Promise<void> => {
    await askRedis(url, redis => redis.config('SET', 'maxmemory', bytes))
  }
  await set('1')
  return { name: 'maxmemory 1, as no limit on files can be set here', undo: () => set(before[1] ?? '0') }
}
