// Rule 9: one key, one activity, unless its behaviour says otherwise.

import assert from 'node:assert/strict'
import type { Activity, DuplicateBehavior } from '../../core/activity.ts'
import { decideKey, keyStateOf } from '../../core/idempotency.ts'
import type { EnqueueAnswer, Storage } from '../../storage/storage.ts'
import type { ContractCase, ContractSetup } from './case.ts'
import {
  STATES,
  bringTo,
  claim,
  claimNothing,
  claimOne,
  complete,
  enqueueOne,
  eventually,
  offer,
  refuses,
} from './steps.ts'

function pickAnswer({ outcome, id }: EnqueueAnswer): Pick<EnqueueAnswer, 'outcome' | 'id'> {
  return { outcome, id }
}

/** Meets a key in every state that its activity can have; the expectation is `core/idempotency.ts`'s own table. */
function tableCase(behavior: DuplicateBehavior, sentence: string): ContractCase {
  return {
    name: `${behavior}: ${sentence}`,
    rule: '9',
    types: STATES.map(state => `-${state}`),
    async run(setup) {
      for (const [at, state] of STATES.entries()) {
        const type = setup.types[at]
        const first = await bringTo(setup, state, { type, key: 'k', payload: 'first' })
        const verdict = decideKey(behavior, keyStateOf(state))
        const asked = await setup.storage.checkIdempotency({ type: first.type, key: 'k', behavior })
        const second = setup.newActivity({ type, key: 'k', onDuplicate: behavior, payload: 'second' })
        const answer = await offer(setup.storage, second)
        const said = `${behavior} meets ${state}`
        if (verdict === 'create') {
          assert.deepEqual([asked.outcome, answer.outcome, answer.id], ['proceed', 'created', second.id], said)
          assert.equal(await setup.storage.lookupKey({ type: first.type, key: 'k' }), second.id, said)
        } else if (verdict === 'existing') {
          assert.deepEqual(
            [asked, answer],
            [
              { outcome: 'existing', id: first.id },
              { outcome: 'existing', id: first.id },
            ],
            said,
          )
        } else {
          const code = verdict === 'duplicate' ? 'duplicate_activity' : 'idempotency_conflict'
          assert.deepEqual(asked, { outcome: 'refused', code, existingId: first.id }, said)
          assert.ok(answer.outcome === 'refused', said)
          assert.deepEqual([answer.id, answer.code, answer.existingId], [second.id, code, first.id], said)
          assert.ok(answer.message.length > 0, said)
        }
        if (verdict !== 'create') {
          assert.equal(await setup.storage.lookupKey({ type: first.type, key: 'k' }), first.id, said)
          assert.equal(await setup.storage.getActivity({ id: second.id }), null, said)
        }
      }
    },
  }
}

async function race(setup: ContractSetup, onDuplicate: DuplicateBehavior, storages: readonly Storage[]): Promise<void> {
  const activities = Array.from({ length: 50 }, (_, at) => setup.newActivity({ key: 'race', onDuplicate, payload: at }))
  const answers = await Promise.all(
    activities.map((activity, at) => offer(storages[at % storages.length] ?? setup.storage, activity)),
  )
  const created = answers.filter(answer => answer.outcome === 'created')
  assert.equal(created.length, 1, 'one is created')
  const id = created[0]?.id
  for (const answer of answers) if (answer.outcome !== 'created') assert.equal(existingOf(answer), id)
  const claimed = await claim(setup, { count: 1, storages })
  assert.equal(claimed[0]?.activity.id, id)
  await claimNothing(setup, storages)
}

function existingOf(answer: EnqueueAnswer): string | undefined {
  if (answer.outcome === 'existing') return answer.id
  return answer.outcome === 'refused' ? answer.existingId : undefined
}

async function allCreated(setup: ContractSetup, activities: readonly Activity[]): Promise<void> {
  for (const activity of activities) {
    assert.equal((await offer(setup.storage, activity)).outcome, 'created', JSON.stringify(activity.key))
  }
  for (const { id, type, key } of activities) {
    assert.equal(await setup.storage.lookupKey({ type, key: key?.key ?? '' }), id, JSON.stringify(key))
  }
}

/** Rule 9. */
export const idempotencyCases: readonly ContractCase[] = [
  tableCase('return_existing', 'the existing id, in any state'),
  tableCase('no_reuse', 'duplicate_activity, in any state'),
  tableCase('allow_reuse', 'a new activity, in any state, and the key moves to it'),
  tableCase('allow_reuse_on_failure', 'a new activity once the existing has failed, else idempotency_conflict'),
  {
    name: 'the existing activity’s input is never replaced',
    rule: '9',
    async run(setup) {
      const first = await enqueueOne(setup, { key: 'k', payload: 'first', priority: 'low' })
      await offer(setup.storage, setup.newActivity({ key: 'k', payload: 'second', priority: 'high' }))
      const { activity } = await claimOne(setup)
      assert.deepEqual([activity.id, activity.payloadJson, activity.priority], [first.id, '"first"', 'low'])
      await claimNothing(setup)
    },
  },
  {
    name: '50 concurrent enqueues of one key make one activity (return_existing)',
    rule: '9, S7',
    run: setup => race(setup, 'return_existing', [setup.storage]),
  },
  {
    name: '50 concurrent enqueues of one key from two processes make one activity (no_reuse)',
    rule: '9, S7',
    run: async setup => race(setup, 'no_reuse', [setup.storage, await setup.open()]),
  },
  {
    name: 'a key twice in one batch makes one activity',
    rule: '9, enqueueMany',
    async run(setup) {
      const activities = [1, 2, 3].map(payload => setup.newActivity({ key: payload === 2 ? 'other' : 'k', payload }))
      const answers = await setup.storage.enqueueMany({ activities })
      assert.deepEqual(answers.map(answer => answer.outcome).sort(), ['created', 'created', 'existing'])
      assert.equal(answers[0]?.id, answers[2]?.id)
      await claim(setup, { count: 2 })
      await claimNothing(setup)
    },
  },
  {
    name: 'keys are scoped by type',
    rule: '9, S7',
    types: ['', '-b'],
    async run(setup) {
      const [plain, longer] = setup.types
      await allCreated(setup, [
        setup.newActivity({ type: plain, key: 'same', onDuplicate: 'no_reuse' }),
        setup.newActivity({ type: longer, key: 'same', onDuplicate: 'no_reuse' }),
        // The texts of type and key joined by a hyphen are the same:
        setup.newActivity({ type: plain, key: 'b-c', onDuplicate: 'no_reuse' }),
        setup.newActivity({ type: longer, key: 'c', onDuplicate: 'no_reuse' }),
      ])
    },
  },
  {
    name: 'keys are told apart byte by byte, whatever is in them',
    rule: '9, 12',
    async run(setup) {
      const keys = [
        'a:b',
        'a',
        'b:c',
        '{x}',
        'x',
        '*',
        'a*',
        'a b',
        'a\r\nb',
        'a\nb',
        '%s',
        '\u0000',
        'é',
        'e\u0301',
        '日本',
        'K',
        'k',
      ]
      keys.push('x'.repeat(512), `${'x'.repeat(511)}y`, '__proto__', 'constructor')
      await allCreated(
        setup,
        keys.map(key => setup.newActivity({ key, onDuplicate: 'no_reuse' })),
      )
    },
  },
  {
    name: 'asking what a key would do writes nothing',
    rule: 'checkIdempotency',
    async run(setup) {
      const [type = ''] = setup.types
      for (const behavior of ['return_existing', 'no_reuse', 'allow_reuse', 'allow_reuse_on_failure'] as const) {
        assert.deepEqual(await setup.storage.checkIdempotency({ type, key: 'k', behavior }), { outcome: 'proceed' })
      }
      assert.equal(await setup.storage.lookupKey({ type, key: 'k' }), null)
      const { id } = await enqueueOne(setup, { key: 'k', onDuplicate: 'no_reuse' })
      assert.equal(await setup.storage.lookupKey({ type, key: 'k' }), id)
    },
  },
  {
    name: 'the same id and key sent again find themselves, under no_reuse too',
    rule: '9, EnqueueAnswer',
    async run(setup) {
      const activity = setup.newActivity({ key: 'k', onDuplicate: 'no_reuse' })
      assert.equal((await offer(setup.storage, activity)).outcome, 'created')
      const again = await offer(setup.storage, activity)
      assert.ok(again.outcome === 'existing' || again.outcome === 'created', again.outcome)
      assert.equal(again.id, activity.id)
      await complete(setup, await claimOne(setup))
      await claimNothing(setup)
    },
  },
  {
    name: 'an activity whose key has moved on does not take it back when it is sent again',
    rule: '9, EnqueueAnswer',
    async run(setup) {
      const first = setup.newActivity({ key: 'k', onDuplicate: 'allow_reuse' })
      const second = setup.newActivity({ key: 'k', onDuplicate: 'allow_reuse' })
      for (const each of [first, second]) assert.equal((await offer(setup.storage, each)).outcome, 'created')
      assert.deepEqual(await offer(setup.storage, first), { outcome: 'existing', id: first.id })
      assert.equal(await setup.storage.lookupKey({ type: first.type, key: 'k' }), second.id)
      // An id that only looks like one of those before is another one.
      const third = setup.newActivity({ id: first.id.slice(0, -1), key: 'k', onDuplicate: 'allow_reuse' })
      assert.deepEqual(pickAnswer(await offer(setup.storage, third)), { outcome: 'created', id: third.id })
      const ids = new Set<string>()
      for (const _ of [first, second, third]) {
        const attempt = await claimOne(setup)
        ids.add(attempt.activity.id)
        await complete(setup, attempt)
      }
      assert.deepEqual(ids, new Set([first.id, second.id, third.id]))
      await claimNothing(setup)
    },
  },
  {
    name: 'the same id sent again runs once',
    rule: 'EnqueueAnswer',
    async run(setup) {
      const activity = setup.newActivity()
      assert.equal((await offer(setup.storage, activity)).outcome, 'created')
      const again = await offer(setup.storage, activity)
      assert.ok(again.outcome === 'existing' || again.outcome === 'created', again.outcome)
      assert.equal(again.id, activity.id)
      await complete(setup, await claimOne(setup))
      await claimNothing(setup)
    },
  },
  {
    name: 'a scheduled activity holds its key like any other, and shows it',
    rule: '9',
    async run(setup) {
      const { id, type } = await enqueueOne(setup, { key: 'k', delayMs: 3_600_000 })
      assert.equal(await setup.storage.lookupKey({ type, key: 'k' }), id)
      await eventually(setup, async () => assert.equal((await setup.storage.getActivity({ id }))?.key, 'k'))
    },
  },
  {
    name: 'a bad key or behaviour is refused by the questions too, naming the field',
    rule: '12, checkIdempotency, lookupKey',
    async run(setup) {
      const [type = ''] = setup.types
      const { storage } = setup
      const behavior = 'no_reuse'
      for (const key of ['', 'x'.repeat(513), '\ud800']) {
        await refuses(storage.checkIdempotency({ type, key, behavior }), 'invalid_argument', 'key')
        await refuses(storage.lookupKey({ type, key }), 'invalid_argument', 'key')
      }
      await refuses(storage.lookupKey({ type: 'a.b', key: 'k' }), 'invalid_argument', 'type')
    },
  },
]
