import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DiffLine } from './line-diff.ts'
import { changedPart, lineDiff } from './line-diff.ts'

const shown = (lines: readonly (DiffLine | null)[]): string[] =>
  lines.map(line => (line === null ? '…' : { same: ' ', out: '-', in: '+' }[line.change] + line.text))

test.each([
  ['a\nb\nc', 'a\nx\nc', [' a', '-b', '+x', ' c']],
  ['a', 'a', [' a']],
  ['a\nb', 'b\na', ['-a', ' b', '+a']],
  ['a\na', 'a', [' a', '-a']],
])('%j to %j', (before, after, lines) => expect(shown(lineDiff(before, after))).toEqual(lines))

test('what is taken out is the text before, what is put in the text after', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map(lines => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDiff(before, after)
      const of = (change: DiffLine['change']): string =>
        lines
          .filter(line => line.change !== change)
          .map(line => line.text)
          .join('\n')
      expect([of('in'), of('out')]).toEqual([before, after])
    }),
  )
})

test('two long texts without anything in common are not compared for minutes', () => {
  const long = (word: string): string => Array.from({ length: 3_000 }, (_, at) => `${word}${at}`).join('\n')
  expect(lineDiff(long('a'), long('b'))).toHaveLength(6_000)
})

test('what is far from a change is left out', () => {
  const before = Array.from({ length: 20 }, (_, at) => String(at)).join('\n')
  const after = before.replace('\n10\n', '\nten\n')
  expect(shown(changedPart(lineDiff(before, after), 1))).toEqual(['…', ' 9', '-10', '+ten', ' 11', '…'])
})
