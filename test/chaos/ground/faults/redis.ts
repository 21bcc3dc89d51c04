// Faults of Redis: started anew with its data, without it, or with older data; emptied; stopped for longer than leases last;
// and a disk that takes nothing more.

import { rmSync } from 'node:fs'
import { waitUntil } from '../../../../scripts/stack/wait.ts'
import type { Fault, Ground, Injection, Random } from '../ground.ts'
import { describeState, goneProof, isStopped } from '../processes.ts'
import { askRedis, plantKey, redisCure, runIdOf } from '../redis-view.ts'
import { fullDisk } from './redis-full.ts'

/** See the head of the file. */
export const REDIS_FAULTS: readonly Fault[] = [
  // What it had not yet written is gone: up to a second by `everysec`, two while the disk is busy.
  { ...{ name: 'redis.restart', lane: 'servers', seconds: 3, losesRedis: true }, inject: restart },
  { ...{ name: 'redis.flushall', lane: 'servers', seconds: 1, losesRedis: true }, inject: flushAll },
  { ...{ name: 'redis.empty', lane: 'servers', seconds: 3, losesRedis: true }, inject: empty },
  { ...{ name: 'redis.rollback', lane: 'servers', seconds: 6, losesRedis: true }, inject: rollBack },
  { ...{ name: 'redis.pause', lane: 'servers', seconds: 4, losesRedis: false }, inject: stop },
  { ...{ name: 'redis.full', lane: 'servers', seconds: 6, losesRedis: false }, inject: fullDisk },
]

async function restart({ stack, clock }: Ground, random: Random): Promise<Injection> {
  const pid = stack.redisPid()
  const before = await runIdOf(stack)
  await stack.killRedis()
  const proof = await goneProof(pid)
  await clock.sleep(random.between(200, 2_000))
  await stack.startRedis()
  const cure = await redisCure(stack)
  return { target: 'redis', proof: proof && `${proof}, run ${before} is now ${await runIdOf(stack)}`, cure }
}

/** Counted in one transaction, so that what is written in between can't hide that it was empty. */
async function flushAll({ stack }: Ground): Promise<Injection> {
  const counts = await askRedis(stack.direct.redisUrl, async redis => {
    const answers = await redis.multi().dbsize().flushall().dbsize().exec()
    return { before: Number(answers?.[0]?.[1]), after: Number(answers?.[2]?.[1]) }
  })
  const isProven = counts.before > 0 && counts.after === 0
  const proof = isProven ? `DBSIZE ${counts.after} after ${counts.before}` : null
  return { target: 'redis', proof, cure: await redisCure(stack) }
}

async function empty({ stack, clock }: Ground, random: Random): Promise<Injection> {
  const pid = stack.redisPid()
  const planted = await plantKey(stack)
  await stack.killRedis()
  const proof = await goneProof(pid)
  await clock.sleep(random.between(100, 1_000))
  await stack.startRedis({ isEmpty: true })
  const isLost = !(await planted.isThere())
  const lost = proof !== null && isLost ? `${proof}; a key from before is unknown` : null
  return { target: 'redis', proof: lost, cure: await redisCure(stack) }
}

/** A copy of its files is put back some seconds later: what was told it in between, it was never told. */
async function rollBack({ stack, clock }: Ground, random: Random): Promise<Injection> {
  const before = await plantKey(stack)
  const copy = await copyWith(stack)
  const since = await plantKey(stack)
  const lateMs = random.between(1_000, 4_000)
  await clock.sleep(lateMs)
  const pid = stack.redisPid()
  await stack.killRedis()
  const gone = await goneProof(pid)
  await stack.startRedis({ copy })
  rmSync(copy, { recursive: true })
  const isOlder = (await before.isThere()) && !(await since.isThere())
  await before.remove()
  const proof = `${gone}; it knows a key from before the copy and none from after it, ${Math.round(lateMs)} ms later`
  return { target: 'redis', proof: gone !== null && isOlder ? proof : null, cure: await redisCure(stack) }
}

/**
 * A copy with all that Redis has been told up to now. One made while it exchanges its files for shorter ones would be
 * neither the old nor the new state; and while its disk is busy it keeps what is new to itself for up to two seconds.
 */
async function copyWith(stack: Ground['stack']): Promise<string> {
  return await askRedis(stack.direct.redisUrl, async redis => {
    const [, percentage = '100'] = await redis.config('GET', 'auto-aof-rewrite-percentage')
    await redis.config('SET', 'auto-aof-rewrite-percentage', '0')
    try {
      const isWritten = async (): Promise<boolean> => (await redis.info('persistence')).includes('aof_buffer_length:0')
      await waitUntil(isWritten, { what: 'Redis to write what it knows', deadlineMs: 15_000, intervalMs: 5 })
      return stack.copyRedis()
    } finally {
      await redis.config('SET', 'auto-aof-rewrite-percentage', percentage)
    }
  })
}

/** Longer than a lease: on its return nobody may be taken for dead who could only not renew. */
async function stop({ stack, clock, leaseMs }: Ground, random: Random): Promise<Injection> {
  const pid = stack.redisPid()
  const stopMs = leaseMs + random.between(200, 2_000)
  await stack.killRedis('SIGSTOP')
  let proof: string | null = null
  try {
    await clock.sleep(stopMs)
    if (isStopped(pid)) proof = `${describeState(pid)} for ${Math.round(stopMs)} ms`
  } finally {
    await stack.killRedis('SIGCONT')
  }
  return { target: 'redis', proof, cure: await redisCure(stack) }
}
