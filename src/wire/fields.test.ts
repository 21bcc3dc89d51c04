import { expect, test } from 'vitest'

import { boundedJson, maxAttemptsOf, maxRetriesOf, msOf, msOrNull, textJson, timeJson, workerJson } from './fields.ts'
import { accepted } from './fields.ts'

test('times are UTC with milliseconds, and null stays null', () => {
  expect(timeJson(1)).toBe('"1970-01-01T00:00:00.001Z"')
  expect(timeJson(0)).toBe('"1970-01-01T00:00:00.000Z"')
  expect([msOrNull(undefined), msOrNull(null), msOrNull('1970-01-01T00:00:01Z')]).toEqual([null, null, 1_000])
  expect(msOf('1970-01-01T01:00:00.0019+01:00')).toBe(1)
})

test('texts are escaped, cut and made well-formed', () => {
  expect([textJson('a"b'), textJson(null), textJson(undefined)]).toEqual(['"a\\"b"', 'null', 'null'])
  expect([boundedJson('\ud800', 9), boundedJson('x'.repeat(9), 8)]).toEqual(['"\ufffd"', '"xxxxx…"'])
  expect([workerJson(null), workerJson('w')]).toEqual(['null', '"w"'])
})

test('0 retries on the wire means unlimited attempts', () => {
  expect([maxRetriesOf('unlimited'), maxRetriesOf(7), maxAttemptsOf(0), maxAttemptsOf(7)]).toEqual([
    0,
    7,
    'unlimited',
    7,
  ])
})

test('a check’s own words are the message, also when it throws something odd', () => {
  const message = (thrown: unknown): string | undefined =>
    accepted(() => {
      throw thrown
    }).safeParse('x').error?.issues[0]?.message
  expect(message(new Error('[invalid_argument] id is bad'))).toBe('id is bad')
  expect(message('odd')).toBe('odd')
})
