import { expect, test } from 'vitest'
import { LIMITS } from '../core/limits.ts'
import { ErrorTypes, OTHER_ERROR, errorType } from './error-type.ts'

test.each([
  ['a class', { name: 'TypeError' }, 'TypeError'],
  ['a code', { name: 'Error', code: 'ECONNREFUSED' }, 'ECONNREFUSED'],
  ['a code of a library', { name: 'Error', code: 'P2002' }, 'P2002'],
  ['an SQL state', { name: 'Error', code: '42P01' }, '42P01'],
  ['a number', { name: 'Error', code: '-104' }, '-104'],
  ['a status', { name: 'HttpError', code: '503' }, '503'],
  ['a code that is an id', { name: 'ApiError', code: '9007199254740993' }, 'ApiError'],
  ['a code that begins with an id', { name: 'ApiError', code: '123456-a' }, 'ApiError'],
  ['a code that is a sentence', { name: 'ApiError', code: 'no such order: 7' }, 'ApiError'],
  ['nothing that is a kind', { name: 'order 7 is missing', code: '' }, OTHER_ERROR],
  ['a long name', { name: 'x'.repeat(65) }, OTHER_ERROR],
])('%s', (_, error, expected) => expect(errorType(error)).toBe(expected))

test('figures are told of so many different ones, and of no more', () => {
  const types = new ErrorTypes()
  for (let n = 0; n < LIMITS.errorTypesMax; n++) expect(types.of({ name: `E${n}` })).toBe(`E${n}`)
  expect(types.of({ name: 'OneMore' })).toBe(OTHER_ERROR)
  expect(types.of({ name: 'E0' })).toBe('E0')
})
