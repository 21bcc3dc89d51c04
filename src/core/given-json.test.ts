import { expect, test } from 'vitest'
import type { StoredResult } from './activity.ts'
import { checkGivenJson, checkResultJson, checkStoredResult } from './given-json.ts'
import { LIMITS } from './limits.ts'
import { BAD_RESULTS } from '../../test/support/bad-inputs.ts'

const stored = (change: object): StoredResult => ({ state: 'ok', dataJson: '1', atMs: 0, ...change })

test.each(['1', ' [1] ', '"\\ud83d\\ude00"', '1e400', '{"a":1,"a":2}'])('%s is taken as it is', text => {
  expect(checkGivenJson(text, { field: 'x', bytesMax: 100 })).toBe(text)
  expect(checkResultJson(text)).toBe(text)
  expect(checkStoredResult(stored({ dataJson: text }))).toEqual(stored({ dataJson: text }))
})

test.each([null, undefined])('%s is no result', text => expect(checkResultJson(text)).toBeNull())

test.each(BAD_RESULTS)('a result that is %s is refused', (_, make, code) => {
  const said = { code, details: expect.objectContaining({ field: 'result' }) as object }
  expect(() => checkResultJson(make() as string)).toThrow(expect.objectContaining(said) as Error)
  expect(() => checkStoredResult(stored({ dataJson: make() }))).toThrow(expect.objectContaining(said) as Error)
})

test('without a word for it, what is no JSON is an invalid argument', () => {
  const bounds = { field: 'payload', bytesMax: LIMITS.payloadBytesMax }
  const said = { code: 'invalid_argument', details: { field: 'payload' } }
  for (const text of ['', '{', undefined])
    expect(() => checkGivenJson(text, bounds)).toThrow(expect.objectContaining(said) as Error)
})

test.each([
  ['result', null],
  ['result', 'ok'],
  ['result.state', stored({ state: 'done' })],
  ['result.atMs', stored({ atMs: Number.NaN })],
  ['result.atMs', stored({ atMs: -1 })],
  ['result.atMs', stored({ atMs: LIMITS.timeMsMax + 1 })],
])('%s is named when a stored result is %o', (field, result) => {
  const said = { code: 'invalid_argument', details: expect.objectContaining({ field }) as object }
  expect(() => checkStoredResult(result as StoredResult)).toThrow(expect.objectContaining(said) as Error)
})
