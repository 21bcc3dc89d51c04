// For each write: the process is stopped before it, after it, and when it was carried out and its answer was lost, and the
// activity still ends, once. The dying is real (SIGKILL, in a process of its own), and so are the Kafka and the Redis over
// which others take up what is left.

import assert from 'node:assert/strict'
import { afterAll, describe, test } from 'vitest'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { checkAttemptsEndedOnce, checkClaims, checkEndedOnce } from '../support/crash-checks.ts'
import type { Death } from '../support/crash-child.ts'
import { enqueueOne, meetFates } from '../support/crash-fates.ts'
import type { CrashGround } from '../support/crash-ground.ts'
import { CrashGrounds } from '../support/crash-ground.ts'
import { CrashHeir } from '../support/crash-heir.ts'
import type { MatrixRow } from '../support/crash-matrix.ts'
import { CRASH_MATRIX } from '../support/crash-matrix.ts'
import type { CrashRow } from '../support/crash-rows.ts'
import { CRASH_ROWS } from '../support/crash-rows.ts'

/** Most of a row is waiting for groups to notice that a member is dead. */
const GROUNDS = 6
const PHASES = ['before', 'after', 'answer lost'] as const

describe.concurrent('crash points', () => {
  const grounds = new CrashGrounds(GROUNDS)
  afterAll(() => grounds.close())
  for (const row of CRASH_MATRIX) {
    for (const phases of row.isAlone ? PHASES.map(phase => [phase]) : [PHASES]) {
      test(`an activity meets its fate when '${row.scenario}' dies at ${row.point} (${phases.join(', ')})`, () =>
        grounds.with(ground => runMatrixRow(ground, row, phases)))
    }
  }
  for (const row of CRASH_ROWS) test(row.title, () => grounds.with(ground => runRow(ground, row)))

  test('a schedule that was read to its end comes back when Redis was emptied, and by the sweep when only its index is lost', () =>
    grounds.with(sweepBack))
})

/** One process dies, with a scene in each phase of the write. */
async function runMatrixRow(ground: CrashGround, row: MatrixRow, phases: readonly Death['phase'][]): Promise<void> {
  const { scenario, point } = row
  const about = await ground.die(phases.map(phase => ({ scenario, point, phase, id: null })))
  await ground.redis.allowSweep()
  await using storage = await ground.open()
  await storage.declareTypes({ types: [ground.type] })
  const left = about.map((ids, at) => ({ ids, fate: phases[at] === 'before' ? row.before : row.after }))
  await meetFates(ground, storage, row, left)
}

async function runRow(ground: CrashGround, row: CrashRow): Promise<void> {
  const [id = ''] = await ground.crash(row.crashes)
  if (row.meanwhile === 'Redis is emptied') await ground.redis.empty()
  await using storage = await ground.open()
  await storage.declareTypes({ types: [ground.type] })
  await meanwhile(ground, storage, row, id)
  const heir = new CrashHeir(ground, storage, row.isSwept)
  await heir.workUntilEnded([id])
  await heir.runRest()

  checkClaims(heir, id, row.claims)
  await checkEndedOnce(ground, storage, id, row.ends)
  if (row.meanwhile !== 'Redis is emptied') await checkAttemptsEndedOnce(ground, id)
  if (isKeyed(row)) {
    assert.deepEqual(await enqueueOne(storage, { type: ground.type, key: id }), { outcome: 'existing', id })
  }
}

async function meanwhile(ground: CrashGround, storage: KafkaStorage, row: CrashRow, id: string): Promise<void> {
  switch (row.meanwhile) {
    case 'nothing':
    case 'Redis is emptied':
      return
    case 'its key is enqueued again':
      assert.deepEqual(await enqueueOne(storage, { type: ground.type, key: id }), { outcome: 'existing', id })
      return
    case 'the same activity is enqueued again': {
      const answer = await enqueueOne(storage, { type: ground.type, id, ...(isKeyed(row) ? { key: id } : {}) })
      assert.deepEqual([answer?.outcome, answer?.id], ['created', id])
      return
    }
    case 'it is cancelled':
      await storage.cancel({ id })
      return
  }
}

/** Then the activity's key is its own id. */
function isKeyed({ crashes }: CrashRow): boolean {
  return crashes[0]?.scenario.startsWith('enqueue keyed') === true
}

async function sweepBack(ground: CrashGround): Promise<void> {
  let id = ''
  {
    await using storage = await ground.open()
    await storage.declareTypes({ types: [ground.type] })
    const answer = await enqueueOne(storage, { type: ground.type, delayMs: 3_600_000 })
    assert.equal(answer?.outcome, 'created')
    id = answer.id
    await storage.processScheduled({ limit: 1 }) // joins the schedulers' group, and commits what it has read as it leaves
  }
  await ground.redis.empty()
  await using storage = await ground.open()
  assert.equal((await ground.redis.left())['dueMembers'], 1, 'an emptied Redis is told by whoever opens it')
  await ground.redis.loseIndex()
  await storage.processScheduled({ limit: 1 })
  assert.equal((await ground.redis.left())['dueMembers'], 0)
  assert.equal(await storage.sweepScheduled(), 1)
  const heir = new CrashHeir(ground, storage, false)
  await heir.workUntilEnded([id])
  await heir.runRest()
  assert.equal(heir.claims.length, 1)
  checkClaims(heir, id, [1])
  await checkEndedOnce(ground, storage, id, 'completed')
}
