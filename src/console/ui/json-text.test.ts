import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonMistake, memberOf, parseJsonText, prettyJson } from './json-text.ts'

test('numbers keep every digit', () => {
  const text = '{"id":9007199254740993,"rate":1.0,"big":1e400,"n":-0}'
  expect(prettyJson(parseJsonText(text)).replaceAll(/\s/g, '')).toBe(text)
})

test('two members of one name are both shown, and the last is the value', () => {
  const node = parseJsonText('{"a":1,"a":2}')
  expect(prettyJson(node)).toBe('{\n  "a": 1,\n  "a": 2\n}')
  expect(memberOf(node, 'a')).toEqual({ kind: 'number', source: '2' })
  expect(memberOf(node, 'b')).toBe(undefined)
  expect(memberOf(memberOf(node, 'a'), 'x')).toBe(undefined)
})

test('what JSON.parse reads is read alike', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(JSON.parse(prettyJson(parseJsonText(text)))).toEqual(JSON.parse(text))
    }),
  )
})

test('what JSON.parse refuses is refused', () => {
  const tokens = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '01',
    '-',
    'null',
    'nul',
    ' ',
    '"',
    '\\',
    '\n',
    '1.',
    '1e',
  )
  fc.assert(
    fc.property(fc.array(tokens, { maxLength: 8 }), parts => {
      const text = parts.join('')
      expect(reads(() => parseJsonText(text))).toBe(reads(() => JSON.parse(text)))
    }),
    { numRuns: 2_000 },
  )
})

describe('a mistake says where it is', () => {
  test.each([
    ['{\n  "a": 1,\n}', 'line 3, column 1: a name in double quotes should be here'],
    ['{"a" 1}', 'line 1, column 6: a colon should be here'],
    ['[1 2]', 'line 1, column 4: a comma or ] should be here'],
    ['{"a":1', 'line 1, column 7: a comma or } should be here'],
    ['', 'line 1, column 1: the text ends where a value should be'],
    ['1 2', 'line 1, column 3: the value has ended, and there is more'],
    ['"a\nb"', 'line 1, column 1: a string that does not end, or a wrong \\ or control character in it'],
    ['[nope]', 'line 1, column 2: no JSON value'],
  ])('%j', (text, says) => {
    expect(() => parseJsonText(text)).toThrow(JsonMistake)
    expect(() => parseJsonText(text)).toThrow(says)
  })

  test('what is too deep for a tree says so, instead of ending the page', () => {
    expect(() => parseJsonText('['.repeat(100_000))).toThrow('nested more than')
  })
})

function reads(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false
  }
}
