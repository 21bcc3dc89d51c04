import { describe, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import {
  attemptsValue,
  durationValue,
  pairValue,
  rateValue,
  timeOrAgo,
  timeValue,
  typeValue,
  wholeNumber,
} from './option-values.ts'

const number = wholeNumber('--n', 1, 500)
const duration = durationValue('--d', 1_000, 60_000)
const time = timeValue('--t')
const rate = rateValue('--r', 0.1, 1_000)
const attempts = attemptsValue('--a')
const pair = pairValue('--p')

describe('a value', () => {
  test.each<[unknown, unknown]>([
    [number('500'), 500],
    [duration('1m'), 60_000],
    [time('2026-11-29'), Date.UTC(2026, 10, 29)],
    [time('2026-11-29T14:03Z'), Date.UTC(2026, 10, 29, 14, 3)],
    [time('2026-11-29T14:03:57.5+02:00'), Date.UTC(2026, 10, 29, 12, 3, 57, 500)],
    [rate('50/s'), 50],
    [rate('50'), 50],
    [rate('30/m'), 0.5],
    [attempts('unlimited'), 'unlimited'],
    [attempts('3'), 3],
    [pair('a=b=c'), ['a', 'b=c']],
    [pair('a='), ['a', '']],
    [typeValue('send-invoice'), 'send-invoice'],
  ])('%j is read as %j', (read, expected) => {
    expect(read).toEqual(expected)
  })

  test('how long ago counts from now', () => {
    expect(Math.abs(timeOrAgo('--t')('2h') - (systemClock.nowMs() - 7_200_000))).toBeLessThan(5_000)
    expect(timeOrAgo('--t')('2026-11-29')).toBe(Date.UTC(2026, 10, 29))
  })

  test.each<[string, (text: string) => unknown, string]>([
    ['0', number, '--n is "0"; it must be a whole number from 1 to 500'],
    ['501', number, '--n is "501"'],
    ['1e2', number, '--n is "1e2"'],
    ['-1', number, '--n is "-1"'],
    ['', number, '--n is ""'],
    ['5', duration, '--d is "5"; it must be a whole number with a unit'],
    ['2m', duration, '--d is "2m"; it must be between 1s and 1m'],
    ['2026-11-29T14:03', time, '--t is "2026-11-29T14:03"; it must be a time such as'],
    ['2026-13-01', time, '--t is "2026-13-01"'],
    ['yesterday', timeOrAgo('--t'), 'or how long ago it was, such as 2h'],
    ['0/s', rate, '--r is "0/s"; it must be a rate from 0.1/s to 1000/s'],
    ['2000', rate, '--r is "2000"'],
    ['5/h', rate, '--r is "5/h"'],
    ['0', attempts, '--a is "0"'],
    ['=x', pair, '--p is "=x"; it must be name=value'],
    ['x', pair, '--p is "x"'],
    ['a.b', typeValue, 'type is "a.b"'],
  ])('%j is refused, and what it must be is said', (text, parse, why) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(why) }),
    )
  })
})
