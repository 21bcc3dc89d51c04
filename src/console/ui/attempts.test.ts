import { expect, test } from 'vitest'
import { failedAttempts } from './attempts.ts'

test.each([
  ['pending', 0, 0],
  ['scheduled', 1, 1],
  ['completed', 1, 1],
  ['failed', 0, 1],
  ['dead_letter', 2, 3],
] as const)('%s after %i retries: %i attempts failed', (status, retryCount, failed) => {
  expect(failedAttempts({ status, retryCount })).toBe(failed)
})
