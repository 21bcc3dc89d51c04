// What people get wrong before anything works. Each mistake is told by an error that names it, and a storage that could not
// be opened holds nothing: its process ends by itself.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ensureRedis } from '../../scripts/stack/local.ts'
import { choosePorts } from '../../scripts/stack/ports.ts'
import { stopStack } from '../../scripts/stack/stack.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { laneTopics } from '../../src/core/topics.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/kafka-storage-options.ts'
import { ObservedNamespace, runAlone } from '../support/observed-namespace.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const CHILD = fileURLToPath(new URL('../support/open-child.ts', import.meta.url))
/** After its answer a process has so long to end. */
const EXIT_MS_MAX = 5_000

interface Answer {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  readonly tookMs: number
}

/** Opens a storage with these options in a process, and sees to it that the process ends. */
async function opened(options: Partial<KafkaStorageOptions> & Record<string, unknown>): Promise<Answer> {
  const complete = { namespace: freshNamespace('bad'), brokers: kafkaBrokers(), redisUrl: redisUrl(), ...options }
  const child = spawn(process.execPath, [CHILD, JSON.stringify(complete)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [said, stderr] = ['', '']
  const exited = once(child, 'exit')
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  try {
    await Promise.race([once(child.stdout, 'data'), exited])
    const late = (): Error =>
      new ErrandError('timeout', `still open after ${EXIT_MS_MAX} ms: ${said} ${stderr}. ${runAlone()}`)
    const [exitCode] = await withDeadline(systemClock, exited, EXIT_MS_MAX, late)
    expect(exitCode, `${stderr} ${runAlone()}`).toBe(0)
    return JSON.parse(said) as Answer
  } finally {
    child.kill('SIGKILL')
  }
}

test('an address where nobody is, is unavailable in time and named: 20 s for Kafka, 10 s for Redis', async () => {
  const [port = 0] = await choosePorts(1)
  const [kafka, name, redis] = await Promise.all([
    opened({ brokers: [`127.0.0.1:${port}`] }),
    opened({ brokers: ['kafka.invalid:9092'] }),
    opened({ redisUrl: `redis://127.0.0.1:${port}` }),
  ])
  console.log(`nobody there: told after ${kafka.tookMs.toFixed(0)} ms (Kafka), ${redis.tookMs.toFixed(0)} ms (Redis)`)
  expect(kafka).toMatchObject({ code: 'unavailable', message: expect.stringContaining(`127.0.0.1:${port}`) })
  expect(name).toMatchObject({ code: 'unavailable', message: expect.stringContaining('kafka.invalid') })
  expect(redis).toMatchObject({ code: 'unavailable', details: { setting: 'redisUrl' } })
  expect(redis.message).toContain(`127.0.0.1:${port}`)
  expect(Math.max(kafka.tookMs, name.tookMs)).toBeLessThan(20_000)
  expect(redis.tookMs).toBeLessThan(10_000)
})

describe('a Redis that will not do', () => {
  let dataDir = ''
  let port = 0
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'errand-redis-'))
    port = (await ensureRedis(dataDir)).port
  })
  afterAll(() => stopStack({ dataDir }))

  async function configured<T>(settings: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
    const redis = new Redis(port, '127.0.0.1')
    for (const [name, value] of Object.entries(settings)) await redis.config('SET', name, value)
    try {
      return await work()
    } finally {
      await redis.config('SET', 'requirepass', '')
      await redis.config('SET', 'maxmemory-policy', 'noeviction')
      redis.disconnect()
    }
  }

  test('a wrong or missing password is a matter of configuration that names redisUrl and does not show the password', async () => {
    await configured({ requirepass: 'right-one' }, async () => {
      const urls = [
        `redis://:wrong-one@127.0.0.1:${port}`,
        `redis://someone:wrong-one@127.0.0.1:${port}`,
        `redis://127.0.0.1:${port}`,
      ]
      for (const answer of await Promise.all(urls.map(url => opened({ redisUrl: url })))) {
        expect(answer).toMatchObject({ code: 'configuration', details: { setting: 'redisUrl' } })
        expect(answer.message).toContain(`127.0.0.1:${port}`)
        expect(JSON.stringify(answer)).not.toContain('wrong-one')
      }
      expect(await opened({ redisUrl: `redis://:right-one@127.0.0.1:${port}` })).toMatchObject({ code: 'opened' })
    })
  })

  test('one that evicts is refused, and the setting is named', async () => {
    const answer = await configured({ 'maxmemory-policy': 'allkeys-lru' }, () =>
      opened({ redisUrl: `redis://127.0.0.1:${port}` }),
    )
    expect(answer).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('noeviction'),
      details: { setting: 'maxmemory-policy', received: 'allkeys-lru' },
    })
  })
})

test('options that cannot be right are refused before anything is reached, each by its name', async () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ namespace: 'Bad_One' }, 'namespace'],
    [{ namespace: '' }, 'namespace'],
    [{ brokers: [] }, 'brokers'],
    [{ brokers: 'localhost:9092' }, 'brokers'],
    [{ brokers: ['localhost'] }, 'brokers'],
    [{ brokers: ['localhost:0'] }, 'brokers'],
    [{ brokers: ['kafka://localhost:9092'] }, 'brokers'],
    [{ redisUrl: 'localhost:6379' }, 'redisUrl'],
    [{ redisUrl: 'http://localhost:6379' }, 'redisUrl'],
    [{ redisUrl: 5 }, 'redisUrl'],
    [{ partition: 3 }, 'partition'],
    [{ partitions: 0 }, 'partitions'],
    [{ partitions: '3' }, 'partitions'],
    [{ sessionTimeoutMs: 10 }, 'sessionTimeoutMs'],
    [{ retention: { markerMs: 0 } }, 'retention.markerMs'],
    [{ retention: { markersMs: 5_000 } }, 'retention.markersMs'],
    [{ replicationFactor: 0 }, 'replicationFactor'],
    [{ redisProtocol: 4 }, 'redisProtocol'],
    [{ provision: 'yes' }, 'provision'],
    [{ clientId: '' }, 'clientId'],
  ]
  const answers = await Promise.all(
    cases.map(async ([options, field]) => {
      const { KafkaStorage } = await import('../../src/storage/kafka/index.ts')
      const complete = { namespace: freshNamespace('bad'), brokers: kafkaBrokers(), redisUrl: redisUrl(), ...options }
      const told = await KafkaStorage.open(complete as KafkaStorageOptions).then(
        async storage => {
          await storage.close()
          return 'opened'
        },
        (error: unknown) => {
          const { code, details, message } = error as ErrandError
          return `${code} ${String(details['field'])}${message.includes(field) ? '' : ` (${message})`}`
        },
      )
      return `${JSON.stringify(options)}: ${told}`
    }),
  )
  expect(answers).toEqual(cases.map(([options, field]) => `${JSON.stringify(options)}: invalid_argument ${field}`))
})

describe('an enqueue that cannot be right', () => {
  const work = defineActivity({ type: 'work', input: z.unknown() })
  const unknown = { ...work, type: 'a.b' }
  const deep = Array.from({ length: 200 }).reduce<unknown>(inner => [inner], 1)
  const circle: Record<string, unknown> = {}
  circle['self'] = circle

  test('is refused with its field named, and nothing of it is written anywhere', async () => {
    await using observed = await ObservedNamespace.open({ types: [work.type] })
    const { client, storage, namespace } = observed
    const redis = new Redis(redisUrl())
    try {
      const before = [await endsOf(observed), await keysOf(redis, namespace)]
      const refusals: [string, Promise<unknown>, object][] = [
        ['too deep', client.enqueue(work, deep), { code: 'invalid_argument' }],
        ['a circle', client.enqueue(work, circle), { code: 'invalid_argument' }],
        ['a lone surrogate', client.enqueue(work, { text: '\uD800' }), { code: 'invalid_argument' }],
        ['a lone surrogate as a name', client.enqueue(work, { '\uDC00': 1 }), { code: 'invalid_argument' }],
        ['a bigint', client.enqueue(work, 1n), { code: 'invalid_argument' }],
        ['too large', client.enqueue(work, 'x'.repeat(950_000)), { code: 'payload_too_large' }],
        [
          'too large under a key',
          client.enqueue(work, 'é'.repeat(500_000), { key: 'k' }),
          { code: 'payload_too_large' },
        ],
        [
          'a key too long',
          client.enqueue(work, 1, { key: 'k'.repeat(513) }),
          { code: 'invalid_argument', details: { field: 'key' } },
        ],
        [
          'a key with a lone surrogate',
          client.enqueue(work, 1, { key: '\uD800' }),
          { code: 'invalid_argument', details: { field: 'key' } },
        ],
        ['a bad type', client.enqueue(unknown, 1), { code: 'invalid_argument' }],
        ['a bad id', client.enqueue(work, 1, { id: 'a/b' }), { code: 'invalid_argument' }],
        [
          'attempts below one',
          client.enqueue(work, 1, { maxAttempts: 0 }),
          { code: 'invalid_argument', details: { field: 'maxAttempts' } },
        ],
        [
          'an unknown option',
          client.enqueue(work, 1, { prio: 'high' } as object),
          { code: 'invalid_argument', details: { field: 'prio' } },
        ],
      ]
      for (const [name, refusal, expected] of refusals) {
        const error: unknown = await refusal.then(
          () => 'accepted',
          (thrown: unknown) => thrown,
        )
        expect(error, `${name}. ${runAlone()}`).toMatchObject(expected)
      }
      const undeclared = newActivity(
        { type: 'other', payload: 1 },
        { ids: { next: () => 'undeclared-1' }, nowMs: systemClock.nowMs() },
      )
      expect(await storage.enqueueMany({ activities: [undeclared] })).toMatchObject([
        { outcome: 'refused', code: 'invalid_argument' },
      ])
      expect([await endsOf(observed), await keysOf(redis, namespace)], runAlone()).toEqual(before)
      const { id } = await client.enqueue(work, 'good')
      expect([await endsOf(observed), id]).not.toEqual([before[0], id])
    } finally {
      redis.disconnect()
    }
  })

  async function endsOf(observed: ObservedNamespace): Promise<string[]> {
    const topics = [
      ...laneTopics(observed.namespace, work.type),
      ...['delay', 'outcomes', 'dlq'].map(name => `${observed.namespace}.${name}`),
    ]
    const bounds = await Promise.all(topics.map(topic => observed.bounds(topic)))
    return topics.map((topic, at) => `${topic}: ${bounds[at]?.map(({ high }) => high).join(' ')}`)
  }

  async function keysOf(redis: Redis, namespace: string): Promise<string[]> {
    return (await redis.keys(`{${namespace}:*`)).sort()
  }
})
