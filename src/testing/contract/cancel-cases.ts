// Cancelling: what waits ends, what runs is asked to end.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import {
  bringTo,
  claimNothing,
  claimOne,
  complete,
  enqueueOne,
  errorResultOf,
  eventually,
  expire,
  fail,
  failure,
  leaseOf,
  makeDue,
  refuses,
  shown,
} from './steps.ts'

/** The operation `cancel`. */
export const cancelCases: readonly ContractCase[] = [
  {
    name: 'a pending activity ends as cancelled with the reason, and is never claimed',
    rule: 'cancel, 10',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      assert.deepEqual(await setup.storage.cancel({ id, reason: 'ordered twice' }), { outcome: 'cancelled' })
      const result = await errorResultOf(setup, id)
      assert.deepEqual([result['error'], result['type'], result['attempts']], ['ordered twice', 'cancelled', 0])
      await shown(setup, id, 'cancelled')
      await claimNothing(setup)
    },
  },
  {
    name: 'a scheduled activity ends as cancelled, and is never made ready',
    rule: 'cancel',
    async run(setup) {
      const { id } = await enqueueOne(setup, { delayMs: 3_600_000 })
      assert.deepEqual(await setup.storage.cancel({ id }), { outcome: 'cancelled' })
      await assert.rejects(setup.storage.fixtures.makeDue({ id }), { code: 'not_found' })
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
      assert.equal((await errorResultOf(setup, id))['type'], 'cancelled')
      await shown(setup, id, 'cancelled')
    },
  },
  {
    name: 'what is due and not yet moved can be cancelled',
    rule: 'cancel',
    async run(setup) {
      const { id } = await enqueueOne(setup, { delayMs: 3_600_000 })
      await makeDue(setup, id)
      assert.deepEqual(await setup.storage.cancel({ id }), { outcome: 'cancelled' })
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
    },
  },
  {
    name: 'an activity that waits for its retry ends as cancelled',
    rule: 'cancel',
    async run(setup) {
      const { id } = await bringTo(setup, 'retrying')
      assert.deepEqual(await setup.storage.cancel({ id }), { outcome: 'cancelled' })
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
      assert.equal((await errorResultOf(setup, id))['type'], 'cancelled')
    },
  },
  {
    name: 'a running activity is asked to end: its renewal says so, and obeying ends it as cancelled',
    rule: 'cancel, extendLease',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const { storage } = setup
      assert.deepEqual(await storage.cancel({ id, reason: 'too late' }), { outcome: 'cancel_requested' })
      assert.deepEqual(await storage.cancel({ id }), { outcome: 'cancel_requested' })
      assert.equal(await storage.getResult({ id }), null)
      const renewed = await storage.extendLease({ ...leaseOf(claimed), byMs: 1_000 })
      assert.ok(renewed.outcome === 'renewed' && renewed.cancelRequested)
      const [many] = await storage.extendLeases({ leases: [{ ...leaseOf(claimed), byMs: 1_000 }] })
      assert.ok(many?.outcome === 'renewed' && many.cancelRequested)
      assert.deepEqual(await fail(setup, claimed, failure('cancelled')), { outcome: 'cancelled' })
      // The first one who asked has said why.
      const result = await errorResultOf(setup, id)
      assert.deepEqual([result['error'], result['type'], result['attempts']], ['too late', 'cancelled', 1])
      await eventually(setup, async () => {
        const ended = (await storage.getEvents({ id })).find(event => event.type === 'cancelled')
        assert.equal(ended?.error?.message, 'too late')
      })
      await shown(setup, id, 'cancelled')
      await claimNothing(setup)
    },
  },
  {
    name: 'an empty reason says the same as none, for what waits and for what runs',
    rule: 'cancel',
    async run(setup) {
      const said = async (reason: string | undefined): Promise<unknown[]> => {
        const [waiting, running] = [await enqueueOne(setup), await enqueueOne(setup)]
        const why = reason === undefined ? {} : { reason }
        await setup.storage.cancel({ id: waiting.id, ...why })
        const claimed = await claimOne(setup)
        assert.equal(claimed.activity.id, running.id)
        await setup.storage.cancel({ id: running.id, ...why })
        await fail(setup, claimed, failure('cancelled'))
        return [(await errorResultOf(setup, waiting.id))['error'], (await errorResultOf(setup, running.id))['error']]
      }
      assert.deepEqual(await said(''), await said(undefined))
    },
  },
  {
    name: 'an activity that completes all the same stays completed',
    rule: 'cancel',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      await setup.storage.cancel({ id })
      await complete(setup, claimed, '"done"')
      assert.equal((await setup.storage.getResult({ id }))?.dataJson, '"done"')
      await shown(setup, id, 'completed')
    },
  },
  {
    name: 'after a cancel was asked for, any retryable failure ends the activity as cancelled, a non-retryable one as failed',
    rule: 'cancel, 3',
    async run(setup) {
      for (const [kind, outcome] of [
        ['retryable', 'cancelled'],
        ['timeout', 'cancelled'],
        ['non_retryable', 'failed'],
      ] as const) {
        const { id } = await enqueueOne(setup)
        const claimed = await claimOne(setup)
        await setup.storage.cancel({ id })
        assert.deepEqual(await fail(setup, claimed, failure(kind)), { outcome }, kind)
        await shown(setup, id, outcome)
      }
    },
  },
  {
    name: 'a failure that claims to obey a cancel nobody asked for is retryable',
    rule: 'AttemptFailureReport',
    async run(setup) {
      await enqueueOne(setup)
      assert.equal((await fail(setup, await claimOne(setup), failure('cancelled'))).outcome, 'retrying')
    },
  },
  {
    name: 'when the lease of a cancelled activity expires, it ends as cancelled',
    rule: 'cancel, 5',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await claimOne(setup)
      await setup.storage.cancel({ id })
      await expire(setup, id)
      await shown(setup, id, 'cancelled')
      await claimNothing(setup)
    },
  },
  {
    name: 'what has ended has already ended: nothing changes',
    rule: 'cancel',
    types: ['-completed', '-failed', '-dead_letter', '-cancelled'],
    async run(setup) {
      for (const [at, state] of (['completed', 'failed', 'dead_letter', 'cancelled'] as const).entries()) {
        const { id } = await bringTo(setup, state, { type: setup.types[at] })
        const before = await setup.storage.getResult({ id })
        assert.deepEqual(await setup.storage.cancel({ id }), { outcome: 'already_ended' }, state)
        assert.deepEqual(await setup.storage.getResult({ id }), before)
        await shown(setup, id, state)
      }
    },
  },
  {
    name: 'an unknown id is not_found, a bad one invalid_argument',
    rule: 'cancel, 12',
    async run(setup) {
      await refuses(setup.storage.cancel({ id: setup.newActivity().id }), 'not_found')
      await refuses(setup.storage.cancel({ id: 'no spaces' }), 'invalid_argument', 'id')
    },
  },
]
