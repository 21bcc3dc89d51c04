// Discarding: a dead letter that was dealt with is set aside, and nothing else about it changes.

import assert from 'node:assert/strict'
import type { DeadLetterSummary } from '../../storage/storage.ts'
import type { ContractCase, ContractSetup } from './case.ts'
import { bringTo, claimOne, complete, eventually, only, refuses, shown } from './steps.ts'

/** The operation `discard`. */
export const discardCases: readonly ContractCase[] = [
  {
    name: 'a discarded dead letter is listed only where it is asked for, with time and reason, and is still one',
    rule: 'discard',
    async run(setup) {
      const [gone, kept] = [await bringTo(setup, 'dead_letter'), await bringTo(setup, 'dead_letter')]
      await listed(setup, false, [gone.id, kept.id])
      const fromMs = setup.clock.nowMs()
      const { storage } = setup
      assert.deepEqual(await storage.discard({ id: gone.id, reason: 'dealt with' }), { outcome: 'discarded' })
      assert.deepEqual(
        (await listed(setup, false, [kept.id])).map(({ discarded }) => discarded),
        [null],
      )
      const all = await listed(setup, true, [gone.id, kept.id])
      const discarded = all.find(({ id }) => id === gone.id)?.discarded
      assert.equal(discarded?.reason, 'dealt with')
      assert.ok(Math.abs(discarded.atMs - fromMs) < 60_000, `discarded at ${discarded.atMs}`)
      assert.equal(all.find(({ id }) => id === kept.id)?.discarded, null)
      assert.deepEqual((await shown(setup, gone.id, 'dead_letter')).discarded, discarded)
      assert.equal((await shown(setup, kept.id, 'dead_letter')).discarded, null)
    },
  },
  {
    name: 'a page of those that are left is as full as can be, and ends',
    rule: 'discard',
    async run(setup) {
      const ids: string[] = []
      for (let at = 0; at < 6; at++) ids.push((await bringTo(setup, 'dead_letter')).id)
      const all = await listed(setup, false, ids)
      const left: string[] = []
      for (const [at, { id }] of all.entries()) {
        if (at % 2 === 0) left.push(id)
        else await setup.storage.discard({ id })
      }
      const params = { type: setup.types[0] ?? '', limit: 2 }
      const first = await setup.storage.listDeadLetters(params)
      assert.deepEqual(idsOf(first.items), left.slice(0, 2))
      const second = await setup.storage.listDeadLetters({ ...params, cursor: first.cursor })
      assert.deepEqual(idsOf(second.items), left.slice(2))
    },
  },
  {
    name: 'discarding twice, also at once and from two processes, is one discard, and the first reason stays',
    rule: 'discard',
    async run(setup) {
      const { id } = await bringTo(setup, 'dead_letter')
      const storages = [setup.storage, await setup.open()]
      const answers = await Promise.all([...storages, ...storages].map(storage => storage.discard({ id, reason: '' })))
      assert.deepEqual(answers.map(({ outcome }) => outcome).sort(), ['already', 'already', 'already', 'discarded'])
      assert.deepEqual(await setup.storage.discard({ id, reason: 'another' }), { outcome: 'already' })
      assert.equal((await shown(setup, id, 'dead_letter')).discarded?.reason, null)
    },
  },
  {
    name: 'a discarded one can be redriven, which undoes the discard; then it cannot be discarded any more',
    rule: 'discard, redrive',
    async run(setup) {
      const { id } = await bringTo(setup, 'dead_letter')
      await setup.storage.discard({ id })
      const again = await setup.storage.redrive({ id })
      const claimed = await claimOne(setup)
      assert.equal(claimed.activity.id, again.id)
      await complete(setup, claimed)
      const letter = only(await listed(setup, false, [id]))
      assert.deepEqual([letter.redrivenAs, letter.discarded], [again.id, null])
      assert.equal((await shown(setup, id, 'dead_letter')).discarded, null)
      await refuses(setup.storage.discard({ id }), 'conflict', again.id)
    },
  },
  {
    name: 'what is no dead letter is a conflict, what is unknown not_found, a reason that is too long invalid',
    rule: 'discard',
    types: ['-pending', '-scheduled', '-running', '-retrying', '-completed', '-failed', '-cancelled', '-dead'],
    async run(setup) {
      const states = ['pending', 'scheduled', 'running', 'retrying', 'completed', 'failed', 'cancelled'] as const
      for (const [at, state] of states.entries()) {
        const { id } = await bringTo(setup, state, { type: setup.types[at] })
        await refuses(setup.storage.discard({ id }), 'conflict', id)
      }
      await refuses(setup.storage.discard({ id: setup.newActivity().id }), 'not_found')
      const { id } = await bringTo(setup, 'dead_letter', { type: setup.types.at(-1) })
      await refuses(setup.storage.discard({ id, reason: 'x'.repeat(1_025) }), 'invalid_argument', 'reason')
      assert.equal((await shown(setup, id, 'dead_letter')).discarded, null)
    },
  },
]

/** The dead letters of the case's first type, once they are these. */
function listed(
  setup: ContractSetup,
  includeDiscarded: boolean,
  ids: readonly string[],
): Promise<readonly DeadLetterSummary[]> {
  return eventually(setup, async () => {
    const { items } = await setup.storage.listDeadLetters({ type: setup.types[0] ?? '', includeDiscarded })
    assert.deepEqual(idsOf(items).sort(), [...ids].sort())
    return items
  })
}

function idsOf(items: readonly DeadLetterSummary[]): string[] {
  return items.map(({ id }) => id)
}
