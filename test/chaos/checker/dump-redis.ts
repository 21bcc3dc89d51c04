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
    markers: await fieldsOf(redis, names, `${prefix}m:`, 'getBuffer', value => markerOf(value as Buffer)),
    keys: await fieldsOf(redis, names, `${prefix}key:`, 'hgetall', fields => fields as Record<string, string>),
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

/** A marker: its fields and the length of its envelope in a line of JSON, then the envelope, then the result. */
function markerOf(bytes: Buffer): Record<string, string> {
  const stop = bytes.indexOf('\n')
  const { e: envelopeBytes = 0, ...fields } = JSON.parse(bytes.toString('utf8', 0, stop)) as { readonly e?: number }
  const result = bytes.toString('utf8', stop + 1 + envelopeBytes)
  return { ...(fields as Record<string, string>), ...(result === '' ? {} : { r: result }) }
}

async function fieldsOf(
  redis: Redis,
  names: readonly string[],
  prefix: string,
  command: 'getBuffer' | 'hgetall',
  decode: (value: unknown) => Record<string, string>,
): Promise<Record<string, Record<string, string>>> {
  const wanted = names.filter(name => name.startsWith(prefix))
  // Without a prototype: ids and keys are the users'.
  const hashes: Record<string, Record<string, string>> = Object.create(null) as Record<string, Record<string, string>>
  for (let at = 0; at < wanted.length; at += PIPELINE_MAX) {
    const page = wanted.slice(at, at + PIPELINE_MAX)
    const pipeline = redis.pipeline()
    for (const name of page) pipeline[command](name)
    const replies = (await pipeline.exec()) ?? []
    page.forEach((name, nth) => {
      const [error, fields] = replies[nth] ?? [new ErrandError('internal', 'no reply'), null]
      if (error !== null)
        throw new ErrandError('unavailable', `${name} could not be read: ${error.message}`, { cause: error })
      hashes[name.slice(prefix.length)] = decode(fields)
    })
  }
  return hashes
}
