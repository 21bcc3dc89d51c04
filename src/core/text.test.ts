import fc from 'fast-check'
import { describe as group, expect, test } from 'vitest'

import { isErrandError } from './errors.ts'
import { checkInteger, checkText, clipUtf8, describe, utf8Bytes } from './text.ts'

group('utf8Bytes', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('%j is %i bytes', (text, bytes) => expect(utf8Bytes(text)).toBe(bytes))
})

group('clipUtf8', () => {
  test.each([
    ['short', 100, 'short'],
    ['exactly6', 8, 'exactly6'],
    ['one too many', 11, 'one too …'],
    ['€€€', 9, '€€€'],
    ['€€€€', 9, '€€…'],
    ['😀😀', 7, '😀…'],
    ['😀😀', 6, '…'],
    ['abc', 2, '…'],
  ])('%j at %i bytes is %j', (text, bytes, expected) => expect(clipUtf8(text, bytes)).toBe(expected))

  test('never gives more bytes than asked for, never half a character, and always a beginning of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 3, max: 40 }), (text, bytesMax) => {
        const clipped = clipUtf8(text, bytesMax)
        expect(utf8Bytes(clipped)).toBeLessThanOrEqual(bytesMax)
        expect(clipped.isWellFormed()).toBe(true)
        if (clipped !== text) expect(text.startsWith(clipped.slice(0, -1))).toBe(true)
      }),
    )
  })
})

group('checkText', () => {
  test('gives the text back when it is within its bounds', () => {
    expect(checkText('key', 'a', 1)).toBe('a')
    expect(checkText('key', '', 1, 0)).toBe('')
  })

  test.each([
    [42, 'key is 42; it must be a string.'],
    [null, 'key is null; it must be a string.'],
    ['\ud800', 'key holds a lone surrogate; send well-formed Unicode.'],
    ['', 'key is 0 bytes; allowed are 1 to 4.'],
    ['€€', 'key is 6 bytes; allowed are 1 to 4.'],
  ])('refuses %j', (value, message) => {
    expect(() => checkText('key', value, 4)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: `[invalid_argument] ${message}` }),
    )
  })
})

group('checkInteger', () => {
  test.each([1, 2, 3])('takes %i of 1 to 3', value => expect(checkInteger('limit', value, 1, 3)).toBe(value))

  test.each([0, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', null, undefined, 2n])(
    'refuses %s of 1 to 3',
    value => {
      try {
        checkInteger('limit', value, 1, 3)
        expect.unreachable()
      } catch (error) {
        expect(isErrandError(error, 'invalid_argument')).toBe(true)
        expect(error).toHaveProperty('details.field', 'limit')
      }
    },
  )
})

group('describe', () => {
  test.each([
    [null, 'null'],
    [undefined, 'undefined'],
    ['text', '"text"'],
    ['x'.repeat(100), `"${'x'.repeat(80)}"`],
    [1.5, '1.5'],
    [true, 'true'],
    [7n, '7'],
    [[1], 'an array'],
    [{}, 'an object'],
    [() => 1, 'a function'],
    [Symbol('s'), 'a symbol'],
  ])('%s', (value, expected) => expect(describe(value)).toBe(expected))
})
