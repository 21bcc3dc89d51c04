import { expect, test } from 'vitest'
import { readyAtMs } from './ready-time.ts'

const failure = { attempt: 1, name: 'Error', message: 'no' }

test.each([
  ['created', { createdAtMs: 5, scheduledAtMs: null, failures: [] }, 5],
  ['due', { createdAtMs: 5, scheduledAtMs: 9, failures: [] }, 9],
  [
    'taken back, again without a due time',
    { createdAtMs: 5, scheduledAtMs: null, failures: [{ ...failure, atMs: 8 }] },
    8,
  ],
  ['retried, due after its failure', { createdAtMs: 5, scheduledAtMs: 12, failures: [{ ...failure, atMs: 8 }] }, 12],
  ['taken back after it was due', { createdAtMs: 5, scheduledAtMs: 6, failures: [{ ...failure, atMs: 8 }] }, 8],
])('an activity that was %s is ready from then on', (_, activity, expected) => {
  expect(readyAtMs(activity)).toBe(expected)
})
