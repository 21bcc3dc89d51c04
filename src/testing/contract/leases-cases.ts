// Rule 5: leases end, are renewed and are given back.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import {
  claim,
  claimNothing,
  claimOne,
  complete,
  enqueue,
  enqueueOne,
  errorResultOf,
  eventually,
  expire,
  leaseOf,
  shown,
} from './steps.ts'

/** Rule 5. */
export const leasesCases: readonly ContractCase[] = [
  {
    name: 'an expired lease counts as a failed attempt, without backoff, and the last worker is recorded',
    rule: '5, S4',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 600_000 })
      await claimOne(setup, { worker: 'the-one-that-died' })
      await expire(setup, id)
      const snapshot = await eventually(setup, async () => {
        const seen = await setup.storage.getActivity({ id })
        assert.equal(seen?.lastWorker, 'the-one-that-died')
        return seen
      })
      assert.equal(snapshot?.currentWorker, null)
      const again = await claimOne(setup) // nothing is made due: there is no backoff
      assert.deepEqual([again.activity.id, again.attempt, again.activity.retryCount], [id, 2, 1])
      assert.equal(again.activity.failures.at(-1)?.worker, 'the-one-that-died')
    },
  },
  {
    name: 'a lease that expires at the last attempt makes a dead letter with an error result',
    rule: '5, S4',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 2 })
      await claimOne(setup)
      await expire(setup, id)
      await claimOne(setup)
      await expire(setup, id)
      const snapshot = await shown(setup, id, 'dead_letter')
      assert.deepEqual([snapshot.attempt, snapshot.retryCount], [2, 1])
      const result = await errorResultOf(setup, id)
      assert.deepEqual([result['type'], result['attempts']], ['dead_letter', 2])
      await claimNothing(setup)
    },
  },
  {
    name: 'the report of requeueExpired tells what was requeued from what was dead-lettered',
    rule: '5',
    isAlone: true,
    async run(setup) {
      const activities = await enqueue(setup, { maxAttempts: 1 }, {}, {})
      await claim(setup, { count: 3 })
      for (const { id } of activities) await setup.storage.fixtures.expireLease({ id })
      const { taken: _, ...report } = await setup.storage.requeueExpired({ limit: 100 })
      assert.deepEqual(report, { requeued: 2, deadLettered: 1, cancelled: 0 })
    },
  },
  {
    name: 'requeueExpired takes no more than its limit',
    rule: '5',
    isAlone: true,
    async run(setup) {
      const activities = await enqueue(setup, {}, {}, {})
      await claim(setup, { count: 3 })
      for (const { id } of activities) await setup.storage.fixtures.expireLease({ id })
      assert.equal((await setup.storage.requeueExpired({ limit: 2 })).requeued, 2)
      assert.equal((await setup.storage.requeueExpired({ limit: 2 })).requeued, 1)
      assert.equal((await setup.storage.requeueExpired({ limit: 2 })).requeued, 0)
    },
  },
  {
    name: 'a live lease is never taken',
    rule: '5',
    async run(setup) {
      const [, dead] = await enqueue(setup, {}, {})
      const claimed = await claim(setup, { count: 2 })
      assert.ok(dead !== undefined)
      const live = claimed.find(one => one.activity.id !== dead.id)
      assert.ok(live !== undefined)
      await expire(setup, dead.id)
      assert.equal((await claimOne(setup)).activity.id, dead.id)
      await claimNothing(setup)
      await complete(setup, live)
    },
  },
  {
    name: 'an expired lease is taken back by requeueExpired only, never by dequeue',
    rule: '5',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await claimOne(setup)
      await setup.storage.fixtures.expireLease({ id })
      await claimNothing(setup)
      await setup.storage.requeueExpired({ limit: 100 })
      assert.equal((await claimOne(setup)).attempt, 2)
    },
  },
  {
    name: 'a lease ends by itself, by the storage’s clock, and not before its time',
    rule: '5, S5, S12',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const first = await claimOne(setup, { leaseMs: 400 })
      assert.equal(first.deadlineMs - first.startedAtMs, 400)
      const again = await eventually(setup, async () => {
        await setup.storage.requeueExpired({ limit: 100 })
        const [claimed] = await setup.storage.dequeue({ workerId: 'w2', timeoutMs: 50, types: setup.types })
        assert.ok(claimed !== undefined, 'it comes back')
        return claimed
      })
      assert.deepEqual([again.activity.id, again.attempt], [id, 2])
      assert.ok(again.startedAtMs >= first.deadlineMs, `${again.startedAtMs} >= ${first.deadlineMs}`)
    },
  },
  {
    name: 'two reapers at once take each expired lease back once',
    rule: '5, S9',
    async run(setup) {
      const activities = await enqueue(setup, ...Array.from({ length: 10 }, () => ({})))
      await claim(setup, { count: 10 })
      for (const { id } of activities) await setup.storage.fixtures.expireLease({ id })
      const other = await setup.open()
      const reapers = [setup.storage, other, setup.storage, other]
      await Promise.all(reapers.map(storage => storage.requeueExpired({ limit: 100 })))
      const again = await claim(setup, { count: 10, storages: [setup.storage, other] })
      assert.equal(new Set(again.map(one => one.activity.id)).size, 10)
      assert.deepEqual(new Set(again.map(one => one.attempt)), new Set([2]))
      await claimNothing(setup, [setup.storage, other])
    },
  },
  {
    name: 'renewing moves the deadline to byMs from now, and never shortens it',
    rule: '5, extendLease',
    async run(setup) {
      await enqueueOne(setup)
      const claimed = await claimOne(setup, { leaseMs: 60_000 })
      const least = await setup.storage.extendLease({ ...leaseOf(claimed), byMs: 1 })
      assert.ok(least.outcome === 'renewed')
      const same = await setup.storage.extendLease({ ...leaseOf(claimed), byMs: 1_000 })
      assert.deepEqual(same, { outcome: 'renewed', deadlineMs: claimed.deadlineMs, cancelRequested: false })
      const longer = await setup.storage.extendLease({ ...leaseOf(claimed), byMs: 120_000 })
      assert.ok(longer.outcome === 'renewed' && longer.deadlineMs >= claimed.startedAtMs + 120_000)
    },
  },
  {
    name: 'extendLeases gives one answer per lease, in order',
    rule: 'extendLeases',
    async run(setup) {
      await enqueue(setup, {}, {})
      const [first, second] = await claim(setup, { count: 2, leaseMs: 60_000 })
      assert.ok(first !== undefined && second !== undefined)
      const lost = { id: first.activity.id, leaseId: 'made-up' }
      const leases = [leaseOf(second), lost, leaseOf(first)].map(lease => ({ ...lease, byMs: 120_000 }))
      const answers = await setup.storage.extendLeases({ leases })
      assert.deepEqual(
        answers.map(answer => answer.outcome),
        ['renewed', 'lost', 'renewed'],
      )
    },
  },
  {
    name: 'a settled lease cannot be renewed or given back',
    rule: '4, 5',
    async run(setup) {
      await enqueueOne(setup)
      const claimed = await claimOne(setup)
      await complete(setup, claimed)
      assert.deepEqual(await setup.storage.extendLease({ ...leaseOf(claimed), byMs: 1_000 }), { outcome: 'lost' })
      assert.equal(await setup.storage.releaseLease(leaseOf(claimed)), 'lease_lost')
    },
  },
  {
    name: 'releasing gives the attempt back at once without counting it, as often as one likes',
    rule: 'releaseLease, S13',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 1, retryDelayMs: 600_000 })
      const leases = new Set<string>()
      for (let round = 0; round < 3; round++) {
        const claimed = await claimOne(setup)
        assert.deepEqual([claimed.activity.id, claimed.attempt, claimed.activity.retryCount], [id, 1, 0])
        leases.add(claimed.leaseId)
        assert.equal(await setup.storage.releaseLease(leaseOf(claimed)), 'released')
        await shown(setup, id, 'pending')
      }
      assert.equal(leases.size, 3)
      await complete(setup, await claimOne(setup))
    },
  },
  {
    name: 'expireLease of what does not run is not_found',
    rule: 'StorageFixtures',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await assert.rejects(setup.storage.fixtures.expireLease({ id }), { code: 'not_found' })
    },
  },
]
