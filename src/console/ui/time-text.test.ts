import { expect, test } from 'vitest'
import { counted, exactText, relativeText, spanText } from './time-text.ts'

test.each([
  [-5, '0 ms'],
  [0, '0 ms'],
  [350, '350 ms'],
  [999.6, '1000 ms'],
  [1_000, '1 s'],
  [2_500, '2.5 s'],
  [40_000, '40 s'],
  [61_000, '1 min 1 s'],
  [7_500_000, '2 h 5 min'],
  [86_400_000, '1 d'],
  [90_000_000, '1 d 1 h'],
])('%d ms are %s', (ms, text) => expect(spanText(ms)).toBe(text))

test.each([
  [999, 'now'],
  [-999, 'now'],
  [40_000, 'in 40 s'],
  [-180_000, '3 min ago'],
])('%d ms from now is %s', (ms, text) => expect(relativeText(1_000_000 + ms, 1_000_000)).toBe(text))

test('the exact time has milliseconds and UTC', () => {
  expect(exactText(Date.UTC(2026, 10, 29, 14, 3, 57, 7))).toMatch(/:57\.007 local · 2026-11-29T14:03:57\.007Z$/)
})

test('one is one', () => {
  expect([counted(1, 'activity', 'activities'), counted(1_200, 'row')]).toEqual(['1 activity', '1,200 rows'])
})
