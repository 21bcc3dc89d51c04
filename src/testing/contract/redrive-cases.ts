// Redriving: what ended without success is enqueued anew, as another activity.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import {
  bringTo,
  claim,
  claimNothing,
  claimOne,
  complete,
  enqueueOne,
  eventually,
  fail,
  refuses,
  shown,
} from './steps.ts'

/** The operation `redrive`. */
export const redriveCases: readonly ContractCase[] = [
  {
    name: 'a dead letter is enqueued anew with its input and policy, as another activity that names it',
    rule: 'redrive',
    async run(setup) {
      const spec = {
        maxAttempts: 1,
        payload: { n: 1 },
        priority: 'high',
        metadata: { a: 'b' },
        timeoutMs: 777,
        key: 'k',
      } as const
      const original = await enqueueOne(setup, spec)
      await fail(setup, await claimOne(setup))
      const { id } = await setup.storage.redrive({ id: original.id, reason: 'the printer has paper again' })
      assert.notEqual(id, original.id)
      const claimed = await claimOne(setup)
      const { activity } = claimed
      assert.deepEqual(
        [activity.id, activity.redriveOf, activity.attempt, activity.retryCount],
        [id, original.id, 1, 0],
      )
      assert.deepEqual([activity.type, activity.payloadJson, activity.priority], [original.type, '{"n":1}', 'high'])
      assert.deepEqual([activity.maxAttempts, activity.timeoutMs, { ...activity.metadata }], [1, 777, { a: 'b' }])
      assert.deepEqual(activity.failures, [])
      assert.notEqual(activity.key?.key, 'k')
      await complete(setup, claimed, '"printed"')
      assert.equal((await setup.storage.getResult({ id }))?.dataJson, '"printed"')
      assert.equal((await shown(setup, id, 'completed')).redriveOf, original.id)
      const ended = await eventually(setup, async () => {
        const snapshot = await shown(setup, original.id, 'dead_letter')
        assert.equal(snapshot.redrivenAs, id)
        return snapshot
      })
      assert.equal(ended.status, 'dead_letter')
      assert.equal(await setup.storage.lookupKey({ type: original.type, key: 'k' }), original.id)
    },
  },
  {
    name: 'redriving twice, also at once and from two processes, gives the same activity',
    rule: 'redrive',
    async run(setup) {
      const original = await bringTo(setup, 'dead_letter')
      const other = await setup.open()
      const storages = [setup.storage, other]
      const redrives = [setup.storage, other, setup.storage, other].map(storage => storage.redrive({ id: original.id }))
      const ids = new Set((await Promise.all(redrives)).map(({ id }) => id))
      ids.add((await setup.storage.redrive({ id: original.id })).id)
      assert.equal(ids.size, 1)
      const [claimed] = await claim(setup, { count: 1, storages })
      assert.ok(claimed !== undefined && ids.has(claimed.activity.id))
      await complete(setup, claimed)
      assert.ok(ids.has((await setup.storage.redrive({ id: original.id })).id), 'also once it has ended')
      await claimNothing(setup, storages)
    },
  },
  {
    name: 'failed and cancelled activities can be redriven too',
    rule: 'redrive, 3',
    async run(setup) {
      for (const state of ['failed', 'cancelled'] as const) {
        const original = await bringTo(setup, state)
        const { id } = await setup.storage.redrive({ id: original.id })
        const claimed = await claimOne(setup)
        assert.deepEqual([claimed.activity.id, claimed.activity.redriveOf], [id, original.id], state)
        await complete(setup, claimed)
      }
    },
  },
  {
    name: 'a redriven activity that dies too can be redriven again',
    rule: 'redrive',
    async run(setup) {
      const first = await bringTo(setup, 'dead_letter')
      const second = await setup.storage.redrive({ id: first.id })
      await fail(setup, await claimOne(setup))
      const third = await setup.storage.redrive({ id: second.id })
      assert.equal(new Set([first.id, second.id, third.id]).size, 3)
      assert.equal((await claimOne(setup)).activity.redriveOf, second.id)
    },
  },
  {
    name: 'a redrive with another payload leaves the original as it is, and each names the other',
    rule: 'redrive',
    async run(setup) {
      const spec = { maxAttempts: 1, payload: { n: 1 }, priority: 'high', metadata: { a: 'b' } } as const
      const original = await enqueueOne(setup, spec)
      await fail(setup, await claimOne(setup))
      // More digits than a number has, and a form that a parser would lose.
      const edit = { payloadJson: '{"n":12345678901234567890,"x":1.0}', newId: setup.newActivity().id }
      assert.deepEqual(await setup.storage.redrive({ id: original.id, edit }), { id: edit.newId })
      assert.deepEqual(await setup.storage.redrive({ id: original.id, edit }), { id: edit.newId })
      assert.deepEqual(await setup.storage.redrive({ id: original.id }), { id: edit.newId })
      const claimed = await claimOne(setup)
      const { id, payloadJson, redriveOf, metadata, priority } = claimed.activity
      assert.deepEqual([id, payloadJson, redriveOf, priority], [edit.newId, edit.payloadJson, original.id, 'high'])
      assert.deepEqual({ ...metadata }, { a: 'b', edited_from: original.id })
      await complete(setup, claimed)
      await claimNothing(setup)
      const snapshot = await shown(setup, original.id, 'dead_letter')
      assert.deepEqual([snapshot.payloadJson, snapshot.redrivenAs], ['{"n":1}', edit.newId])
    },
  },
  {
    name: 'an edit of what was redriven before, as it was or edited, is a conflict that names it',
    rule: 'redrive',
    types: ['-plain', '-edited'],
    async run(setup) {
      const edit = (): { payloadJson: string; newId: string } => ({ payloadJson: '2', newId: setup.newActivity().id })
      for (const [at, first] of [undefined, edit()].entries()) {
        const original = await bringTo(setup, 'dead_letter', { type: setup.types[at] })
        const { id } = await setup.storage.redrive({ id: original.id, edit: first })
        await refuses(setup.storage.redrive({ id: original.id, edit: edit() }), 'conflict', id)
      }
    },
  },
  {
    name: 'an edit that is no payload, or has no room in the metadata, writes nothing',
    rule: 'redrive, 12',
    async run(setup) {
      const metadata = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`m${at}`, '']))
      const original = await enqueueOne(setup, { maxAttempts: 1, metadata })
      await fail(setup, await claimOne(setup))
      const edited = (payloadJson: string, newId = setup.newActivity().id): Promise<unknown> =>
        setup.storage.redrive({ id: original.id, edit: { payloadJson, newId } })
      await refuses(edited('{"n":'), 'invalid_argument')
      await refuses(edited(JSON.stringify('x'.repeat(900 * 1_024))), 'payload_too_large')
      await refuses(edited('1', '-'), 'invalid_argument')
      await refuses(edited('1'), 'invalid_argument') // the 65th entry
      const { id } = await setup.storage.redrive({ id: original.id })
      assert.equal((await claimOne(setup)).activity.id, id)
    },
  },
  {
    name: 'what has not ended or has completed is a conflict, what is unknown not_found',
    rule: 'redrive',
    types: ['-pending', '-scheduled', '-running', '-retrying', '-completed'],
    async run(setup) {
      for (const [at, state] of (['pending', 'scheduled', 'running', 'retrying', 'completed'] as const).entries()) {
        const { id } = await bringTo(setup, state, { type: setup.types[at] })
        await refuses(setup.storage.redrive({ id }), 'conflict')
      }
      await refuses(setup.storage.redrive({ id: setup.newActivity().id }), 'not_found')
    },
  },
]
