// Where one round is measured: a namespace that nobody used before, taken away afterwards, so that neither the next round
// nor the next run finds a broker full of topics and a Redis full of markers.

import { Redis } from 'ioredis'
import type { Admin } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { randomBytes } from 'node:crypto'
import type { Stack } from '../scripts/stack/stack.ts'
import { systemClock } from '../src/core/clock.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'

const SCAN_COUNT = 1_000

/** A fresh place on this stack. Disposing it deletes its topics, groups and keys; whatever used it must be closed. */
export function openGround({ kafkaBrokers, redisUrl }: Stack): ErrandKafkaOptions & AsyncDisposable {
  const namespace = `bench-${systemClock.nowMs().toString(36)}-${randomBytes(2).toString('hex')}`
  return {
    namespace,
    brokers: kafkaBrokers,
    redisUrl,
    async [Symbol.asyncDispose]() {
      await Promise.all([forgetTopics(kafkaBrokers, namespace), forgetKeys(redisUrl, namespace)])
    },
  }
}

/** How Redis keeps what it is told, for the report. */
export async function redisText(url: string): Promise<string> {
  const redis = new Redis(url)
  try {
    const { 1: version = 'unknown' } = /redis_version:(\S+)/.exec(await redis.info('server')) ?? []
    return `Redis ${version} (${(await settingsOf(redis)).join(', ')})`
  } finally {
    redis.disconnect()
  }
}

async function settingsOf(redis: Redis): Promise<string[]> {
  const settings: string[] = []
  for (const name of ['appendonly', 'appendfsync']) {
    const answer: unknown = await redis.call('CONFIG', 'GET', name).catch(() => undefined) // some hosts do not tell
    const value: unknown = Array.isArray(answer) ? answer[1] : Object(answer)[name]
    settings.push(`${name} ${typeof value === 'string' ? value : 'unknown'}`)
  }
  return settings
}

async function forgetTopics(brokers: readonly string[], namespace: string): Promise<void> {
  const admin = new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const isOurs = (name: string): boolean => name.startsWith(`${namespace}.`)
    const topics = (await admin.listTopics()).filter(isOurs)
    if (topics.length > 0) await admin.deleteTopics({ topics, timeout: 30_000 })
    await forgetGroups(admin, isOurs)
  } finally {
    await admin.disconnect()
  }
}

async function forgetGroups(admin: Admin, isOurs: (name: string) => boolean): Promise<void> {
  const { groups } = await admin.listGroups()
  const ours = groups.map(({ groupId }) => groupId).filter(isOurs)
  // A group may still have a member whose leaving has not come through: then it stays, and costs next to nothing.
  if (ours.length > 0) await admin.deleteGroups(ours).catch(() => undefined)
}

async function forgetKeys(url: string, namespace: string): Promise<void> {
  const redis = new Redis(url)
  try {
    // Errand's keys begin with the namespace in a hash tag, a peer's with the namespace itself.
    let cursor = '0'
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `*${namespace}:*`, 'COUNT', SCAN_COUNT)
      if (keys.length > 0) await redis.unlink(...keys)
      cursor = next
    } while (cursor !== '0')
  } finally {
    redis.disconnect()
  }
}
