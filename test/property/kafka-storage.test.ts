// The storage on Kafka and Redis and the model are asked the same: on real ones, always. Runs share one storage; each has
// fresh types. Time runs, so leases and delays are long and are ended by the fixtures.

import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { eventually } from '../../src/testing/contract/steps.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'
import { holds, replayedCommands } from './replay.ts'
import { storageCommands } from './storage-commands.ts'
import { StorageModel } from './storage-model.ts'
import type { System } from './storage-system.ts'
import { compareStats } from './storage-system.ts'

const PACE = { leasesMs: [3_600_000], delaysMs: [3_600_000], retryDelaysMs: [0, 600_000], advancesMs: [] }
/** What is looked at may come so much later. */
const PATIENCE_MS = 3_000

const namespace = freshNamespace('model')
const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})
let storage: Storage
let typesMade = 0

beforeAll(async () => {
  storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 })
})

afterAll(async () => {
  await storage?.close()
  await dropTopics(namespace)
})

async function setUp(): Promise<{ model: StorageModel; real: System }> {
  typesMade += 1
  const types = [`bill${typesMade}`, `send${typesMade}`] as const
  await storage.subscribe({ types })
  const real: System = {
    storages: [storage],
    types,
    isExact: false,
    slackMs: 2_000,
    isSentTwice: false,
    settlements: [],
    nowMs: () => systemClock.nowMs(),
    advance: () => Promise.resolve(),
    newActivity: spec => newActivity(spec, { ids, nowMs: systemClock.nowMs() }),
    eventually: attempt => eventually({ clock: systemClock }, attempt, PATIENCE_MS),
  }
  return { model: new StorageModel(), real }
}

/** What a run left expired or due must not be counted by the next one. */
async function cleanUp(): Promise<void> {
  await storage.requeueExpired({ limit: 1_000 })
  await storage.processScheduled({ limit: 1_000 })
}

test('the storage on Kafka and Redis does what the model says', { timeout: 180_000 }, async () => {
  const commands = fc.commands(storageCommands(PACE), { maxCommands: 25, size: 'max', ...replayedCommands })
  const property = fc.asyncProperty(commands, async asked => {
    const { model, real } = await setUp()
    try {
      await fc.asyncModelRun(() => ({ model, real }), asked)
      await compareStats(model, real)
    } finally {
      await cleanUp()
    }
  })
  // A failure is made smaller only for so long: every try makes new topics.
  const parameters = { numRuns: 16, interruptAfterTimeLimit: 100_000 }
  await holds(property, { ...parameters, file: 'test/property/kafka-storage.test.ts' })
})
