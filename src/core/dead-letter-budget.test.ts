import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeadLetterBudget, usesUpAttempts } from './dead-letter-budget.ts'

const MINUTE_MS = 60_000

describe('credits', () => {
  test('are the burst at first, and gone when it is spent', () => {
    const budget = new DeadLetterBudget({ burst: 2, perSuccess: 0.1, perMinute: 1 }, 0)
    expect([budget.spend(0), budget.spend(0), budget.spend(0)]).toEqual([true, true, false])
    expect(budget.creditsAt(0)).toBe(0)
  })

  test('ten successes of a tenth are one, whatever they add up to in binary', () => {
    const budget = new DeadLetterBudget({ burst: 1, perSuccess: 0.1, perMinute: 0 }, 0)
    budget.spend(0)
    for (let success = 0; success < 9; success++) budget.earn(0)
    expect(budget.spend(0)).toBe(false)
    budget.earn(0)
    expect([budget.spend(0), budget.spend(0)]).toEqual([true, false])
  })

  test('time earns them, too, and says when the next one is there', () => {
    const budget = new DeadLetterBudget({ burst: 1, perSuccess: 0.1, perMinute: 2 }, 0)
    expect(budget.msUntilCredit(0)).toBe(0)
    budget.spend(0)
    expect(budget.msUntilCredit(0)).toBe(30_000)
    expect(budget.msUntilCredit(20_000)).toBeCloseTo(10_000)
    expect(budget.spend(29_999)).toBe(false)
    expect(budget.spend(30_000)).toBe(true)
  })

  test('without any for time the next one may never come', () => {
    const budget = new DeadLetterBudget({ burst: 1, perSuccess: 1, perMinute: 0 }, 0)
    budget.spend(0)
    expect(budget.msUntilCredit(MINUTE_MS)).toBe(Number.POSITIVE_INFINITY)
  })

  test('are never more than the burst, and a clock that steps back takes none away', () => {
    const budget = new DeadLetterBudget({ burst: 3, perSuccess: 1, perMinute: 1 }, 10 * MINUTE_MS)
    budget.earn(20 * MINUTE_MS)
    expect(budget.creditsAt(20 * MINUTE_MS)).toBe(3)
    budget.spend(20 * MINUTE_MS)
    expect(budget.creditsAt(0)).toBe(2)
    expect(budget.creditsAt(21 * MINUTE_MS)).toBe(3)
  })
})

const allowances = fc.record({
  burst: fc.integer({ min: 1, max: 30 }),
  perSuccess: fc.double({ min: 0, max: 1, noNaN: true }),
  perMinute: fc.double({ min: 0, max: 60, noNaN: true }),
})
const steps = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 90_000 }), isSuccess: fc.boolean() }), {
  minLength: 1,
  maxLength: 200,
})

test('in no stretch of time are there more dead letters than the burst and what was earned in it', () => {
  fc.assert(
    fc.property(allowances, steps, (allowance, list) => {
      const budget = new DeadLetterBudget(allowance, 0)
      let nowMs = 0
      const seen = list.map(({ waitMs, isSuccess }) => {
        nowMs += waitMs
        if (isSuccess) budget.earn(nowMs)
        return { atMs: nowMs, isSuccess, isSpent: !isSuccess && budget.spend(nowMs) }
      })
      for (let from = 0; from < seen.length; from++) {
        let [spent, successes] = [0, 0]
        for (const { atMs, isSuccess, isSpent } of seen.slice(from)) {
          spent += isSpent ? 1 : 0
          successes += isSuccess ? 1 : 0
          const passedMs = atMs - (seen[from]?.atMs ?? 0)
          const earned = successes * allowance.perSuccess + (passedMs / MINUTE_MS) * allowance.perMinute
          expect(spent).toBeLessThanOrEqual(allowance.burst + earned + 1e-6)
        }
      }
    }),
    { numRuns: 200 },
  )
}, 30_000)

test('once the time that was said has passed, a credit is there', () => {
  fc.assert(
    fc.property(allowances, steps, (allowance, list) => {
      const budget = new DeadLetterBudget(allowance, 0)
      let nowMs = 0
      for (const { waitMs, isSuccess } of list) {
        nowMs += waitMs
        if (isSuccess) budget.earn(nowMs)
        else budget.spend(nowMs)
      }
      const waitMs = budget.msUntilCredit(nowMs)
      if (waitMs < Number.POSITIVE_INFINITY) expect(budget.spend(nowMs + waitMs + 1)).toBe(true)
    }),
  )
}, 30_000)

test.each([
  ['retryable', 0, 3, false],
  ['retryable', 2, 3, true],
  ['timeout', 0, 1, true],
  ['retryable', 1_000_000, 'unlimited', false],
  ['non_retryable', 2, 3, false],
  ['cancelled', 2, 3, false],
] as const)('a failure that is %s after %i failures of %s attempts: %s', (kind, retryCount, maxAttempts, isLast) => {
  expect(usesUpAttempts({ retryCount, maxAttempts }, { kind })).toBe(isLast)
})
