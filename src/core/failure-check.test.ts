import { expect, test } from 'vitest'
import { BAD_FAILURES } from '../../test/support/bad-inputs.ts'
import type { AttemptFailureReport } from './activity.ts'
import { recordFailure } from './failure.ts'
import { checkFailureReport } from './failure-check.ts'
import { LIMITS } from './limits.ts'

function causes(count: number): Error {
  let error = new Error('first')
  for (let at = 0; at < count; at++) error = new Error(`cause ${at}`, { cause: error })
  return error
}

test.each<[string, Partial<AttemptFailureReport>]>([
  ['a name and a message', {}],
  ['as many causes as are recorded', { error: recordFailure(causes(100)) }],
  ['a delay of nothing', { retryAfterMs: 0 }],
  ['the longest delay', { retryAfterMs: LIMITS.retryAfterMsMax }],
])('%s will do', (_, change) => {
  const report = { kind: 'timeout', error: { name: '', message: '' }, ...change } as const
  expect(checkFailureReport(report)).toBe(report)
})

test.each(BAD_FAILURES)('%s is named when it is %o', (field, report) => {
  const said = { code: 'invalid_argument', details: expect.objectContaining({ field }) as object }
  expect(() => checkFailureReport(report as AttemptFailureReport)).toThrow(expect.objectContaining(said) as Error)
})
