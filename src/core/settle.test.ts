import { describe, expect, test } from 'vitest'

import type { Activity } from './activity.ts'
import { LIMITS } from './limits.ts'
import { newActivity } from './new-activity.ts'
import type { SettleDecision } from './settle.ts'
import { decideExpiry, decideFailure, nextAttempt, withFailure } from './settle.ts'

const base: Activity = newActivity({ type: 'a', payload: null }, { ids: { next: () => 'id-1' }, nowMs: 0 })
const first = { ...base, retryCount: 0, maxAttempts: 3 as const }
const last = { ...base, retryCount: 2, maxAttempts: 3 as const }
const end = (message: string) => ({ error: { name: 'Error', message }, atMs: 7, worker: 'w' })

describe('decideFailure', () => {
  const retry = (delayMs: number): SettleDecision => ({ kind: 'retry', delayMs })
  test.each<[string, typeof first | typeof last, Parameters<typeof decideFailure>[1], boolean, SettleDecision]>([
    ['a failure with attempts left', first, { kind: 'retryable' }, false, retry(2_000)],
    ['a timeout with attempts left', first, { kind: 'timeout' }, false, retry(2_000)],
    ['a cancel that nobody asked for', first, { kind: 'cancelled' }, false, retry(2_000)],
    ['the last failure', last, { kind: 'retryable' }, false, { kind: 'dead_letter' }],
    ['the last timeout', last, { kind: 'timeout' }, false, { kind: 'dead_letter' }],
    ['a non-retryable failure', first, { kind: 'non_retryable' }, false, { kind: 'failed' }],
    ['a non-retryable last failure', last, { kind: 'non_retryable' }, false, { kind: 'failed' }],
    ['a non-retryable failure though cancel was asked for', first, { kind: 'non_retryable' }, true, { kind: 'failed' }],
    ['a failure while cancel was asked for', first, { kind: 'retryable' }, true, { kind: 'cancelled' }],
    ['the last failure while cancel was asked for', last, { kind: 'cancelled' }, true, { kind: 'cancelled' }],
    ['a chosen delay', first, { kind: 'retryable', retryAfterMs: 17 }, false, retry(17)],
    ['a chosen delay of none', first, { kind: 'retryable', retryAfterMs: 0 }, false, retry(0)],
    ['a chosen delay with a fraction', first, { kind: 'retryable', retryAfterMs: 1.2 }, false, retry(2)],
    ['a chosen delay below none', first, { kind: 'retryable', retryAfterMs: -5 }, false, retry(0)],
    [
      'a chosen delay without end',
      first,
      { kind: 'retryable', retryAfterMs: Infinity },
      false,
      retry(LIMITS.retryAfterMsMax),
    ],
    ['a chosen delay that is no number', first, { kind: 'retryable', retryAfterMs: Number.NaN }, false, retry(2_000)],
    [
      'a chosen delay after the last failure',
      last,
      { kind: 'retryable', retryAfterMs: 17 },
      false,
      { kind: 'dead_letter' },
    ],
  ])('%s', (_, activity, failure, cancelRequested, decision) => {
    expect(decideFailure(activity, failure, cancelRequested)).toEqual(decision)
  })
})

test.each<[string, Parameters<typeof decideExpiry>[0], boolean, SettleDecision]>([
  ['attempts left: at once', first, false, { kind: 'retry', delayMs: 0 }],
  ['unlimited: at once', { retryCount: 1e6, maxAttempts: 'unlimited' }, false, { kind: 'retry', delayMs: 0 }],
  ['none left', last, false, { kind: 'dead_letter' }],
  ['cancel asked for', first, true, { kind: 'cancelled' }],
])('decideExpiry with %s', (_, activity, cancelRequested, decision) => {
  expect(decideExpiry(activity, cancelRequested)).toEqual(decision)
})

test('what another producer numbered as high as a record can say has no further attempt, and is dead', () => {
  const highest = { ...base, attempt: LIMITS.attemptsMax, maxAttempts: 'unlimited' as const }
  expect(decideFailure(highest, { kind: 'retryable' }, false)).toEqual({ kind: 'dead_letter' })
  expect(decideExpiry(highest, false)).toEqual({ kind: 'dead_letter' })
})

test('nextAttempt counts attempt and retry, remembers the failure and is due when said', () => {
  expect(nextAttempt(base, end('x'), 99)).toEqual({
    ...base,
    attempt: 2,
    retryCount: 1,
    scheduledAtMs: 99,
    failures: [{ attempt: 1, atMs: 7, name: 'Error', message: 'x', worker: 'w' }],
  })
})

test('nextAttempt looks back at the attempt before it, and past one that nobody tells of', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const second = nextAttempt(base, { ...end('x'), traceparent }, null)
  expect(second.attemptTraceparent).toBe(traceparent)
  expect(nextAttempt(second, { ...end('lost'), traceparent: null }, null).attemptTraceparent).toBe(traceparent)
})

describe('withFailure', () => {
  test('keeps the first failure and the latest', () => {
    let activity = base
    for (let attempt = 1; attempt <= 9; attempt++) activity = nextAttempt(activity, end(`m${attempt}`), null)
    expect(activity.failures.map(failure => failure.attempt)).toEqual([1, 6, 7, 8, 9])
  })

  test('bounds what it remembers, and leaves out a worker that is not known', () => {
    const long = 'x'.repeat(10_000)
    const [failure] = withFailure(base, { error: { name: long, message: long }, atMs: 1, worker: long })
    expect([failure?.name.length, failure?.message.length, failure?.worker?.length]).toEqual([126, 510, 254])
    expect(withFailure(base, { ...end('x'), worker: null })[0]).not.toHaveProperty('worker')
  })
})
