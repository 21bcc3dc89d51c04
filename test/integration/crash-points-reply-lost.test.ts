// For each write: the server carried it out, its answer was lost, and the process lives on: the caller tries again where it
// is told to, everybody else's own retries cope, and the activity ends, once. The answer is lost on the wire: a proxy waits
// for it, keeps it to itself, and cuts the connection.

import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { onCrossing } from '../../src/core/crash-point.ts'
import { ErrandError, isErrandError } from '../../src/core/errors.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { meetFates } from '../support/crash-fates.ts'
import { CrashGround } from '../support/crash-ground.ts'
import type { MatrixRow } from '../support/crash-matrix.ts'
import { CRASH_MATRIX, kindOf } from '../support/crash-matrix.ts'
import { isRehoming } from '../support/crash-scenarios.ts'
import { setScene } from '../support/crash-scenes.ts'
import { CrashStage } from '../support/crash-stage.ts'
import { crashStorageOptions } from '../support/crash-storage-options.ts'
import type { LostReply } from '../support/reply-loss.ts'
import { ReplyLoss } from '../support/reply-loss.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const LOST_MS_MAX = 30_000
const TRIES_MAX = 5

describe('an activity ends once when the answer to a write was lost and its process lives on', () => {
  const ground = new CrashGround()
  let loss: ReplyLoss
  /** Takes leases back: after trouble with Redis, the one on the stage waits a lease before it does. */
  let keeper: KafkaStorage
  let stage: CrashStage

  let rehomesSoon = false
  const openThere = (): Promise<KafkaStorage> =>
    KafkaStorage.open({
      ...crashStorageOptions(ground.namespace, rehomesSoon),
      ...{ brokers: loss.brokers, redisUrl: loss.redisUrl },
    })

  beforeAll(async () => {
    loss = await ReplyLoss.open({ brokers: kafkaBrokers(), redisUrl: redisUrl() })
    const { namespace, type, redis } = ground
    stage = new CrashStage({ namespace, type, redis, storage: await openThere(), openAnother: () => ground.open() })
    keeper = await ground.open()
    await stage.storage.declareTypes({ types: [type] })
    await keeper.declareTypes({ types: [type] })
  })

  afterAll(async () => {
    onCrossing(undefined)
    await stage.storage.close()
    await keeper.close()
    await loss.close()
    await ground.close()
  })

  for (const row of CRASH_MATRIX) test(`'${row.scenario}' at ${row.point}`, () => play(row))

  async function play(row: MatrixRow): Promise<void> {
    const { scenario, point } = row
    const isOther = isRehoming(scenario) !== rehomesSoon
    rehomesSoon = isRehoming(scenario)
    if (isOther || scenario === 'read the schedule') await reopen() // one that has not read it yet
    stage.reaper = scenario.startsWith('reap') ? await openThere() : stage.storage
    const scene = await setScene(scenario, stage, null)
    const lost = new Promise<LostReply>(resolve => {
      stage.whenNextAt(point, 'before', () => {
        loss.loseNext(kindOf(point), resolve)
        return undefined
      })
    })
    try {
      await insist(scene.act)
      const late = (): Error => new ErrandError('timeout', `no answer was lost at ${point}`)
      const { bytes } = await withDeadline(systemClock, lost, LOST_MS_MAX, late)
      assert.ok(bytes > 0)
    } finally {
      loss.spare()
      await stage.tidy()
      if (stage.reaper !== stage.storage) await stage.reaper.close()
    }
    if (scenario === 'close') await reopen()
    await meetFates(ground, stage.storage, row, [{ ids: [scene.id, ...(scene.others ?? [])], fate: row.after }], keeper)
  }

  async function reopen(): Promise<void> {
    await stage.storage.close()
    stage.storage = await openThere()
    await stage.storage.declareTypes({ types: [ground.type] })
  }
})

/** `unavailable` is to be asked again, as every caller is told. */
async function insist(act: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await act()
      return
    } catch (error) {
      if (!isErrandError(error, 'unavailable') || tries === TRIES_MAX) throw error
    }
  }
}
