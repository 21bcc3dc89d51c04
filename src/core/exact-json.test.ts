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

test.each([
  '12345678901234567890',
  '{"a":[9007199254740993,{"b":-0}],"c":"12345678901234567890"}',
  '[1.0,1e3,0.10,1E-400,-1.50]',
  '{"__proto__":{"x":1.0},"y":null}',
  '{"a":1,"b":"1.0","c":[true,false,null,"\\u2028"]}',
])('%s is written as it came', text => {
  expect(JSON.parse(JSON.stringify(parseExact(text)))).toEqual(JSON.parse(text))
  const digits = (json: string): string[] => json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d[\d.eE+-]*/g) ?? []
  expect(digits(JSON.stringify(parseExact(text)))).toEqual(digits(text))
})

test('what is no JSON throws, as ever', () => {
  expect(() => parseExact('{a:1.0}')).toThrow(SyntaxError)
})

test('ordinary numbers stay numbers', () => {
  expect(parseExact('{"a":1,"b":1.5,"c":-3}')).toEqual({ a: 1, b: 1.5, c: -3 })
})
