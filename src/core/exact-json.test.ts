import { expect, test } from 'vitest'
import { parseExact } from './exact-json.ts'

test.each([
  ['{"a":1}'],
  ['9007199254740993'],
  ['[12345678901234567890, -0, 1.0, 1e3, 0.1]'],
  ['{"text":"12345678901234567890","deep":[{"n":1.10}]}'],
  ['null'],
])('%s comes back with every digit', text => {
  expect(JSON.stringify(parseExact(text))).toBe(text.replaceAll(', ', ','))
})

test('what is no JSON is refused as JSON.parse refuses it', () => {
  expect(() => parseExact('{"a":12345678901234567890')).toThrow(SyntaxError)
  expect(() => parseExact('{a}')).toThrow(SyntaxError)
})
