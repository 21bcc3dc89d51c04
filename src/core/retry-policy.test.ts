import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LIMITS } from './limits.ts'
import { backoffMs, canRetry, withJitter } from './retry-policy.ts'

describe('backoffMs', () => {
  // The numbers of rule 2 of the storage contract, in seconds: (retry count, base, cap) and the delay.
  test.each([
    [0, 1, 3_600, 2],
    [2, 5, 3_600, 40],
    [10, 1, 3_600, 2_048],
    [11, 1, 3_600, 3_600],
    [3, 1, 10, 10],
    [9, 60, 86_400, 61_440],
    [0, 0, 3_600, 0],
    [500, 0, 3_600, 0],
    [5, 1, 0, 0],
  ])('after %i failures with base %i and cap %i it is %i seconds', (retryCount, base, cap, delay) => {
    expect(backoffMs({ retryCount, retryDelayMs: base * 1_000, retryDelayMaxMs: cap * 1_000 })).toBe(delay * 1_000)
  })

  test('never overflows and never exceeds its cap', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31 - 1),
        fc.nat(2 ** 31 - 1),
        fc.nat(2 ** 31 - 1),
        (retryCount, retryDelayMs, retryDelayMaxMs) => {
          const delayMs = backoffMs({ retryCount, retryDelayMs, retryDelayMaxMs })
          expect(delayMs).toBeGreaterThanOrEqual(0)
          expect(delayMs).toBeLessThanOrEqual(retryDelayMaxMs)
          expect(Number.isInteger(delayMs)).toBe(true)
        },
      ),
    )
  })
})

test.each<[number, number | 'unlimited', boolean]>([
  [0, 1, false],
  [0, 2, true],
  [1, 2, false],
  [1, 3, true],
  [2, 3, false],
  [7, 3, false],
  [1_000_000, 'unlimited', true],
  [LIMITS.attemptsMax - 1, 'unlimited', true],
  [LIMITS.attemptsMax, 'unlimited', false],
])('after %i failed attempts of %s another is allowed: %s', (retryCount, maxAttempts, expected) => {
  expect(canRetry({ retryCount, maxAttempts })).toBe(expected)
})

test.each([
  [1_000, 0, 0.9, 1_000],
  [1_000, 1, 0, 1_000],
  [1_000, 0.5, 0.5, 750],
  [1_000, 1, 0.999, 1],
  [0, 1, 0.5, 0],
])('%i ms with jitter %f and random %f is %i ms', (delayMs, jitter, random, expected) => {
  expect(withJitter(delayMs, jitter, random)).toBe(expected)
})
