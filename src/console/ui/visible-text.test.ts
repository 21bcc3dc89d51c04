import { expect, test } from 'vitest'
import { parseJsonText, prettyJson } from './json-text.ts'
import { visibleText } from './visible-text.ts'

test('what turns the direction of writing is shown as an escape, everything else as it is', () => {
  expect(visibleText('pay \u202e001\u202c to \u2066x\u2069')).toBe('pay \\u202e001\\u202c to \\u2066x\\u2069')
  expect(visibleText('שלום, 你好 😀 \u2065')).toBe('שלום, 你好 😀 \u2065')
})

test('JSON with such characters stays the same value', () => {
  const value = { 'a\u202eb': 'c\u2067d' }
  const text = prettyJson(parseJsonText(JSON.stringify(value)))
  expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
  expect(JSON.parse(text)).toEqual(value)
})
