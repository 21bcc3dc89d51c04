// What can be asked of a storage, as fast-check commands. Activities and leases are picked by number among all that there
// ever were, so old ones and unknown ones are asked about too.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DUPLICATE_BEHAVIORS } from '../../src/core/activity.ts'
import type { Activity } from '../../src/core/activity.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { leaseCommands } from './lease-commands.ts'
import { claimed } from './storage-claims.ts'
import type { StorageModel } from './storage-model.ts'
import type { Command, Pace } from './storage-step.ts'
import { pick, pickActivity, step } from './storage-step.ts'
import type { System } from './storage-system.ts'
import { upkeepCommands } from './upkeep-commands.ts'

const behavior = fc.constantFrom(...DUPLICATE_BEHAVIORS)
const key = fc.constantFrom('k1', 'k2')
const typeNumber = fc.nat(1)

/** All commands, with the times of a pace. */
export function storageCommands(pace: Pace): fc.Arbitrary<Command>[] {
  const enqueue = step(
    'enqueue',
    {
      type: typeNumber,
      priority: fc.constantFrom('high', 'normal', 'low'),
      key: fc.option(fc.record({ key, onDuplicate: behavior }), { nil: undefined }),
      delayMs: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.constantFrom(...pace.delaysMs)),
      maxAttempts: fc.constantFrom<(number | 'unlimited')[]>(1, 2, 3, 'unlimited'),
      retryDelayMs: fc.constantFrom(...pace.retryDelaysMs),
    },
    ({ type, key: idempotency, ...rest }, model, system, storage) => {
      const spec = {
        ...rest,
        ...idempotency,
        type: system.types[type] ?? system.types[0],
        payload: model.activities.size,
      }
      return enqueueOne(system.newActivity(spec), model, system, storage)
    },
  )
  const sendAgain = step('sendAgain', { nth: pick }, async ({ nth }, model, system, storage) => {
    const { one } = pickActivity(model, nth)
    // Only a fixture makes something ready before its time; sent again, it would rightly be scheduled again.
    const isEarly = one !== undefined && one.status !== 'scheduled' && (one.sent.scheduledAtMs ?? 0) > system.nowMs()
    if (one !== undefined && (system.isExact || !isEarly)) await enqueueOne(one.sent, model, system, storage)
  })
  const dequeue = step(
    'dequeue',
    {
      limit: fc.integer({ min: 1, max: 4 }),
      types: fc.constantFrom([0], [1], [0, 1], [0, 1]),
      leaseMs: fc.constantFrom(...pace.leasesMs),
      worker: fc.constantFrom('w1', 'w2'),
    },
    claimed,
  )
  return [
    enqueue,
    enqueue,
    dequeue,
    dequeue,
    sendAgain,
    ...leaseCommands(pace),
    ...peopleCommands(),
    ...upkeepCommands(pace),
  ]
}

async function enqueueOne(sent: Activity, model: StorageModel, system: System, storage: Storage): Promise<void> {
  const isKnown = model.activities.has(sent.id)
  const expected = model.enqueue(sent, system.nowMs())
  const [answer] = await storage.enqueueMany({ activities: [sent] })
  if (isKnown && !system.isExact && answer?.outcome === 'created') {
    system.isSentTwice = true // it is accepted once more and will run once
    return assert.equal(answer.id, sent.id)
  }
  const { outcome, id } = answer ?? {}
  if (expected.outcome !== 'refused') return assert.deepEqual({ outcome, id }, expected, 'enqueue')
  assert.ok(answer?.outcome === 'refused', `enqueue with a key in use: ${outcome}, not refused`)
  const { code, existingId } = answer
  assert.deepEqual({ outcome, id, code, existingId }, { ...expected, id: sent.id }, 'enqueue')
}

function peopleCommands(): fc.Arbitrary<Command>[] {
  const cancel = step(
    'cancel',
    { nth: pick, reason: fc.constantFrom(undefined, 'ordered twice') },
    async ({ nth, reason }, model, _system, storage) => {
      const { id, one } = pickActivity(model, nth)
      const asked = storage.cancel({ id, ...(reason === undefined ? {} : { reason }) })
      if (one === undefined) return assert.equal(await codeOf(asked), 'not_found', 'cancel of an unknown id')
      assert.deepEqual(await asked, { outcome: model.cancel(one, reason) }, `cancel of ${id}`)
      model.touched.add(id)
    },
  )
  const redrive = step('redrive', { nth: pick }, async ({ nth }, model, system, storage) => {
    const { id, one } = pickActivity(model, nth)
    const asked = storage.redrive({ id })
    if (one === undefined) return assert.equal(await codeOf(asked), 'not_found', 'redrive of an unknown id')
    if (one.result?.state !== 'err') return assert.equal(await codeOf(asked), 'conflict', `redrive of ${id}`)
    const { id: again } = await asked
    if (one.redrivenAs !== null) return assert.equal(again, one.redrivenAs, `redrive of ${id} once more`)
    assert.equal(model.activities.has(again), false, `redrive of ${id} gives an id that is in use`)
    one.redrivenAs = again
    model.add({ ...one.sent, id: again, key: null, scheduledAtMs: null, redriveOf: id }, system.nowMs())
    model.touched.add(id)
  })
  const askKey = step(
    'checkIdempotency',
    { type: typeNumber, key, behavior },
    async ({ type: nth, ...asked }, model, { types }, storage) => {
      const type = types[nth] ?? types[0]
      const about = `${asked.behavior} of ${type} ${asked.key}`
      const answer = await storage.checkIdempotency({ type, ...asked })
      assert.deepEqual(answer, model.inquire(type, asked.key, asked.behavior), about)
      assert.equal(await storage.lookupKey({ type, key: asked.key }), model.lookup(type, asked.key), about)
    },
  )
  return [cancel, redrive, askKey]
}

/** The code of the error that a call ends with; undefined when it does not. */
async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}
