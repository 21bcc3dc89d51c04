// How far operations have come: kept, listed, and shared by all who work on a namespace.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import { claimOne, enqueueOne, eventually, fail, refuses } from './steps.ts'

/** The port `OperationStorage`, and what bulk work and exports ask of lists. */
export const operationsCases: readonly ContractCase[] = [
  {
    name: 'dead letters are listed with their whole activity when asked for it, and without it else',
    rule: 'listDeadLetters',
    async run(setup) {
      const [type] = setup.types
      const spec = { payload: { big: 'x'.repeat(1_000), n: 1.5 }, maxAttempts: 1, metadata: { a: 'b' } }
      const { id, payloadJson } = await enqueueOne(setup, spec)
      await fail(setup, await claimOne(setup))
      await eventually(setup, async () => {
        const plain = await setup.storage.listDeadLetters(type === undefined ? {} : { type })
        const whole = await setup.storage.listDeadLetters({ withActivity: true, limit: 10 })
        const letter = whole.items.find(each => each.id === id)
        assert.deepEqual(
          plain.items.map(each => [each.id, each.activity]),
          [[id, undefined]],
        )
        assert.equal(letter?.activity?.payloadJson, payloadJson)
        assert.deepEqual({ ...letter?.activity?.metadata }, { a: 'b' })
      })
    },
  },
  {
    name: 'what was saved last of an operation is what anybody reads, to the byte; of one that nobody saved there is none',
    rule: 'operations.save, operations.get',
    async run(setup) {
      const { storage } = setup
      const other = await setup.open()
      const { id } = setup.newActivity()
      assert.equal(await storage.operations.get({ id }), null)
      const texts = ['{"done":1}', '{"done":9007199254740993,"text":"ü\\u0000"}']
      for (const progressJson of texts) assert.equal(await storage.operations.save({ id, progressJson }), true)
      assert.equal(await other.operations.get({ id }), texts[1])
    },
  },
  {
    name: 'asked to save only where nothing is kept, it keeps what is there and says so',
    rule: 'operations.save',
    async run(setup) {
      const { storage } = setup
      const other = await setup.open()
      const { id } = setup.newActivity()
      assert.equal(await storage.operations.save({ id, progressJson: '1', ifAbsent: true }), true)
      assert.equal(await other.operations.save({ id, progressJson: '2', ifAbsent: true }), false)
      assert.equal(await storage.operations.get({ id }), '1')
      assert.equal(await other.operations.save({ id, progressJson: '3' }), true)
      assert.equal(await storage.operations.get({ id }), '3')
    },
  },
  {
    name: 'operations are listed by when they were saved last, the newest first, at most as many as asked for',
    rule: 'operations.list',
    isAlone: true,
    async run(setup) {
      const { storage, clock } = setup
      const other = await setup.open()
      const ids = [setup.newActivity().id, setup.newActivity().id, setup.newActivity().id]
      const [first = '', second = '', third = ''] = ids
      for (const id of [...ids, first]) {
        await storage.operations.save({ id, progressJson: JSON.stringify({ id }) })
        await clock.sleep(2) // by the millisecond is how they are listed
      }
      const listed = await other.operations.list({ limit: 200 })
      assert.deepEqual(
        listed.map(({ id }) => id),
        [first, third, second],
      )
      assert.deepEqual(
        listed.map(({ progressJson }) => progressJson),
        [first, third, second].map(id => JSON.stringify({ id })),
      )
      assert.deepEqual(
        (await storage.operations.list({ limit: 2 })).map(({ id }) => id),
        [first, third],
      )
    },
  },
  {
    name: 'what is no id, no text, too long a text or no limit is refused, and nothing is kept',
    rule: 'operations.save, 12',
    async run(setup) {
      const { operations } = setup.storage
      const { id } = setup.newActivity()
      await refuses(operations.save({ id: 'no id', progressJson: '{}' }), 'invalid_argument')
      await refuses(operations.save({ id, progressJson: '' }), 'invalid_argument')
      await refuses(operations.save({ id, progressJson: '\uD800' }), 'invalid_argument')
      await refuses(operations.save({ id, progressJson: 'x'.repeat(256 * 1024 + 1) }), 'invalid_argument')
      await refuses(operations.get({ id: '' }), 'invalid_argument')
      for (const limit of [0, 201, 1.5]) await refuses(operations.list({ limit }), 'invalid_argument')
      assert.equal(await operations.get({ id }), null)
      assert.equal(await operations.save({ id, progressJson: 'x'.repeat(256 * 1024) }), true)
    },
  },
]
