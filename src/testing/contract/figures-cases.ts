// How lanes stand: what gauges show. Counts may lag a little, so they are waited for.

import assert from 'node:assert/strict'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { LaneFigures } from '../../storage/storage.ts'
import type { ContractCase, ContractSetup } from './case.ts'
import {
  bringTo,
  claim,
  claimOne,
  complete,
  enqueue,
  enqueueOne,
  eventually,
  expire,
  leaseOf,
  makeDue,
} from './steps.ts'

const MINUTE_MS = 60_000

/** The figures of one lane. */
async function laneOf(
  setup: ContractSetup,
  priority: Priority = 'normal',
  type = setup.types[0],
): Promise<LaneFigures> {
  const lanes = await setup.storage.laneFigures()
  const found = lanes.filter(lane => lane.type === type && lane.priority === priority)
  assert.equal(found.length, 1, `lanes of ${type} at ${priority}`)
  return found[0] ?? assert.fail()
}

/** Waits until figures are so. */
async function stands(setup: ContractSetup, expected: Partial<LaneFigures>, priority?: Priority): Promise<void> {
  await eventually(setup, async () => {
    const lane = await laneOf(setup, priority)
    assert.deepEqual({ ...lane, ...expected }, lane)
  })
}

/** `laneFigures` of the port `InspectionStorage`, and what the housekeepers' reports tell. */
export const figuresCases: readonly ContractCase[] = [
  {
    name: 'every known type has a figure for each priority, zeros included, and says that somebody subscribes',
    rule: 'laneFigures',
    async run(setup) {
      const lanes = (await setup.storage.laneFigures()).filter(({ type }) => type === setup.types[0])
      assert.deepEqual(new Set(lanes.map(({ priority }) => priority)), new Set(PRIORITIES))
      for (const { type: _, priority: __, consumers, ...rest } of lanes) {
        assert.equal(consumers, 1)
        const none = { pending: 0, oldestPendingAtMs: null, running: 0, scheduled: 0, deadLetters: 0 }
        assert.deepEqual(rest, { ...none, finishedAhead: 0, frontierStuckMs: 0 })
      }
      await setup.open()
      await stands(setup, { consumers: 2 })
    },
  },
  {
    name: 'what waits is counted where nobody subscribes, and says since when it waits',
    rule: 'laneFigures',
    async run(setup) {
      const type = `${setup.types[0]}-unheard`
      await setup.storage.declareTypes({ types: [type] })
      const createdAtMs = setup.clock.nowMs() - 5 * MINUTE_MS
      await enqueue(
        setup,
        { type, createdAtMs },
        { type, createdAtMs: createdAtMs + MINUTE_MS },
        { type, priority: 'low' },
      )
      await eventually(setup, async () => {
        const { pending, oldestPendingAtMs, consumers } = await laneOf(setup, 'normal', type)
        assert.deepEqual([pending, oldestPendingAtMs, consumers], [2, createdAtMs, 0])
        assert.equal((await laneOf(setup, 'low', type)).pending, 1)
      })
    },
  },
  {
    name: 'the oldest that waits is none that runs or has ended, and again the first when it is given back',
    rule: 'LaneFigures',
    async run(setup) {
      const createdAtMs = setup.clock.nowMs() - 5 * MINUTE_MS
      await enqueue(setup, { createdAtMs }, { createdAtMs: createdAtMs + 1 }, { createdAtMs: createdAtMs + 2 })
      await stands(setup, { pending: 3, oldestPendingAtMs: createdAtMs })
      const [first, second] = await claim(setup, { count: 2 })
      assert.ok(first !== undefined && second !== undefined)
      await stands(setup, { pending: 1, running: 2, oldestPendingAtMs: createdAtMs + 2 })
      await setup.storage.releaseLease(leaseOf(second))
      await stands(setup, { pending: 2, running: 1, oldestPendingAtMs: createdAtMs + 1 })
      await complete(setup, first)
      await stands(setup, { pending: 2, running: 0, oldestPendingAtMs: createdAtMs + 1 })
      for (const claimed of await claim(setup, { count: 2 })) await complete(setup, claimed)
      await stands(setup, { pending: 0, running: 0, oldestPendingAtMs: null })
    },
  },
  {
    name: 'what was due later waits since it was due, what lost its lease since that was seen',
    rule: 'LaneFigures',
    types: ['-later', '-lost'],
    async run(setup) {
      const [later, lost] = setup.types
      const delayed = { type: later, createdAtMs: setup.clock.nowMs() - 5 * MINUTE_MS, delayMs: 5 * MINUTE_MS + 300 }
      const { scheduledAtMs } = await enqueueOne(setup, delayed)
      await eventually(setup, async () => {
        await setup.storage.processScheduled({ limit: 100 })
        const { pending, oldestPendingAtMs } = await laneOf(setup, 'normal', later)
        assert.deepEqual([pending, oldestPendingAtMs], [1, scheduledAtMs])
      })
      const { id } = await enqueueOne(setup, { type: lost, createdAtMs: setup.clock.nowMs() - 5 * MINUTE_MS })
      const claimed = await claimOne(setup, { types: setup.types.slice(1) })
      await expire(setup, id)
      await eventually(setup, async () => {
        const { pending, oldestPendingAtMs } = await laneOf(setup, 'normal', lost)
        assert.equal(pending, 1)
        assert.ok(
          (oldestPendingAtMs ?? 0) >= claimed.startedAtMs,
          `${oldestPendingAtMs} from ${claimed.startedAtMs} on`,
        )
      })
    },
  },
  {
    name: 'what runs, is scheduled, or was dead-lettered is counted in its lane',
    rule: 'LaneFigures',
    async run(setup) {
      await bringTo(setup, 'dead_letter', { priority: 'high' })
      await bringTo(setup, 'running', { priority: 'high' })
      await bringTo(setup, 'retrying', { priority: 'high' })
      await bringTo(setup, 'scheduled', { priority: 'low' })
      await stands(setup, { pending: 0, running: 1, scheduled: 1, deadLetters: 1 }, 'high')
      await stands(setup, { pending: 0, running: 0, scheduled: 1, deadLetters: 0 }, 'low')
    },
  },
  {
    name: 'processScheduled tells how late it made each attempt ready',
    rule: 'ScheduledReport',
    isAlone: true,
    async run(setup) {
      const [first, second] = await enqueue(setup, { delayMs: 100 }, { delayMs: 3_600_000 })
      const dueAtMs = first?.scheduledAtMs ?? 0
      await eventually(setup, async () => assert.ok(setup.clock.nowMs() > dueAtMs + 300))
      await makeDue(setup, second?.id ?? '')
      const { moved, latenessMs } = await setup.storage.processScheduled({ limit: 10 })
      const [least = 0, most = 0] = latenessMs.toSorted((a, b) => a - b)
      assert.equal(moved, 2)
      assert.ok(least <= 1, `what is moved by a fixture is not late: ${least}`)
      assert.ok(most > 250 && most <= setup.clock.nowMs() - dueAtMs + 50, `${most} of ${setup.clock.nowMs() - dueAtMs}`)
    },
  },
  {
    name: 'requeueExpired tells which attempts it took back, and how each ended',
    rule: 'RequeueReport',
    isAlone: true,
    async run(setup) {
      const [again, last, unwanted] = await enqueue(
        setup,
        { payload: 1 },
        { payload: 2, maxAttempts: 1 },
        { payload: 3 },
      )
      assert.ok(again !== undefined && last !== undefined && unwanted !== undefined)
      await claim(setup, { count: 3, worker: 'pod-1' })
      await setup.storage.cancel({ id: unwanted.id, reason: 'not wanted' })
      for (const { id } of [again, last, unwanted]) await setup.storage.fixtures.expireLease({ id })
      const { taken } = await setup.storage.requeueExpired({ limit: 100 })
      const told = new Map(taken.map(each => [each.activity.id, each]))
      assert.deepEqual(
        [again, last, unwanted].map(({ id }) => told.get(id)?.outcome),
        ['lease_expired', 'dead_letter', 'cancelled'],
      )
      const letter = told.get(last.id)
      assert.deepEqual([letter?.activity.payloadJson, letter?.activity.attempt], ['2', 1])
      assert.match(letter?.error.message ?? '', /pod-1/)
      assert.deepEqual((await setup.storage.requeueExpired({ limit: 100 })).taken, [])
    },
  },
]
