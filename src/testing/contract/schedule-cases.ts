// Rule 8: later means later, to the millisecond.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import {
  claim,
  claimNothing,
  claimOne,
  complete,
  enqueue,
  enqueueOne,
  enqueueThese,
  eventually,
  makeDue,
  shown,
} from './steps.ts'

const YEARS_30_MS = Math.round(30 * 365.25 * 24 * 3_600_000)

/** Rule 8. */
export const scheduleCases: readonly ContractCase[] = [
  {
    name: 'what is due later cannot be claimed, and is shown as scheduled for its time',
    rule: '8, 11',
    async run(setup) {
      const { id, scheduledAtMs } = await enqueueOne(setup, { delayMs: 3_600_000 })
      const snapshot = await shown(setup, id, 'scheduled')
      assert.deepEqual([snapshot.scheduledAtMs, snapshot.attempt], [scheduledAtMs, 1])
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
      await shown(setup, id, 'scheduled')
    },
  },
  {
    name: 'an attempt never starts before its time, to the millisecond',
    rule: '8, S6',
    async run(setup) {
      const activities = await enqueue(setup, { delayMs: 301 }, { delayMs: 497 }, { delayMs: 753 })
      const started = new Map<string, number>()
      await eventually(setup, async () => {
        await setup.storage.processScheduled({ limit: 100 })
        const claimed = await setup.storage.dequeue({ workerId: 'w1', timeoutMs: 10, types: setup.types, limit: 10 })
        for (const one of claimed) started.set(one.activity.id, one.startedAtMs)
        assert.equal(started.size, 3)
      })
      for (const { id, scheduledAtMs } of activities) {
        assert.ok(
          (started.get(id) ?? 0) >= (scheduledAtMs ?? 0),
          `${id} started at ${started.get(id)}, due ${scheduledAtMs}`,
        )
      }
    },
  },
  {
    name: 'thirty years ahead is fine, and kept to the millisecond',
    rule: '8',
    async run(setup) {
      const { id, scheduledAtMs } = await enqueueOne(setup, { delayMs: YEARS_30_MS + 1 })
      const snapshot = await shown(setup, id, 'scheduled')
      assert.equal(snapshot.scheduledAtMs, scheduledAtMs)
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
      await makeDue(setup, id)
      await setup.storage.processScheduled({ limit: 100 })
      assert.equal((await claimOne(setup)).activity.id, id)
    },
  },
  {
    name: 'a time in the past means at once',
    rule: '8',
    async run(setup) {
      const { id } = await enqueueOne(setup, { scheduledAt: new Date(0) })
      assert.equal((await claimOne(setup)).activity.id, id)
      const activity = { ...setup.newActivity(), scheduledAtMs: setup.clock.nowMs() - 60_000 }
      await enqueueThese(setup.storage, [activity])
      assert.equal((await claimOne(setup)).activity.id, activity.id)
    },
  },
  {
    name: 'what was due is claimed with its payload, priority and first attempt',
    rule: '8',
    async run(setup) {
      const { id } = await enqueueOne(setup, {
        delayMs: 3_600_000,
        payload: { n: [1, 2] },
        priority: 'high',
        metadata: { a: 'b' },
      })
      await makeDue(setup, id)
      await setup.storage.processScheduled({ limit: 100 })
      const claimed = await claimOne(setup)
      const { payloadJson, priority, metadata } = claimed.activity
      assert.deepEqual(
        [payloadJson, priority, { ...metadata }, claimed.attempt],
        ['{"n":[1,2]}', 'high', { a: 'b' }, 1],
      )
      await complete(setup, claimed)
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
    },
  },
  {
    name: 'processScheduled moves no more than its limit',
    rule: 'processScheduled',
    isAlone: true,
    async run(setup) {
      const activities = await enqueue(setup, { delayMs: 3_600_000 }, { delayMs: 3_600_000 }, { delayMs: 3_600_000 })
      for (const { id } of activities) await makeDue(setup, id)
      assert.equal((await setup.storage.processScheduled({ limit: 2 })).moved, 2)
      assert.equal((await setup.storage.processScheduled({ limit: 2 })).moved, 1)
      assert.equal((await setup.storage.processScheduled({ limit: 2 })).moved, 0)
      await claim(setup, { count: 3 })
    },
  },
  {
    name: 'processScheduled says how long the next known due time is away, and null when there is none',
    rule: 'ScheduledReport',
    isAlone: true,
    async run(setup) {
      assert.deepEqual(await setup.storage.processScheduled({ limit: 10 }), {
        moved: 0,
        nextDueInMs: null,
        latenessMs: [],
      })
      await enqueue(setup, { delayMs: 7_200_000 }, { delayMs: 3_600_000 })
      await eventually(setup, async () => {
        const { nextDueInMs } = await setup.storage.processScheduled({ limit: 10 })
        assert.ok(nextDueInMs !== null && nextDueInMs <= 3_600_000 && nextDueInMs > 3_500_000, `${nextDueInMs}`)
      })
    },
  },
  {
    name: 'two schedulers at once make each due attempt ready once',
    rule: 'processScheduled, S9',
    async run(setup) {
      const activities = await enqueue(setup, ...Array.from({ length: 10 }, () => ({ delayMs: 3_600_000 })))
      for (const { id } of activities) await makeDue(setup, id)
      const other = await setup.open()
      const schedulers = [setup.storage, other, setup.storage, other]
      await Promise.all(schedulers.map(storage => storage.processScheduled({ limit: 100 })))
      const storages = [setup.storage, other]
      const claimed = await claim(setup, { count: 10, storages })
      assert.deepEqual(new Set(claimed.map(one => one.activity.id)), new Set(activities.map(({ id }) => id)))
      await claimNothing(setup, storages)
    },
  },
  {
    name: 'makeDue of what is not scheduled is not_found',
    rule: 'StorageFixtures',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await assert.rejects(setup.storage.fixtures.makeDue({ id }), { code: 'not_found' })
    },
  },
]
