import { expect, test } from 'vitest'
import { COUNT_STEPS, shownTimes, TIME_STEPS_S } from './chart-scale.ts'

test('lines stand on whole counts and whole minutes', () => {
  expect(COUNT_STEPS.every(Number.isInteger)).toBe(true)
  expect(COUNT_STEPS.slice(0, 5)).toEqual([1, 2, 5, 10, 20])
  expect(TIME_STEPS_S.every(step => step % 60 === 0)).toBe(true)
})

test('at the start ten minutes are shown, later all that there is', () => {
  expect(shownTimes(null, null, 5_000)).toEqual([4_400, 5_000])
  expect(shownTimes(6_000, 6_000, 9_999)).toEqual([5_400, 6_000])
  expect(shownTimes(6_000, 9_600, 9_999)).toEqual([6_000, 9_600])
})
