// Rule 10: results are there as soon as an activity shows as ended, and whoever waits is told.

import assert from 'node:assert/strict'
import type { StoredResult } from '../../core/activity.ts'
import type { ContractCase, ContractSetup } from './case.ts'
import {
  bringTo,
  claimAgain,
  claimOne,
  complete,
  enqueueOne,
  expire,
  fail,
  failure,
  leaseOf,
  refuses,
} from './steps.ts'

/** From the end of an activity to its waiter, at most. */
const WAKE_MS = 250

/** Two wait, one of them in another process, while `end` ends the activity; both get what `getResult` says. */
async function waitFor(setup: ContractSetup, id: string, end: () => Promise<unknown>): Promise<StoredResult> {
  const other = await setup.open()
  const waiters = [setup.storage.awaitResult({ id }), other.awaitResult({ id })]
  await end()
  const results = await Promise.all(waiters)
  const stored = await setup.storage.getResult({ id })
  assert.ok(stored !== null)
  for (const result of results) assert.deepEqual(result, stored)
  return stored
}

function typeOf(result: StoredResult): unknown {
  assert.equal(result.state, 'err')
  return (JSON.parse(result.dataJson) as { type?: unknown }).type
}

/** Rule 10. */
export const resultsCases: readonly ContractCase[] = [
  {
    name: 'a result is readable as soon as the completion is answered, from any process',
    rule: '10, S11',
    async run(setup) {
      const other = await setup.open()
      for (let round = 0; round < 5; round++) {
        const { id } = await enqueueOne(setup)
        const claimed = await claimOne(setup, { storages: [setup.storage, other] })
        await complete(setup, claimed, String(round))
        assert.equal((await setup.storage.getResult({ id }))?.dataJson, String(round))
        const result = await other.getResult({ id })
        assert.deepEqual([result?.state, result?.dataJson], ['ok', String(round)])
      }
    },
  },
  {
    name: 'whoever sees an activity as ended can read its result',
    rule: '10',
    types: ['-completed', '-failed', '-dead_letter', '-cancelled'],
    async run(setup) {
      for (const [at, state] of (['completed', 'failed', 'dead_letter', 'cancelled'] as const).entries()) {
        const { id } = await bringTo(setup, state, { type: setup.types[at] })
        assert.equal((await setup.storage.getResult({ id }))?.state, state === 'completed' ? 'ok' : 'err', state)
      }
    },
  },
  {
    name: 'a JSON null is a result, and so is none at all',
    rule: '10, ackSuccess',
    async run(setup) {
      for (const resultJson of ['null', undefined]) {
        const { id } = await enqueueOne(setup)
        assert.equal(await setup.storage.getResult({ id }), null)
        await complete(setup, await claimOne(setup), resultJson)
        const result = await setup.storage.getResult({ id })
        assert.deepEqual([result?.state, result?.dataJson], ['ok', 'null'])
      }
    },
  },
  {
    name: 'the text of payload and result is carried as it is: large integers, order, spaces, escapes',
    rule: '10, 12',
    async run(setup) {
      const texts = [
        '{"n":12345678901234567890,"f":1.10,"e":1e400,"z":-0}',
        '{ "b" : 1, "a" : [ ] }',
        '"\\u00e9 \\/ 日本"',
      ]
      for (const text of texts) {
        const activity = { ...setup.newActivity(), payloadJson: text }
        await setup.storage.enqueueMany({ activities: [activity] })
        const claimed = await claimOne(setup)
        assert.equal(claimed.activity.payloadJson, text)
        await complete(setup, claimed, text)
        assert.equal((await setup.storage.getResult({ id: activity.id }))?.dataJson, text)
      }
    },
  },
  {
    name: 'there is no result before the end, between attempts, or for an unknown id',
    rule: '10, getResult',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 600_000 })
      assert.equal(await setup.storage.getResult({ id }), null)
      const claimed = await claimOne(setup)
      assert.equal(await setup.storage.getResult({ id }), null)
      await fail(setup, claimed)
      assert.equal(await setup.storage.getResult({ id }), null)
      assert.equal(await setup.storage.getResult({ id: 'nobody' }), null)
    },
  },
  {
    name: 'a waiter gets the result of a completion',
    rule: '10, awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const result = await waitFor(setup, id, () => complete(setup, claimed, '[1]'))
      assert.deepEqual([result.state, result.dataJson], ['ok', '[1]'])
    },
  },
  {
    name: 'a waiter is not woken by a retry, and gets the dead letter’s error',
    rule: '10, awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 2 })
      const first = await claimOne(setup)
      const result = await waitFor(setup, id, async () => {
        await fail(setup, first)
        const storages = [setup.storage, await setup.open()]
        await fail(setup, await claimAgain(setup, id, { storages }))
      })
      assert.equal(typeOf(result), 'dead_letter')
    },
  },
  {
    name: 'a waiter gets the error of a non-retryable failure',
    rule: '10, awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const result = await waitFor(setup, id, () => fail(setup, claimed, failure('non_retryable')))
      assert.equal(typeOf(result), 'non_retryable')
    },
  },
  {
    name: 'a waiter is woken when a waiting activity is cancelled',
    rule: '10, awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const result = await waitFor(setup, id, () => setup.storage.cancel({ id, reason: 'no longer needed' }))
      assert.equal(typeOf(result), 'cancelled')
      assert.match(result.dataJson, /no longer needed/)
    },
  },
  {
    name: 'a waiter is woken when a running activity obeys a cancel',
    rule: '10, awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const result = await waitFor(setup, id, async () => {
        await setup.storage.cancel({ id })
        await fail(setup, claimed, failure('cancelled'))
      })
      assert.equal(typeOf(result), 'cancelled')
    },
  },
  {
    name: 'a waiter is woken when the reaper makes a dead letter',
    rule: '10, awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 1 })
      await claimOne(setup)
      assert.equal(typeOf(await waitFor(setup, id, () => expire(setup, id))), 'dead_letter')
    },
  },
  {
    name: 'waiting for what has ended resolves at once',
    rule: 'awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await complete(setup, await claimOne(setup), '7')
      assert.equal((await setup.storage.awaitResult({ id })).dataJson, '7')
    },
  },
  {
    name: `a waiter in another process is woken within ${WAKE_MS} ms`,
    rule: 'awaitResult, S11',
    async run(setup) {
      const other = await setup.open()
      const lags: number[] = []
      for (let round = 0; round < 3; round++) {
        const { id } = await enqueueOne(setup)
        const claimed = await claimOne(setup, { storages: [setup.storage, other] })
        const woken = other.awaitResult({ id }).then(() => setup.clock.monotonicMs())
        await setup.storage.ackSuccess({ leases: [leaseOf(claimed)] })
        const endedMs = setup.clock.monotonicMs()
        lags.push((await woken) - endedMs)
      }
      // The best of three: a pause of the machine is not the storage's.
      assert.ok(Math.min(...lags) < WAKE_MS, `woken after ${lags.map(lag => Math.round(lag)).join(', ')} ms`)
    },
  },
  {
    name: 'a wait is given up with cancelled when its signal aborts, before or during',
    rule: 'awaitResult',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await refuses(setup.storage.awaitResult({ id, signal: AbortSignal.abort() }), 'cancelled')
      const aborter = new AbortController()
      const waiting = setup.storage.awaitResult({ id, signal: aborter.signal })
      const refused = refuses(waiting, 'cancelled')
      aborter.abort()
      await refused
      await complete(setup, await claimOne(setup))
    },
  },
  {
    name: 'a result can be stored apart from a settlement',
    rule: 'storeResult',
    async run(setup) {
      const id = setup.newActivity().id
      const result: StoredResult = { state: 'ok', dataJson: '{"n":12345678901234567890}', atMs: setup.clock.nowMs() }
      await setup.storage.storeResult({ id, result })
      assert.deepEqual(await setup.storage.getResult({ id }), result)
    },
  },
]
