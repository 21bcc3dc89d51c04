// For each pair of writes: the process is stopped between them, and the activity still ends, once. The dying is real
// (SIGKILL, in a process of its own), and so are the Kafka and the Redis over which others take up what is left.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterAll, describe, test } from 'vitest'
import { isTerminal } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { EnqueueAnswer } from '../../src/storage/storage.ts'
import type { CrashGround } from '../support/crash-ground.ts'
import { CrashGrounds } from '../support/crash-ground.ts'
import { CrashHeir, HEIR_RESULT } from '../support/crash-heir.ts'
import type { CrashRow } from '../support/crash-rows.ts'
import { CRASH_ROWS } from '../support/crash-rows.ts'

/** Most of a row is waiting for groups to notice that a member is dead. */
const GROUNDS = 5

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

describe.concurrent('crash points', () => {
  const grounds = new CrashGrounds(GROUNDS)
  afterAll(() => grounds.close())
  for (const row of CRASH_ROWS) test(row.title, () => grounds.with(ground => runRow(ground, row)))

  test('a schedule that was read to its end comes back when Redis was emptied, and by the sweep when only its index is lost', () =>
    grounds.with(sweepBack))
})

async function runRow(ground: CrashGround, row: CrashRow): Promise<void> {
  const id = await ground.crash(row.crashes)
  if (row.meanwhile === 'Redis is emptied') await ground.emptyRedis()
  await using storage = await ground.open()
  await storage.declareTypes({ types: [ground.type] })
  const others = await meanwhile(ground, storage, row, id)
  const heir = new CrashHeir(ground, storage, row.isSwept)
  await heir.workUntilEnded([id, ...others])
  await heir.runRest()

  checkClaims(heir, row, others[0] ?? id)
  await checkEndedOnce(ground, storage, id, row.ends)
  for (const other of others) await checkEndedOnce(ground, storage, other, 'completed')
  if (row.meanwhile !== 'Redis is emptied') await checkAttemptsEndedOnce(ground, id)
  if (isKeyed(row)) {
    assert.deepEqual(await enqueue(storage, { type: ground.type, key: id }), { outcome: 'existing', id })
  }
}

async function sweepBack(ground: CrashGround): Promise<void> {
  const id = ids.next()
  {
    await using storage = await ground.open()
    await storage.declareTypes({ types: [ground.type] })
    assert.equal((await enqueue(storage, { type: ground.type, id, delayMs: 3_600_000 }))?.outcome, 'created')
    await storage.processScheduled({ limit: 1 }) // joins the schedulers' group, and commits what it has read as it leaves
  }
  await ground.emptyRedis()
  await using storage = await ground.open()
  assert.equal((await ground.leftInRedis())['dueMembers'], 1, 'an emptied Redis is told by whoever opens it')
  await ground.loseIndex()
  await storage.processScheduled({ limit: 1 })
  assert.equal((await ground.leftInRedis())['dueMembers'], 0)
  assert.equal(await storage.sweepScheduled(), 1)
  const heir = new CrashHeir(ground, storage, false)
  await heir.workUntilEnded([id])
  await heir.runRest()
  assert.deepEqual(
    heir.claims.map(({ activity, attempt }) => [activity.id, attempt]),
    [[id, 1]],
  )
  await checkEndedOnce(ground, storage, id, 'completed')
}

/** Gives the ids of activities that came of it. */
async function meanwhile(ground: CrashGround, storage: KafkaStorage, row: CrashRow, id: string): Promise<string[]> {
  switch (row.meanwhile) {
    case 'nothing':
    case 'Redis is emptied':
      return []
    case 'its key is enqueued again':
      assert.deepEqual(await enqueue(storage, { type: ground.type, key: id }), { outcome: 'existing', id })
      return []
    case 'the same activity is enqueued again': {
      const answer = await enqueue(storage, { type: ground.type, id, ...(isKeyed(row) ? { key: id } : {}) })
      assert.deepEqual([answer?.outcome, answer?.id], ['created', id])
      return []
    }
    case 'it is cancelled':
      await storage.cancel({ id })
      return []
    case 'it is redriven again': {
      const again = await storage.redrive({ id })
      assert.deepEqual(await storage.redrive({ id }), again)
      return [again.id]
    }
  }
}

/** Then the activity's key is its own id. */
function isKeyed({ crashes }: CrashRow): boolean {
  return crashes[0]?.scenario.startsWith('enqueue keyed') === true
}

async function enqueue(storage: KafkaStorage, spec: Omit<ActivitySpec, 'payload'>): Promise<EnqueueAnswer | undefined> {
  const activity = newActivity({ payload: null, ...spec }, { ids, nowMs: systemClock.nowMs() })
  const [answer] = await storage.enqueueMany({ activities: [activity] })
  return answer
}

function checkClaims({ claims }: CrashHeir, row: CrashRow, id: string): void {
  const claimed = claims.map(({ activity, attempt }) => `${activity.id} ${attempt}`)
  if (row.claims === null) assert.deepEqual(claimed, [...new Set(claimed)])
  else
    assert.deepEqual(
      claimed,
      row.claims.map(attempt => `${id} ${attempt}`),
    )
}

async function checkEndedOnce(
  ground: CrashGround,
  storage: KafkaStorage,
  id: string,
  ends: CrashRow['ends'],
): Promise<void> {
  const outcomes = (await ground.outcomes(id)).filter(({ outcome }) => isTerminal(outcome))
  // Copies are legal: whoever took up what was left could not know that it had been written.
  const distinct = new Set(outcomes.map(({ attempt, outcome }) => `${attempt} ${outcome}`))
  assert.equal(distinct.size, 1, [...distinct].join(', '))
  assert.equal(outcomes[0]?.outcome, ends)
  assert.equal((await storage.getActivity({ id }))?.status, ends)

  const result = await storage.getResult({ id })
  assert.equal(result?.state, ends === 'completed' ? 'ok' : 'err')
  if (ends === 'completed') {
    assert.ok(['"from the dead"', HEIR_RESULT].includes(result?.dataJson ?? ''), result?.dataJson)
    assert.deepEqual([...new Set(outcomes.map(({ resultJson }) => resultJson))], [result?.dataJson])
  }
  assert.equal((await ground.deadLetters(id)) > 0, ends === 'dead_letter')
}

/** While Redis keeps its data, an attempt ends in one way, whoever tells of it. */
async function checkAttemptsEndedOnce(ground: CrashGround, id: string): Promise<void> {
  const outcomes = await ground.outcomes(id)
  const ends = new Set(outcomes.map(({ attempt, outcome }) => `${attempt} ${outcome}`))
  const attempts = new Set(outcomes.map(({ attempt }) => attempt))
  assert.equal(ends.size, attempts.size, [...ends].join(', '))
}
