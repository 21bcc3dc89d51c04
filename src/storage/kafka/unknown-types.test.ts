import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogReader } from '../../consumer/log-reader.ts'
import { SCHEDULE_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { silentLogger } from '../../core/logger.ts'
import { TopicAdmin } from '../../producer/topic-admin.ts'
import { TopicWriter } from '../../producer/topic-writer.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { DEFAULT_RETENTION, SideStore } from '../redis/side-store.ts'
import { resolveKafkaStorageOptions } from './kafka-storage-options.ts'
import { Publisher } from './publisher.ts'
import { TopicCatalog } from './topic-catalog.ts'
import type { Stranger } from './unknown-types.ts'
import { UnknownTypes } from './unknown-types.ts'

const { strangersMax } = SCHEDULE_LIMITS

let types: UnknownTypes
let failedLooks: number
beforeEach(() => {
  types = unconnected()
  failedLooks = 0
})
afterEach(() => types.close())

const noting: Logger = { ...silentLogger, warn: () => (failedLooks += 1) }

/** As while Kafka is away: nothing of it was started, so every look at a type fails, and is repeated after a pause. */
function unconnected(): UnknownTypes {
  const [namespace, url, clock, logger] = ['unknown', 'redis://127.0.0.1:1', new ManualClock(), noting]
  const settings = { brokers: ['127.0.0.1:1'], clientId: 'unknown', logger }
  const options = resolveKafkaStorageOptions({ namespace, brokers: settings.brokers, redisUrl: url, clock, logger })
  const admin = new TopicAdmin({ settings, clock, logger })
  const publisher = new Publisher(
    namespace,
    new TopicCatalog(admin, options),
    new TopicWriter({ settings, clock, logger }),
  )
  const store = new SideStore({ url, namespace, retention: DEFAULT_RETENTION, clock, logger })
  const reader = new LogReader({ settings, namespace, clock, logger })
  return new UnknownTypes({ namespace, store, publisher, admin, reader, delayTopic: 'unknown.delay', clock, logger })
}

function strangers(from: number, count: number): Stranger[] {
  return Array.from({ length: count }, (_, n) => ({
    member: `act-${from + n}:1`,
    type: 'nowhere',
    partition: 0,
    record: null,
  }))
}

function withRecord(stranger: Stranger): Stranger {
  const key = Buffer.from(stranger.member)
  const place = { topic: 'unknown.delay', partition: 0, offset: 0, timestampMs: 0 }
  return { ...stranger, record: { ...place, key, value: key, headers: {} } }
}

/** Whether a judgement is still waited for when everything that can be done without Kafka was done. */
async function isWaiting(judging: Promise<boolean>): Promise<boolean> {
  const turn = new Promise<'waiting'>(resolve => setImmediate(() => resolve('waiting')))
  return (await Promise.race([judging, turn])) === 'waiting'
}

test('no more are judged at once than the bound says: the rest is passed over, and due again', async () => {
  const first = types.judge(strangers(0, strangersMax - 1))
  expect(await isWaiting(first)).toBe(true)
  // One of the two finds room, and the answer tells that not all did: not before that one is judged.
  const both = types.judge(strangers(strangersMax - 1, 2))
  expect(await isWaiting(both)).toBe(true)
  expect(await types.judge(strangers(strangersMax, 1))).toBe(false)
  expect(await types.judge(strangers(2 * strangersMax, 100))).toBe(false)
  await types.close()
  expect(await Promise.all([first, both])).toEqual([false, false])
})

test('those that are being judged already are looked into once, and take no more room', async () => {
  const first = types.judge(strangers(0, strangersMax - 1))
  const again = types.judge(strangers(0, strangersMax - 1))
  expect(await Promise.all([first, again].map(isWaiting))).toEqual([true, true])
  expect(failedLooks).toBe(1)
  expect(await isWaiting(types.judge(strangers(strangersMax - 1, 1)))).toBe(true)
})

test('one whose record is held for it is judged however many are: its offset would wait for ever', async () => {
  const all = types.judge(strangers(0, strangersMax))
  const fetched = types.judge(strangers(strangersMax, 1).map(withRecord))
  expect(await Promise.all([all, fetched].map(isWaiting))).toEqual([true, true])
})
