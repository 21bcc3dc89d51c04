import { expect, test } from 'vitest'
import { progressText, settledOf } from './operation-progress.ts'

const stopped = { state: 'cancelled', done: 11, already: 0, failed: 0, left: 22, perSecond: null } as const

test('one that was stopped says what it has not done, and is not complete', () => {
  expect(settledOf(stopped)).toEqual({ settled: 11, total: 33 })
  expect(progressText(stopped)).toBe('11 settled of 33: 11 done, 0 had nothing to do, 0 failed; 22 not done')
})

test('one that runs says what is left, and how long that takes', () => {
  expect(progressText({ ...stopped, state: 'running', perSecond: 2 })).toBe(
    '11 settled of 33: 11 done, 0 had nothing to do, 0 failed; 2.0 a second; 22 left, about 11 s more',
  )
  expect(progressText({ ...stopped, state: 'completed', left: 0 })).toBe(
    '11 settled of 11: 11 done, 0 had nothing to do, 0 failed',
  )
})
