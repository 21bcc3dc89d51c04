// Trace contexts: what an attempt, or a redrive, is told to look back at. A storage only carries them.

import assert from 'node:assert/strict'
import type { Activity, TraceContext } from '../../core/activity.ts'
import type { ContractCase } from './case.ts'
import { claimAgain, claimOne, enqueueOne, expire, failure, leaseOf } from './steps.ts'

const traceparent = (span: string): string => `00-4bf92f3577b34da6a3ce929d0e0e4736-${span.repeat(16)}-01`
const SENT: TraceContext = { traceparent: traceparent('1'), tracestate: 'a=1' }
const RUN = traceparent('2')
const DEAD = traceparent('3')

/** What is carried from attempt to attempt, and into a redrive. */
export const traceCases: readonly ContractCase[] = [
  {
    name: 'a retry, at once or later, carries the context of its enqueue and that of the attempt before it',
    rule: 'ackFailure',
    types: ['-at-once', '-later'],
    async run(setup) {
      for (const [at, retryDelayMs] of [0, 600_000].entries()) {
        const type = setup.types[at]
        const { id } = await enqueueOne(setup, { type, retryDelayMs, trace: SENT })
        const first = await claimOne(setup)
        assert.deepEqual([first.activity.trace, first.activity.attemptTraceparent], [SENT, null])
        await setup.storage.ackFailure({
          ...leaseOf(first),
          failure: failure(),
          trace: { attempt: RUN, deadLetter: DEAD },
        })
        const { activity } = await claimAgain(setup, id)
        assert.deepEqual([activity.attempt, activity.trace, activity.attemptTraceparent], [2, SENT, RUN])
      }
    },
  },
  {
    name: 'an attempt after an expired lease carries the last context that is known',
    rule: 'requeueExpired',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 0, trace: SENT })
      await setup.storage.ackFailure({ ...leaseOf(await claimOne(setup)), failure: failure(), trace: { attempt: RUN } })
      await claimAgain(setup, id)
      await expire(setup, id)
      const third = await claimAgain(setup, id)
      assert.deepEqual([third.attempt, third.activity.attemptTraceparent], [3, RUN])
    },
  },
  {
    name: 'a context that is none is dropped, and the failure is settled all the same',
    rule: 'ackFailure',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 0 })
      const trace = { attempt: 'x'.repeat(100_000) }
      const answer = await setup.storage.ackFailure({ ...leaseOf(await claimOne(setup)), failure: failure(), trace })
      assert.equal(answer.outcome, 'retrying')
      assert.equal((await claimAgain(setup, id)).activity.attemptTraceparent, null)
    },
  },
  {
    name: 'a redrive is told the contexts of enqueue and end, once, and carries the one that it answers',
    rule: 'redrive',
    async run(setup) {
      const ends = [
        { kind: 'retryable', trace: { attempt: RUN, deadLetter: DEAD }, end: DEAD },
        { kind: 'retryable', trace: { attempt: RUN }, end: RUN },
        { kind: 'non_retryable', trace: { attempt: RUN, deadLetter: DEAD }, end: RUN },
      ] as const
      for (const { kind, trace, end } of ends) {
        const original = await enqueueOne(setup, { maxAttempts: 1, trace: SENT })
        await setup.storage.ackFailure({ ...leaseOf(await claimOne(setup)), failure: failure(kind), trace })
        const asked: Activity[] = []
        const own: TraceContext = { traceparent: traceparent('4') }
        const traceOf = (activity: Activity): TraceContext => {
          asked.push(activity)
          return own
        }
        const { id } = await setup.storage.redrive({ id: original.id, traceOf })
        assert.deepEqual(await setup.storage.redrive({ id: original.id, traceOf }), { id })
        assert.deepEqual(
          asked.map(each => [each.id, each.redriveOf, each.trace, each.attemptTraceparent]),
          [[id, original.id, SENT, end]],
        )
        const claimed = await claimOne(setup)
        assert.deepEqual([claimed.activity.trace, claimed.activity.attemptTraceparent], [own, null])
        await setup.storage.ackSuccess({ leases: [leaseOf(claimed)] })
      }
    },
  },
  {
    name: 'a redrive that nobody traces is no part of the trace of its original, and looks back at its end',
    rule: 'redrive',
    async run(setup) {
      const { id } = await enqueueOne(setup, { maxAttempts: 1, trace: SENT })
      const trace = { attempt: RUN, deadLetter: DEAD }
      await setup.storage.ackFailure({ ...leaseOf(await claimOne(setup)), failure: failure(), trace })
      await setup.storage.redrive({ id })
      const { activity } = await claimOne(setup)
      assert.deepEqual([activity.trace, activity.attemptTraceparent], [null, DEAD])
    },
  },
]
