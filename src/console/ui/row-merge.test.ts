import { expect, test } from 'vitest'
import { mergeRows } from './row-merge.ts'

const rows = (...ids: string[]) =>
  mergeRows(
    [],
    ids.map(id => ({ id, version: 1 })),
    false,
  ).rows
const newer = (...ids: string[]) => ids.map(id => ({ id, version: 2 }))
const text = ({ rows: of, waiting }: ReturnType<typeof mergeRows<{ id: string; version: number }>>) =>
  `${of.map(({ item, isGone }) => `${item.id}${item.version}${isGone ? '!' : ''}`).join(' ')} +${waiting}`

test('a list that nobody points at is the newest answer', () => {
  expect(text(mergeRows(rows('a', 'b'), newer('c', 'a'), false))).toBe('c2 a2 +0')
})

test('under the pointer nothing moves: new ones wait, old ones stay and are marked', () => {
  expect(text(mergeRows(rows('a', 'b'), newer('c', 'a'), true))).toBe('a2 b1! +1')
})

test('an empty list has nothing that could move', () => {
  expect(text(mergeRows(rows(), newer('a'), true))).toBe('a2 +0')
})
