import { expect, test } from 'vitest'

import { errorResult } from './error-result.ts'

test('an error result has the fields of rule 3 of the storage contract', () => {
  const failure = { name: 'TypeError', message: 'x', code: 'E1' }
  const result = errorResult({ failure, type: 'dead_letter', failedAtMs: 0, attempts: 3 })
  expect(result).toMatchObject({ state: 'err', atMs: 0 })
  expect(JSON.parse(result.dataJson)).toEqual({
    error: 'x',
    type: 'dead_letter',
    failed_at: '1970-01-01T00:00:00.000Z',
    attempts: 3,
    failure,
  })
})
