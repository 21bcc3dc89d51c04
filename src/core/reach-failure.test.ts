import { expect, test } from 'vitest'
import { ErrandError } from './errors.ts'
import { reachFailure } from './reach-failure.ts'

test.each<[string, unknown]>([
  ['refused', new ErrandError('configuration', 'WRONGPASS')],
  ['refused', new Error('unable to verify the first certificate')],
  ['refused', new Error('self-signed certificate in chain')],
  ['unreachable', new ErrandError('unavailable', 'connect ECONNREFUSED')],
  ['unreachable', 'gone'],
])('%s: %s', (kind, error) => {
  expect(reachFailure(error)).toEqual({ kind, says: error instanceof Error ? error.message : error })
})
