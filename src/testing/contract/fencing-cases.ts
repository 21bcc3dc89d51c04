// Rule 4: only the live lease settles, renews or gives back; the same settlement twice is one settlement.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import {
  claim,
  claimAgain,
  claimNothing,
  claimOne,
  complete,
  enqueue,
  enqueueOne,
  eventually,
  expire,
  fail,
  failure,
  leaseOf,
  shown,
} from './steps.ts'

/** Rule 4. */
export const fencingCases: readonly ContractCase[] = [
  {
    name: 'with an old lease settle, renew and release do nothing and say so, for the same worker too',
    rule: '4, S1, S10',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const old = await claimOne(setup, { worker: 'same' })
      await expire(setup, id)
      const live = await claimOne(setup, { worker: 'same' })
      assert.deepEqual([live.activity.id, live.attempt], [id, 2])
      const { storage } = setup
      assert.deepEqual(await storage.ackSuccess({ leases: [{ ...leaseOf(old), resultJson: '"late"' }] }), [
        'lease_lost',
      ])
      assert.deepEqual(await fail(setup, old), { outcome: 'lease_lost' })
      assert.deepEqual(await fail(setup, old, failure('non_retryable')), { outcome: 'lease_lost' })
      assert.deepEqual(await storage.extendLease({ ...leaseOf(old), byMs: 60_000 }), { outcome: 'lost' })
      assert.equal(await storage.releaseLease(leaseOf(old)), 'lease_lost')
      assert.equal(await storage.getResult({ id }), null)
      await claimNothing(setup)
      await complete(setup, live, '"in time"')
      assert.equal((await storage.getResult({ id }))?.dataJson, '"in time"')
    },
  },
  {
    name: 'an attempt taken back and not yet claimed again cannot be settled with its old lease',
    rule: '4',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const old = await claimOne(setup)
      await expire(setup, id)
      assert.deepEqual(await setup.storage.ackSuccess({ leases: [leaseOf(old)] }), ['lease_lost'])
      assert.deepEqual(await fail(setup, old), { outcome: 'lease_lost' })
      assert.equal((await claimOne(setup)).attempt, 2)
    },
  },
  {
    name: 'a lease id that was never given entitles to nothing',
    rule: '4',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const live = await claimOne(setup)
      const made = { id, leaseId: 'made-up' }
      const { storage } = setup
      assert.deepEqual(await storage.ackSuccess({ leases: [made] }), ['lease_lost'])
      assert.deepEqual(await storage.ackFailure({ ...made, failure: failure() }), { outcome: 'lease_lost' })
      assert.deepEqual(await storage.extendLease({ ...made, byMs: 1_000 }), { outcome: 'lost' })
      assert.equal(await storage.releaseLease(made), 'lease_lost')
      await complete(setup, live)
    },
  },
  {
    name: 'every claim has a lease of its own',
    rule: '4',
    async run(setup) {
      await enqueue(setup, {}, {}, {})
      const claimed = await claim(setup, { count: 3 })
      const first = claimed[0]
      assert.ok(first !== undefined)
      await setup.storage.releaseLease(leaseOf(first))
      const leases = new Set([...claimed, await claimOne(setup)].map(one => one.leaseId))
      assert.equal(leases.size, 4)
    },
  },
  {
    name: 'the same completion twice says settled twice and is one completion',
    rule: '4',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      await complete(setup, claimed, '{"n":1}')
      const result = await setup.storage.getResult({ id })
      await complete(setup, claimed, '{"n":1}')
      assert.deepEqual(await setup.storage.getResult({ id }), result)
      await eventually(setup, async () => {
        const ends = (await setup.storage.getEvents({ id })).filter(event => event.type === 'completed')
        assert.equal(ends.length, 1)
      })
    },
  },
  {
    name: 'the same failure twice says the same twice and counts once',
    rule: '4',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 60_000 })
      const claimed = await claimOne(setup)
      const first = await fail(setup, claimed)
      assert.deepEqual(await fail(setup, claimed), first)
      const again = await claimAgain(setup, id)
      assert.deepEqual([again.attempt, again.activity.retryCount], [2, 1])
      await claimNothing(setup)
    },
  },
  {
    name: 'the same dead-lettering twice says dead_letter twice',
    rule: '4',
    async run(setup) {
      await enqueueOne(setup, { maxAttempts: 1 })
      const claimed = await claimOne(setup)
      assert.deepEqual(await fail(setup, claimed), { outcome: 'dead_letter' })
      assert.deepEqual(await fail(setup, claimed), { outcome: 'dead_letter' })
    },
  },
  {
    name: 'another result for a settled lease is a conflict and changes nothing',
    rule: '4',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      await complete(setup, claimed, '1')
      const other = { ...leaseOf(claimed), resultJson: '2' }
      assert.deepEqual(await setup.storage.ackSuccess({ leases: [other] }), ['conflict'])
      assert.deepEqual(await fail(setup, claimed), { outcome: 'conflict' })
      assert.equal((await setup.storage.getResult({ id }))?.dataJson, '1')
      await shown(setup, id, 'completed')
    },
  },
  {
    name: 'completing what was settled as failed is a conflict and changes nothing',
    rule: '4',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 1 })
      const claimed = await claimOne(setup)
      await fail(setup, claimed)
      assert.deepEqual(await setup.storage.ackSuccess({ leases: [leaseOf(claimed)] }), ['conflict'])
      assert.equal((await setup.storage.getResult({ id }))?.state, 'err')
      await shown(setup, id, 'dead_letter')
    },
  },
  {
    name: 'ackSuccess gives one answer per lease, in order, and a lost one does not touch its neighbours',
    rule: 'ackSuccess',
    async run(setup) {
      await enqueue(setup, {}, {}, {})
      const [first, second, third] = await claim(setup, { count: 3 })
      assert.ok(first !== undefined && second !== undefined && third !== undefined)
      const leases = [
        { ...leaseOf(first), resultJson: '1' },
        { id: second.activity.id, leaseId: 'made-up', resultJson: '2' },
        { ...leaseOf(third), resultJson: '3' },
      ]
      assert.deepEqual(await setup.storage.ackSuccess({ leases }), ['settled', 'lease_lost', 'settled'])
      assert.equal((await setup.storage.getResult({ id: third.activity.id }))?.dataJson, '3')
      assert.equal(await setup.storage.getResult({ id: second.activity.id }), null)
      await complete(setup, second)
    },
  },
  {
    name: 'a lease that was given back cannot settle',
    rule: '4, releaseLease',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      assert.equal(await setup.storage.releaseLease(leaseOf(claimed)), 'released')
      assert.deepEqual(await setup.storage.ackSuccess({ leases: [leaseOf(claimed)] }), ['lease_lost'])
      assert.equal((await claimOne(setup)).activity.id, id)
    },
  },
]
