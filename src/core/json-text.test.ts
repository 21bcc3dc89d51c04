import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { checkJsonText, hasLoneSurrogate, isDeeperThan, jsonDepth, jsonTextOf, memberText } from './json-text.ts'
import { LIMITS } from './limits.ts'

const bounds = { field: 'payload', bytesMax: 1_000 } as const
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe('jsonTextOf', () => {
  test.each<[unknown, string]>([
    [undefined, 'null'],
    [null, 'null'],
    [0, '0'],
    ['a"b', '"a\\"b"'],
    [{ a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ a: undefined }, '{}'],
  ])('%j is %s', (value, text) => expect(jsonTextOf(value, bounds)).toBe(text))

  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    ['a circle', circle],
    ['a throwing toJSON', { toJSON: () => Object.create(null).missing() }],
  ])('refuses %s, naming the field', (_, value) => {
    expect(() => jsonTextOf(value, bounds)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(() => jsonTextOf(value, bounds)).toThrow(/^\[invalid_argument\] payload /)
    expect(() => jsonTextOf(value, { ...bounds, code: 'serialization' })).toThrow(
      expect.objectContaining({ code: 'serialization' }),
    )
  })

  test('refuses what is so deep that writing it overflows the stack, as too deep', () => {
    let deep: unknown[] = []
    for (let level = 0; level < 1_000_000; level++) deep = [deep]
    expect(() => jsonTextOf(deep, { ...bounds, bytesMax: 1e9 })).toThrow(/nested more than 128 levels/)
  })
})

describe('checkJsonText', () => {
  test('says the size of what is too large', () => {
    expect(checkJsonText(JSON.stringify('x'.repeat(998)), bounds)).toHaveLength(1_000)
    expect(() => checkJsonText(JSON.stringify('x'.repeat(999)), bounds)).toThrow(
      '[payload_too_large] payload is 1,001 bytes; the limit is 1,000. Store it elsewhere and send a reference.',
    )
    expect(() => checkJsonText(JSON.stringify('€'.repeat(400)), bounds)).toThrow('1,202 bytes')
  })

  test('takes 128 levels and refuses 129', () => {
    expect(checkJsonText(nested(LIMITS.jsonDepthMax), bounds)).toBe(nested(128))
    expect(() => checkJsonText(nested(LIMITS.jsonDepthMax + 1), bounds)).toThrow(/nested more than 128 levels/)
    expect(() => checkJsonText(nested(200), { ...bounds, code: 'serialization' })).toThrow(/^\[serialization\]/)
  })

  test.each(['\ud800', ['a', { b: '\udc00' }], { 'x\ud83d': 1 }])('refuses the lone surrogate in %j', value => {
    expect(() => jsonTextOf(value, bounds)).toThrow('[invalid_argument] payload holds a lone surrogate')
    expect(() => jsonTextOf(value, { ...bounds, code: 'serialization' })).toThrow(/^\[serialization\]/)
  })
})

describe('hasLoneSurrogate', () => {
  test.each([
    ['"\ud800"', true],
    ['"\\ud800"', true],
    ['"\\ud83d\\ude00"', false],
    ['"\\\\ud800"', false],
    ['{"a":[null,1,"\\uDFFF"]}', true],
    ['{"\\ud800":1}', true],
    ['{"a":"😀"}', false],
  ])('%j: %s', (text, expected) => expect(hasLoneSurrogate(text)).toBe(expected))
})

describe('jsonDepth', () => {
  test.each([
    ['1', 0],
    ['"[[["', 0],
    ['"\\"[["', 0],
    ['"\\\\"', 0],
    ['[]', 1],
    ['[[],[[]]]', 3],
    ['{"a":{"b":[{"]":"}"}]}}', 4],
    ['["unclosed', 1],
  ])('%s has %i levels', (text, levels) => expect(jsonDepth(text)).toBe(levels))

  test('is what the parsed value has', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), undefined, indent)
        const depth = depthOf(JSON.parse(text))
        expect(jsonDepth(text)).toBe(depth)
        for (const levels of [Math.max(0, depth - 1), depth, depth + 1])
          expect(isDeeperThan(text, levels)).toBe(depth > levels)
      }),
    )
  })

  test('is not fooled by many brackets side by side, nor by brackets in strings', () => {
    expect(isDeeperThan(`[${Array(500).fill('[],{}').join()}]`, 128)).toBe(false)
    expect(isDeeperThan(JSON.stringify('['.repeat(500)), 128)).toBe(false)
    expect(isDeeperThan('{"a":'.repeat(129), 128)).toBe(true)
  })

  test('takes a million levels without recursion', () => {
    expect(jsonDepth('['.repeat(1_000_000))).toBe(1_000_000)
  })
})

describe('memberText', () => {
  test.each([
    ['{}', 'a', undefined],
    ['[]', 'a', undefined],
    ['"a"', 'a', undefined],
    ['["a",{"a":1}]', 'a', undefined],
    ['{"a":1}', 'a', '1'],
    ['{"b":{"a":1}}', 'a', undefined],
    ['{ "a" : 12345678901234567890 , "b" : 2 }', 'a', '12345678901234567890'],
    ['{"a":1e400,"a":-0.0}', 'a', '-0.0'],
    ['{"b":"a","a":"b"}', 'a', '"b"'],
    ['{"a":{"x":1,"x":2, "a":3}}', 'a', '{"x":1,"x":2, "a":3}'],
    ['{"a":[1,{"c":":,}"}],"z":0}', 'a', '[1,{"c":":,}"}]'],
    ['{"\\u0061":"escaped name"}', 'a', '"escaped name"'],
    ['{"a":"quote \\" and \\\\"}', 'a', '"quote \\" and \\\\"'],
    ['{"":true}', '', 'true'],
    ['{"__proto__":1}', '__proto__', '1'],
  ])('of %s: %s is %s', (text, name, expected) => expect(memberText(text, name)).toBe(expected))

  test('parses to what JSON.parse gives, for every member, with and without blanks', () => {
    const objects = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 })
    fc.assert(
      fc.property(objects, fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const parsed = JSON.parse(text) as Record<string, unknown>
        for (const name of Object.keys(parsed))
          expect(JSON.parse(memberText(text, name) ?? '"none"')).toEqual(parsed[name])
        if (!Object.hasOwn(parsed, 'absent')) expect(memberText(text, 'absent')).toBeUndefined()
      }),
    )
  })
})
