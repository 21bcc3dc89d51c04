// Dumps on a real Kafka and Redis: another client finds in a small namespace what was written there, to the last record.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { z } from 'zod'

import { defineActivity } from '../../../src/client/define-activity.ts'
import type { ClaimedAttempt } from '../../../src/core/activity.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { waitUntil } from '../../../scripts/stack/wait.ts'
import { ObservedNamespace } from '../../support/observed-namespace.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../../support/stack.ts'
import type { DumpedRecord, TopicDump } from '../evidence.ts'
import { readTopicDump } from './dump-file.ts'
import { dumpRedis } from './dump-redis.ts'
import { dumpTopics } from './dump-topics.ts'
import { topicRecords } from './topic-records.ts'

const alpha = defineActivity({ type: 'alpha', input: z.object({ n: z.number() }), maxAttempts: 1 })
const TOPICS = ['critical', 'high', 'normal', 'low'].flatMap(lane => [`alpha.${lane}`, `beta.${lane}`])

test('a namespace is dumped whole: lanes, schedule with tombstones, outcomes, dead letters, what is committed, Redis', async () => {
  await using folder = await temporaryFolder()
  await using observed = await ObservedNamespace.open({ types: ['alpha', 'beta'] })
  const { namespace, storage } = observed
  await storage.subscribe({ types: ['alpha'] })
  const ready = await observed.enqueueAll(alpha, [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
  const [waiting = '', cancelled = ''] = await observed.enqueueAll(alpha, [{ n: 5 }, { n: 6 }], { delayMs: 600_000 })
  await storage.cancel({ id: cancelled })
  const claims = await claimAll(observed, ready.length)
  const [first, second, refused, dead] = ready.map(id => claims.find(({ activity }) => activity.id === id))
  const error = { name: 'Error', message: 'as planned' }
  await storage.ackSuccess({ leases: [{ ...leaseOf(first), resultJson: '{"n":1}' }, leaseOf(second)] })
  await storage.ackFailure({ ...leaseOf(refused), failure: { kind: 'non_retryable', error } })
  await storage.ackFailure({ ...leaseOf(dead), failure: { kind: 'retryable', error } })
  await storage.close() // commits

  const path = join(folder.path, 'topics.jsonl')
  const dump = await dumpTopics({ brokers: kafkaBrokers(), namespace }, path)
  const inTopic = (name: string): readonly DumpedRecord[] =>
    dump.records.filter(({ topic }) => topic === `${namespace}.${name}`)

  expect(dump.partitions.map(({ topic, partition }) => `${topic}/${partition}`).sort()).toEqual(
    [...TOPICS, 'delay', 'outcomes', 'dlq'].flatMap(name => [0, 1].map(at => `${namespace}.${name}/${at}`)).sort(),
  )
  for (const { high, readTo } of dump.partitions) expect(readTo).toBe(high)
  expect(sum(dump, 'alpha.normal', ({ high }) => high)).toBe(4)
  // A partition without records has nothing committed.
  expect(sum(dump, 'alpha.normal', ({ committed }) => Math.max(0, committed ?? 0))).toBe(4)
  expect(dump.partitions.filter(({ committed }) => committed === null)).toHaveLength(4)

  expect(
    inTopic('alpha.normal')
      .map(({ key }) => key)
      .sort(),
  ).toEqual([...ready].sort())
  for (const { headers } of inTopic('alpha.normal')) expect(headers['errand-attempt']).toBe('1')
  expect(
    inTopic('delay')
      .map(({ key, value }) => `${key} ${value === null}`)
      .sort(),
  ).toEqual([`${waiting}:1 false`, `${cancelled}:1 false`, `${cancelled}:1 true`].sort())
  expect(inTopic('dlq').map(({ key, headers }) => [key, headers['errand-kind']])).toEqual([
    [dead?.activity.id, 'dead_letter'],
  ])
  // As Errand's own reader counts them.
  for (const name of ['outcomes', 'delay', 'alpha.normal']) {
    expect(inTopic(name)).toHaveLength((await observed.records(`${namespace}.${name}`)).length)
  }

  const records = topicRecords({ run: { namespace } as never, topics: dump })
  expect(records.unreadable).toEqual([])
  const ends = new Map(records.endings.map(({ id, outcome, resultJson }) => [id, `${outcome} ${resultJson}`]))
  expect(ends).toEqual(
    new Map([
      [first?.activity.id, 'completed {"n":1}'],
      [second?.activity.id, 'completed null'],
      [refused?.activity.id, 'failed null'],
      [dead?.activity.id, 'dead_letter null'],
      [cancelled, 'cancelled null'],
    ]),
  )
  expect(records.deadLetters.map(({ payloadJson }) => payloadJson)).toEqual(['{"n":4}'])

  const redis = await dumpRedis({ url: redisUrl(), namespace })
  expect(redis).toMatchObject({ leases: 0, due: 1, delayed: 1, reservations: 0, hasGeneration: true, keys: {} })
  expect(Object.keys(redis.markers).sort()).toEqual([...ready, cancelled].sort())
  expect(redis.markers[first?.activity.id ?? '']).toMatchObject({ s: 'completed', r: 'ok|{"n":1}' })

  expect(await readTopicDump(path)).toEqual(dump)
})

test('a schedule out of which records were compacted is read to its end', async () => {
  await using folder = await temporaryFolder()
  await using topic = await compactedTopic(`${freshNamespace('dump')}.delay`)
  const { namespace } = topic
  const path = join(folder.path, 'topics.jsonl')
  // Full segments are cleaned, by a thread that looks every 15 s; each look here adds a record, so that they become full.
  const untilMs = systemClock.monotonicMs() + 90_000
  let dump = await dumpTopics({ brokers: kafkaBrokers(), namespace }, path)
  while (dump.records.length === topic.written && systemClock.monotonicMs() < untilMs) {
    await topic.write(1)
    dump = await dumpTopics({ brokers: kafkaBrokers(), namespace }, path)
  }
  expect(dump.records.length).toBeLessThan(topic.written)
  expect(dump.records.at(-1)?.offset).toBe(topic.written - 1)
  expect(dump.partitions).toMatchObject([{ low: 0, high: topic.written, committed: -1, readTo: topic.written }])
})

test('a dump that was cut off is refused', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'topics.jsonl')
  await dumpTopics({ brokers: kafkaBrokers(), namespace: 'nobody-is-here' }, path)
  expect(await readTopicDump(path)).toEqual({ client: '@platformatic/kafka', records: [], partitions: [] })
  const [first = ''] = (await readFile(path, 'utf8')).split('\n')
  await writeFile(path, `${first}\n`)
  await expect(readTopicDump(path)).rejects.toThrow('was cut off')
})

async function claimAll({ storage }: ObservedNamespace, count: number): Promise<ClaimedAttempt[]> {
  const claimed: ClaimedAttempt[] = []
  while (claimed.length < count) {
    claimed.push(...(await storage.dequeue({ workerId: 'w1', timeoutMs: 30_000, limit: count })))
  }
  return claimed
}

function leaseOf(claimed: ClaimedAttempt | undefined): { id: string; leaseId: string } {
  return { id: claimed?.activity.id ?? '', leaseId: claimed?.leaseId ?? '' }
}

function sum(dump: TopicDump, name: string, of: (partition: TopicDump['partitions'][number]) => number): number {
  return dump.partitions.filter(({ topic }) => topic.endsWith(`.${name}`)).reduce((total, each) => total + of(each), 0)
}

interface CompactedTopic extends AsyncDisposable {
  readonly namespace: string
  readonly written: number
  write(count: number): Promise<void>
}

/** A topic of one partition with a megabyte in it, all of which but the last record of each of three keys may go. */
async function compactedTopic(topic: string): Promise<CompactedTopic> {
  const kafka = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  await Promise.all([admin.connect(), producer.connect()])
  const settings = { 'cleanup.policy': 'compact', 'segment.bytes': 1 << 20, 'min.cleanable.dirty.ratio': 0.01 }
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }))
  // kafkajs's own wait gives up after a few looks, which a busy broker outlasts.
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1, configEntries }] })
  const isLed = (): Promise<boolean> =>
    admin.fetchTopicMetadata({ topics: [topic] }).then(
      ({ topics }) => topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false,
      () => false,
    )
  await waitUntil(isLed, { what: `${topic} to have a leader`, deadlineMs: 30_000 })
  let written = 0
  const write = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++) {
      const message = { key: `id-${written % 3}:1`, value: written % 7 === 0 ? null : 'x'.repeat(60_000) }
      await producer.send({ topic, messages: [message] })
      written += 1
    }
  }
  await write(20)
  return {
    namespace: topic.slice(0, topic.indexOf('.')),
    get written() {
      return written
    },
    write,
    async [Symbol.asyncDispose]() {
      await admin.deleteTopics({ topics: [topic] })
      await Promise.all([admin.disconnect(), producer.disconnect()])
    },
  }
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'errand-dump-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}
