// One row of the matrix to its end: those who live take up what a process has left, and each activity meets its fate.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { EnqueueAnswer } from '../../src/storage/storage.ts'
import { checkAttemptsEndedOnce, checkClaims, checkEndedOnce, checkNeverWas } from './crash-checks.ts'
import type { CrashGround } from './crash-ground.ts'
import { CrashHeir } from './crash-heir.ts'
import type { Fate, MatrixRow } from './crash-matrix.ts'

/** What became of one scene: the activities that it was about, and the fate that they must meet. */
export interface Left {
  readonly ids: readonly string[]
  readonly fate: Fate | null
}

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

/** Enqueues one activity. */
export async function enqueueOne(
  storage: KafkaStorage,
  spec: Omit<ActivitySpec, 'payload'>,
): Promise<EnqueueAnswer | undefined> {
  const activity = newActivity({ payload: null, ...spec }, { ids, nowMs: systemClock.nowMs() })
  const [answer] = await storage.enqueueMany({ activities: [activity] })
  return answer
}

/** Works until everything has ended, then checks each fate. `reaper`: who takes leases back, where that is another storage. */
export async function meetFates(
  ground: CrashGround,
  storage: KafkaStorage,
  row: Pick<MatrixRow, 'scenario'>,
  left: readonly Left[],
  reaper: KafkaStorage = storage,
): Promise<void> {
  if (row.scenario === 'set poison aside') return checkPoison(ground, storage, left)
  if (row.scenario === 'rebuild') await storage.rebuild() // whoever finds it unfinished runs it again
  const known = left.filter(({ fate }) => fate !== null).flatMap(each => each.ids)
  const redriven = new Map<string, string>()
  if (row.scenario === 'redrive') for (const id of known) redriven.set(id, await redriveTwice(storage, id))
  const heir = new CrashHeir(ground, storage, isSwept(row), reaper)
  await heir.workUntilEnded([...known, ...redriven.values()])
  await heir.runRest()

  for (const { ids: about, fate } of left) {
    for (const id of about) {
      const other = redriven.get(id)
      checkClaims(heir, other ?? id, fate === null ? [] : fate.claims)
      if (fate === null) {
        await checkNeverWas(ground, storage, id)
        continue
      }
      await checkEndedOnce(ground, storage, id, fate.ends)
      await checkAttemptsEndedOnce(ground, id)
      if (other !== undefined) await checkEndedOnce(ground, storage, other, 'completed')
      if (row.scenario.startsWith('enqueue keyed') || row.scenario === 'rebuild') {
        assert.deepEqual(await enqueueOne(storage, { type: ground.type, key: id }), { outcome: 'existing', id })
      }
    }
  }
}

/** Whoever asks again is told of the same one. */
async function redriveTwice(storage: KafkaStorage, id: string): Promise<string> {
  const again = await storage.redrive({ id })
  assert.deepEqual(await storage.redrive({ id }), again)
  return again.id
}

/** Only who reads the schedule's log again finds out. */
function isSwept({ scenario }: Pick<MatrixRow, 'scenario'>): boolean {
  return scenario === 'cancel scheduled' || scenario.startsWith('sweep')
}

/** It is in the DLQ, once or in copies, and its lane goes on. */
async function checkPoison(ground: CrashGround, storage: KafkaStorage, left: readonly Left[]): Promise<void> {
  const { id } = (await enqueueOne(storage, { type: ground.type })) ?? {}
  assert.ok(id !== undefined)
  const heir = new CrashHeir(ground, storage, false)
  await heir.workUntilEnded([id])
  for (const poison of left.flatMap(each => each.ids)) assert.ok((await ground.poisonOf(poison)) > 0, poison)
}
