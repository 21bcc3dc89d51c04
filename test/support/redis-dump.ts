// Everything that Redis holds of a namespace, field by field, and taking it away: for tests on a Redis that others use too.

import type { Redis } from 'ioredis'
import { markerFields } from '../../src/storage/redis/marker-text.ts'

/** One key: fields of a hash or a marker, members with scores of a sorted set, or `value` of a string; when it goes, if it does. */
export interface DumpedKey {
  readonly fields: Readonly<Record<string, string>>
  /** Milliseconds; -1: it stays. */
  readonly ttlMs: number
  /** By Redis's clock; -1: never. */
  readonly goesAtMs: number
}

/** Keys by what stands behind the namespace's tag. */
export type RedisDump = ReadonlyMap<string, DumpedKey>

const BATCH = 1_000

/** Reads every key of a namespace. */
export async function dumpNamespace(redis: Redis, namespace: string): Promise<Map<string, DumpedKey>> {
  const keys = await keysOf(redis, namespace)
  const dump = new Map<string, DumpedKey>()
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH)
    const types = await answersTo<string>(redis, 'type', batch)
    const ofType = (type: string): string[] => batch.filter(key => types.get(key) === type)
    const [seconds] = await redis.time()
    const ttls = await answersTo<number>(redis, 'pttl', batch)
    const hashes = await answersTo<Record<string, string>>(redis, 'hgetall', ofType('hash'))
    const sets = await answersTo<string[]>(redis, 'zrange', ofType('zset'), '0', '-1', 'WITHSCORES')
    const texts = await answersTo<string>(redis, 'get', ofType('string'))
    for (const key of batch) {
      const text = texts.get(key)
      const fields = hashes.get(key) ?? pairs(sets.get(key)) ?? (text === undefined ? null : fieldsOf(key, text))
      const ttlMs = ttls.get(key) ?? -1
      const goesAtMs = ttlMs === -1 ? -1 : Number(seconds) * 1_000 + ttlMs
      if (fields !== null) dump.set(key.slice(tagOf(namespace).length + 1), { fields, ttlMs, goesAtMs })
    }
  }
  return dump
}

/** Deletes every key of a namespace, in one step, as a server loses all of them at once. */
export async function emptyNamespace(redis: Redis, namespace: string): Promise<void> {
  await redis.eval(EMPTY, 0, `${tagOf(namespace)}:*`)
}

const EMPTY = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end"

function tagOf(namespace: string): string {
  return `{${namespace}:00}`
}

async function keysOf(redis: Redis, namespace: string): Promise<string[]> {
  const found = new Set<string>()
  const stream = redis.scanStream({ match: `${tagOf(namespace)}:*`, count: BATCH }) as AsyncIterable<string[]>
  for await (const batch of stream) for (const key of batch) found.add(key)
  return [...found].sort()
}

async function answersTo<T>(
  redis: Redis,
  command: 'type' | 'pttl' | 'hgetall' | 'zrange' | 'get',
  keys: readonly string[],
  ...args: string[]
): Promise<Map<string, T>> {
  const replies = await redis.pipeline(keys.map(key => [command, key, ...args])).exec()
  return new Map(
    keys.map((key, at) => {
      const [error, value] = replies?.[at] ?? [new Error('no reply'), undefined]
      if (error !== null) throw error
      return [key, value as T]
    }),
  )
}

/** A marker's fields one by one, as a hash would have them. */
function fieldsOf(key: string, text: string): Readonly<Record<string, string>> {
  return key.includes('}:m:') ? { ...markerFields(Buffer.from(text)) } : { value: text }
}

function pairs(flat: readonly string[] | undefined): Record<string, string> | null {
  if (flat === undefined) return null
  return Object.fromEntries(flat.flatMap((member, at) => (at % 2 === 0 ? [[member, flat[at + 1] ?? '']] : [])))
}
