// A rebuild of a schedule in which others have written, too: what is none of ours hides nothing that waits.

import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { delayTopic } from '../../src/core/topics.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { GOOD, recordOf } from '../support/bad-record-rows.ts'
import type { PoisonRow } from '../support/bad-record-rows.ts'
import { PlantedNamespace } from '../support/planted.ts'
import { redisUrl } from '../support/stack.ts'

let planted: PlantedNamespace
let redis: Redis
beforeAll(async () => {
  planted = await PlantedNamespace.open([GOOD.activity_type])
  redis = new Redis(redisUrl())
})
afterAll(async () => {
  redis?.disconnect()
  await planted?.[Symbol.asyncDispose]()
})

const row = (key: Buffer | string, value: Buffer): PoisonRow => ({ name: String(key), key, value, reason: '' })
const later = (id: string): Buffer => recordOf({ ...GOOD, id, due_at: '9999-01-01T00:00:00Z' }, '1')

test('garbage behind a scheduled attempt, or under a key that is no text, hides none from a rebuild', async () => {
  await planted.plantTogether(delayTopic(planted.namespace), [
    row('hidden:1', later('hidden')),
    row('hidden:1', Buffer.from('garbage')),
    row('hidden:1', later('under-the-key-of-another')),
    row(Buffer.from([0xff]), Buffer.from('garbage')),
    row(Buffer.from([0xfe]), Buffer.from('garbage')),
  ])
  const { namespace, storage } = planted
  // Nobody has asked for what is due yet, so nobody has read the schedule.
  expect(await storage.rebuild()).toMatchObject({ scheduled: 1, activities: 1, unreadable: 2 })
  expect(await redis.zrange(new Keys(namespace).due, '0', '-1')).toEqual(['hidden:1'])
})
