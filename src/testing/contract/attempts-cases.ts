// Rules 1 to 3: how many attempts, how long between them, and what is left when they are used up.

import assert from 'node:assert/strict'
import type { ContractCase } from './case.ts'
import type { ContractSetup } from './case.ts'
import {
  claimAgain,
  claimNothing,
  claimOne,
  complete,
  enqueueOne,
  enqueueThese,
  errorResultOf,
  eventually,
  fail,
  failure,
  shown,
} from './steps.ts'

/** [failed attempts before, base in s, cap in s, expected delay in s] */
const BACKOFFS = [
  [0, 1, 3_600, 2],
  [2, 5, 3_600, 40],
  [10, 1, 3_600, 2_048],
  [11, 1, 3_600, 3_600],
  [3, 1, 10, 10],
  [9, 60, 86_400, 61_440],
  [5_000, 2_147_483, 3_600, 3_600],
  [7, 0, 3_600, 0],
] as const

async function failUntilDead(setup: ContractSetup, maxAttempts: number | undefined): Promise<number> {
  const { id } = await enqueueOne(setup, { retryDelayMs: 0, maxAttempts })
  for (let attempt = 1; attempt <= 10; attempt++) {
    const claimed = attempt === 1 ? await claimOne(setup) : await claimAgain(setup, id)
    assert.equal(claimed.attempt, attempt)
    assert.equal(claimed.activity.attempt, attempt)
    assert.equal(claimed.activity.retryCount, attempt - 1)
    const { outcome } = await fail(setup, claimed)
    if (outcome === 'dead_letter') return attempt
    assert.equal(outcome, 'retrying')
  }
  return assert.fail('ten attempts and no end')
}

/** Rules 1 to 3. */
export const attemptsCases: readonly ContractCase[] = [
  {
    name: 'an activity gets as many attempts as maxAttempts says, numbered from 1, then is a dead letter',
    rule: '1',
    async run(setup) {
      assert.equal(await failUntilDead(setup, 4), 4)
      await claimNothing(setup)
    },
  },
  {
    name: 'an activity gets 3 attempts by default',
    rule: '1',
    run: async setup => assert.equal(await failUntilDead(setup, undefined), 3),
  },
  {
    name: 'with maxAttempts 1 the first failure makes a dead letter',
    rule: '1',
    run: async setup => assert.equal(await failUntilDead(setup, 1), 1),
  },
  {
    name: 'with unlimited attempts another is always allowed',
    rule: '1',
    async run(setup) {
      const activity = setup.newActivity({ maxAttempts: 'unlimited' })
      await enqueueThese(setup.storage, [{ ...activity, attempt: 2_001, retryCount: 2_000 }])
      const claimed = await claimOne(setup)
      assert.equal(claimed.attempt, 2_001)
      assert.equal((await fail(setup, claimed)).outcome, 'retrying')
      assert.equal((await claimAgain(setup, activity.id)).attempt, 2_002)
    },
  },
  {
    name: 'the delay before the next attempt is base * 2^(failures + 1) up to the cap, without overflow',
    rule: '2',
    async run(setup) {
      for (const [retryCount, base, cap, delay] of BACKOFFS) {
        const spec = { maxAttempts: 'unlimited', retryDelayMs: base * 1_000, retryDelayMaxMs: cap * 1_000 } as const
        const activity = { ...setup.newActivity(spec), retryCount, attempt: retryCount + 1 }
        await enqueueThese(setup.storage, [activity])
        const claimed = await claimOne(setup)
        assert.equal(claimed.activity.id, activity.id)
        const answer = await fail(setup, claimed)
        assert.equal(answer.outcome, 'retrying')
        if (answer.outcome === 'retrying')
          assert.equal(answer.retryInMs, delay * 1_000, `(${retryCount}, ${base}, ${cap})`)
        await setup.storage.cancel({ id: activity.id })
      }
    },
  },
  {
    name: 'delays double from failure to failure',
    rule: '2',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 5 })
      for (const [failed, delayMs] of [2_000, 4_000, 8_000, 16_000].entries()) {
        const claimed = failed === 0 ? await claimOne(setup) : await claimAgain(setup, id)
        const answer = await fail(setup, claimed)
        assert.deepEqual(answer.outcome === 'retrying' && answer.retryInMs, delayMs)
      }
    },
  },
  {
    name: 'a retry delay of 0 means at once, and still counts',
    rule: '2',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 0 })
      const answer = await fail(setup, await claimOne(setup))
      assert.deepEqual(answer.outcome === 'retrying' && answer.retryInMs, 0)
      const again = await eventually(setup, async () => {
        await setup.storage.processScheduled({ limit: 100 }) // no due time is moved: it is due already
        const [claimed] = await setup.storage.dequeue({ workerId: 'w1', timeoutMs: 200, types: setup.types })
        assert.ok(claimed !== undefined)
        return claimed
      })
      assert.deepEqual([again.activity.id, again.attempt, again.activity.retryCount], [id, 2, 1])
    },
  },
  {
    name: 'a failure that says when to retry overrides the backoff and still counts',
    rule: '2',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 2 })
      const answer = await fail(setup, await claimOne(setup), { ...failure(), retryAfterMs: 12_345 })
      assert.deepEqual(answer.outcome === 'retrying' && answer.retryInMs, 12_345)
      const last = await claimAgain(setup, id)
      assert.equal((await fail(setup, last, { ...failure(), retryAfterMs: 1 })).outcome, 'dead_letter')
    },
  },
  {
    name: 'a retryable failure with attempts left is scheduled for the time that the answer says, without a result',
    rule: '3, S2, S6',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 30_000 })
      const answer = await fail(setup, await claimOne(setup), failure('retryable', 'the printer is out of paper'))
      assert.ok(answer.outcome === 'retrying')
      assert.equal(await setup.storage.getResult({ id }), null)
      const snapshot = await shown(setup, id, 'scheduled')
      assert.deepEqual([snapshot.attempt, snapshot.retryCount, snapshot.scheduledAtMs], [2, 1, answer.retryAtMs])
      assert.equal(snapshot.lastError?.message, 'the printer is out of paper')
      assert.equal(snapshot.endedAtMs, null)
      await setup.storage.processScheduled({ limit: 100 })
      await claimNothing(setup)
    },
  },
  {
    name: 'a timeout is a retryable failure',
    rule: '3',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 2 })
      assert.equal((await fail(setup, await claimOne(setup), failure('timeout'))).outcome, 'retrying')
      assert.equal((await fail(setup, await claimAgain(setup, id), failure('timeout'))).outcome, 'dead_letter')
    },
  },
  {
    name: 'a dead letter has an error result, and its retry count is not counted up again',
    rule: '3, 10, S3, S11',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 2 })
      await fail(setup, await claimOne(setup))
      const answer = await fail(setup, await claimAgain(setup, id), failure('retryable', 'broken for good'))
      assert.deepEqual(answer, { outcome: 'dead_letter' })
      const { failed_at: failedAt, failure: recorded, ...rest } = await errorResultOf(setup, id)
      assert.deepEqual(rest, { error: 'broken for good', type: 'dead_letter', attempts: 2 })
      assert.equal(new Date(String(failedAt)).toISOString(), failedAt)
      assert.equal((recorded as { name?: string }).name, 'Error')
      const snapshot = await shown(setup, id, 'dead_letter')
      assert.deepEqual([snapshot.attempt, snapshot.retryCount], [2, 1])
      await claimNothing(setup)
    },
  },
  {
    name: 'a non-retryable failure ends the activity as failed at once: no retry, no dead letter, listed as failed',
    rule: '3',
    async run(setup) {
      const { id, type } = await enqueueOne(setup, { maxAttempts: 10 })
      const answer = await fail(setup, await claimOne(setup), failure('non_retryable', 'no such customer'))
      assert.deepEqual(answer, { outcome: 'failed' })
      const result = await errorResultOf(setup, id)
      assert.deepEqual([result['error'], result['type'], result['attempts']], ['no such customer', 'non_retryable', 1])
      const snapshot = await shown(setup, id, 'failed')
      assert.deepEqual([snapshot.attempt, snapshot.retryCount], [1, 0])
      await eventually(setup, async () => {
        const { items } = await setup.storage.list({ status: 'failed', type })
        assert.deepEqual(
          items.map(item => item.id),
          [id],
        )
      })
      assert.deepEqual((await setup.storage.listDeadLetters({ type })).items, [])
      await claimNothing(setup)
    },
  },
  {
    name: 'an attempt knows the failures before it, oldest first',
    rule: 'ClaimedAttempt',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 3 })
      await fail(setup, await claimOne(setup, { worker: 'first' }), failure('retryable', 'one'))
      await fail(setup, await claimAgain(setup, id, { worker: 'second' }), failure('timeout', 'two'))
      const { activity } = await claimAgain(setup, id)
      assert.deepEqual(
        activity.failures.map(({ attempt, message, worker }) => ({ attempt, message, worker })),
        [
          { attempt: 1, message: 'one', worker: 'first' },
          { attempt: 2, message: 'two', worker: 'second' },
        ],
      )
    },
  },
  {
    name: 'what succeeds after a failure ends as completed with its result',
    rule: '3, 10',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      await fail(setup, await claimOne(setup))
      await complete(setup, await claimAgain(setup, id), '{"paid":true}')
      const result = await setup.storage.getResult({ id })
      assert.deepEqual([result?.state, result?.dataJson], ['ok', '{"paid":true}'])
      await shown(setup, id, 'completed')
    },
  },
]
