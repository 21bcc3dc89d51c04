// Reads what Redis holds of a namespace, by its key names alone: no script and no key builder of Errand's has a part in it.

import { Redis } from 'ioredis'

import { ErrandError } from '../../../src/core/errors.ts'
import type { RedisDump } from '../evidence.ts'

const SCAN_COUNT = 1_000
const PIPELINE_MAX = 500

/** Dumps the keys of a namespace. */
export async function dumpRedis(source: { readonly url: string; readonly namespace: string }): Promise<RedisDump> {
  const redis = new Redis(source.url, { lazyConnect: true })
  // Said by the command that fails because of it.
  redis.on('error', () => undefined)
  await redis.connect()
  try {
    return await dumpOf(redis, `{${source.namespace}:00}:`)
  } finally {
    redis.disconnect()
  }
}

async function dumpOf(redis: Redis, prefix: string): Promise<RedisDump> {
  const names = await keysOf(redis, prefix)
  const [leases, due, delayed, reservations, generation] = await Promise.all([
    redis.zcard(`${prefix}leases`),
    redis.zcard(`${prefix}due`),
    redis.hlen(`${prefix}delayed`),
    redis.zcard(`${prefix}reservations`),
    redis.exists(`${prefix}generation`),
  ])
  return {
    ...{ leases, due, delayed, reservations },
    hasGeneration: generation === 1,
    markers: await hashesOf(redis, names, `${prefix}a:`),
    keys: await hashesOf(redis, names, `${prefix}key:`),
  }
}

async function keysOf(redis: Redis, prefix: string): Promise<string[]> {
  const names = new Set<string>()
  // Braces mean nothing in a glob of Redis; the rest of the prefix is letters, digits and dashes.
  for await (const page of redis.scanStream({ match: `${prefix}*`, count: SCAN_COUNT })) {
    for (const name of page as string[]) names.add(name)
  }
  return [...names].sort()
}

async function hashesOf(
  redis: Redis,
  names: readonly string[],
  prefix: string,
): Promise<Record<string, Record<string, string>>> {
  const wanted = names.filter(name => name.startsWith(prefix))
  // Without a prototype: ids and keys are the users'.
  const hashes: Record<string, Record<string, string>> = Object.create(null) as Record<string, Record<string, string>>
  for (let at = 0; at < wanted.length; at += PIPELINE_MAX) {
    const page = wanted.slice(at, at + PIPELINE_MAX)
    const pipeline = redis.pipeline()
    for (const name of page) pipeline.hgetall(name)
    const replies = (await pipeline.exec()) ?? []
    page.forEach((name, nth) => {
      const [error, fields] = replies[nth] ?? [new ErrandError('internal', 'no reply'), null]
      if (error !== null)
        throw new ErrandError('unavailable', `${name} could not be read: ${error.message}`, { cause: error })
      hashes[name.slice(prefix.length)] = fields as Record<string, string>
    })
  }
  return hashes
}
