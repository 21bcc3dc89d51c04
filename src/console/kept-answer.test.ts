import { expect, test } from 'vitest'
import { ErrandError } from '../core/errors.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { KeptAnswer } from './kept-answer.ts'

test('many who ask at once, or within a second, are answered by one look', async () => {
  const clock = new ManualClock()
  let asked = 0
  const kept = new KeptAnswer({ clock, keptMs: 1_000, ask: async () => ++asked })
  const answers = await Promise.all([kept.get(), kept.get(), kept.get()])
  expect(answers.map(({ value }) => value)).toEqual([1, 1, 1])
  await clock.advance(999)
  expect((await kept.get()).value).toBe(1)
  await clock.advance(1)
  expect(await kept.get()).toEqual({ value: 2, asOfMs: clock.nowMs(), trouble: null })
})

test('when it cannot be had the last one is given, with its age and what is wrong; the first failure is told', async () => {
  const clock = new ManualClock()
  let isAway = true
  const ask = async (): Promise<string> => {
    if (isAway) throw new ErrandError('unavailable', 'redis:6379 does not answer')
    return 'well'
  }
  const kept = new KeptAnswer({ clock, keptMs: 1_000, ask })
  await expect(kept.get()).rejects.toThrow('redis:6379')
  isAway = false
  const asOfMs = clock.nowMs()
  expect(await kept.get()).toMatchObject({ value: 'well', asOfMs, trouble: null })
  isAway = true
  await clock.advance(5_000)
  expect(await kept.get()).toEqual({ value: 'well', asOfMs, trouble: 'redis:6379 does not answer' })
  isAway = false
  expect(await kept.get()).toEqual({ value: 'well', asOfMs: clock.nowMs(), trouble: null })
})
