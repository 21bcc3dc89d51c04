// What a reaper and a scheduler ask, after deadlines or the clock were moved.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Storage } from '../../src/storage/storage.ts'
import type { Modelled } from './modelled.ts'
import { PAST } from './modelled.ts'
import type { StorageModel } from './storage-model.ts'
import type { Command, Pace } from './storage-step.ts'
import { pick, step } from './storage-step.ts'
import type { System } from './storage-system.ts'

/** Moves deadlines, due times and the clock, and lets the storage see to what has come of it. */
export function upkeepCommands(pace: Pace): fc.Arbitrary<Command>[] {
  const expire = step(
    'expireAndRequeue',
    { nth: pick, limit: fc.constantFrom(1, 100) },
    async ({ nth, limit }, model, system, storage) => {
      const one = [...model.activities.values()].filter(each => each.lease !== null)
      const picked = one[nth % Math.max(1, one.length)]
      if (picked?.lease) {
        await storage.fixtures.expireLease({ id: picked.sent.id })
        picked.lease.deadlineMs = PAST
      }
      await requeue(limit, model, system, storage)
    },
  )
  const makeDue = step(
    'makeDueAndProcess',
    { nth: pick, limit: fc.constantFrom(1, 100) },
    async ({ nth, limit }, model, system, storage) => {
      const scheduled = [...model.activities.values()].filter(each => each.status === 'scheduled')
      const one = scheduled[nth % Math.max(1, scheduled.length)]
      if (one !== undefined) {
        await system.eventually(() => storage.fixtures.makeDue({ id: one.sent.id }))
        one.dueAtMs = PAST
      }
      await processDue(limit, model, system, storage)
    },
  )
  const commands = [expire, makeDue]
  if (pace.advancesMs.length === 0) return commands
  const advance = step('advance', { ms: fc.constantFrom(...pace.advancesMs) }, ({ ms }, _model, system) =>
    system.advance(ms),
  )
  const reap = step('requeueExpired', { limit: fc.constantFrom(1, 100) }, ({ limit }, model, system, storage) =>
    requeue(limit, model, system, storage),
  )
  const process = step('processScheduled', { limit: fc.constantFrom(1, 100) }, ({ limit }, model, system, storage) =>
    processDue(limit, model, system, storage),
  )
  return [...commands, advance, reap, process]
}

/** Which of too many are taken is the storage's choice: it is asked, the model follows. */
async function requeue(limit: number, model: StorageModel, system: System, storage: Storage): Promise<void> {
  const expired = [...model.activities.values()].filter(one => one.lease && one.lease.deadlineMs <= system.nowMs())
  const { taken: told, ...report } = await storage.requeueExpired({ limit })
  const counted = { requeued: 0, deadLettered: 0, cancelled: 0 }
  for (const one of expired) if (!(await hasStatus(one, 'running', storage))) counted[model.expire(one)] += 1
  assert.deepEqual(report, counted, 'report of requeueExpired')
  const outcomes = told.map(({ outcome }) => outcome)
  const expected = { lease_expired: counted.requeued, dead_letter: counted.deadLettered, cancelled: counted.cancelled }
  for (const [outcome, count] of Object.entries(expected)) {
    assert.equal(outcomes.filter(each => each === outcome).length, count, `told of ${outcome}`)
  }
  const taken = counted.requeued + counted.deadLettered + counted.cancelled
  assert.equal(taken, Math.min(limit, expired.length), `taken of ${expired.length} expired leases, at most ${limit}`)
}

async function processDue(limit: number, model: StorageModel, system: System, storage: Storage): Promise<void> {
  const scheduled = (): Modelled[] => [...model.activities.values()].filter(one => one.status === 'scheduled')
  const due = scheduled().filter(one => one.dueAtMs <= system.nowMs())
  const { moved, nextDueInMs } = await storage.processScheduled({ limit })
  assert.equal(moved, Math.min(limit, due.length), `moved of ${due.length} due attempts, at most ${limit}`)
  for (const one of due) {
    if (limit >= due.length || !(await hasStatus(one, 'scheduled', storage))) one.status = 'pending'
    model.touched.add(one.sent.id)
  }
  if (!system.isExact) return
  const next = Math.min(...scheduled().map(one => Math.max(0, one.dueAtMs - system.nowMs())))
  assert.equal(nextDueInMs, next === Infinity ? null : next, 'nextDueInMs')
}

async function hasStatus(one: Modelled, status: string, storage: Storage): Promise<boolean> {
  return (await storage.getActivity({ id: one.sent.id }))?.status === status
}
