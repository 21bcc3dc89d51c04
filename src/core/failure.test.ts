import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { RecordedFailure } from './activity.ts'
import { cancelledFailure, failureFingerprint, leaseExpiredFailure, recordFailure } from './failure.ts'
import { LIMITS } from './limits.ts'
import { utf8Bytes } from './text.ts'

const throwing = Object.defineProperties(
  {},
  Object.fromEntries(
    ['name', 'message', 'stack', 'code', 'cause', 'toJSON'].map(key => [
      key,
      {
        enumerable: true,
        get: () => {
          throw new Error(`no ${key}`)
        },
      },
    ]),
  ),
)

describe('recordFailure', () => {
  test('records name, message, stack, code and cause of an error', () => {
    const cause = Object.assign(new TypeError('below'), { code: 42 })
    const error = Object.assign(new RangeError('above', { cause }), { code: 'E_RANGE' })
    expect(recordFailure(error)).toEqual({
      name: 'RangeError',
      message: 'above',
      stack: error.stack,
      code: 'E_RANGE',
      cause: { name: 'TypeError', message: 'below', code: '42' },
    })
  })

  const nothing = Object.create(null) as unknown
  test.each<[string, unknown, RecordedFailure]>([
    ['null', null, { name: 'NonError', message: 'null' }],
    ['undefined', undefined, { name: 'NonError', message: 'undefined' }],
    ['a string', 'no', { name: 'NonError', message: 'no' }],
    ['a bigint', 7n, { name: 'NonError', message: '7' }],
    ['a symbol', Symbol('s'), { name: 'NonError', message: 'Symbol(s)' }],
    ['an object', { a: 1 }, { name: 'Error', message: '{"a":1}' }],
    ['an object with a bigint', { a: 1n }, { name: 'Error', message: 'a value that cannot be shown' }],
    ['an object without a prototype', nothing, { name: 'Error', message: '{}' }],
    ['throwing getters', throwing, { name: 'Error', message: 'a value that cannot be shown' }],
    ['a toJSON that says nothing', { toJSON: () => undefined }, { name: 'Error', message: '{}' }],
    [
      'fields of other types',
      { name: 1, message: 2, stack: 3, code: {} },
      { name: 'Error', message: '{"name":1,"message":2,"stack":3,"code":{}}' },
    ],
    ['lone surrogates', { name: 'a\ud800', message: '\udc00' }, { name: 'a\ufffd', message: '\ufffd' }],
  ])('records %s', (_, thrown, expected) => expect(recordFailure(thrown)).toEqual(expected))

  test('cuts a chain of ten thousand causes', () => {
    let error = new Error('deepest')
    for (let depth = 0; depth < 10_000; depth++) error = new Error(`level ${depth}`, { cause: error })
    let causes = 0
    for (let at = recordFailure(error).cause; at !== undefined; at = at.cause) causes += 1
    expect(causes).toBe(LIMITS.failureCausesMax)
  })

  test('cuts an error that causes itself', () => {
    const error: Error & { cause?: unknown } = new Error('x')
    error.cause = error
    expect(JSON.stringify(recordFailure(error)).length).toBeLessThan(LIMITS.failureBytesMax)
  })

  test('cuts a message of 50 MB', () => {
    const recorded = recordFailure(new Error('€'.repeat(17_000_000)))
    expect(utf8Bytes(recorded.message)).toBeLessThanOrEqual(LIMITS.failureMessageBytesMax)
    expect(utf8Bytes(recorded.stack ?? '')).toBeLessThanOrEqual(LIMITS.failureStackBytesMax)
    expect(recorded.message.endsWith('€…')).toBe(true)
  })

  test('never throws, gives JSON, and changes nothing when it records its own record', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }), thrown => {
        const recorded = recordFailure(thrown)
        expect(JSON.parse(JSON.stringify(recorded))).toEqual(recorded)
        expect(recordFailure(recorded)).toEqual(recorded)
      }),
    )
  })
})

describe('failureFingerprint', () => {
  const print = (message: string, stack = '', name = 'Error', code?: string): string =>
    failureFingerprint({ name, message, stack, ...(code === undefined ? {} : { code }) })

  test('is 16 hex digits, the same every time', () => {
    expect(print('x')).toMatch(/^[0-9a-f]{16}$/)
    expect(failureFingerprint({ name: 'Error', message: 'x' })).toBe(print('x'))
  })

  test.each([
    ['order 17 not found', 'order 4711 not found'],
    ['no row 019b76da-a800-7000-8000-000000000000', 'no row 019b76da-a800-7fff-8000-00000000abcd'],
    ['cannot read "a"', "cannot read 'bcd'"],
    ['at 0xdeadbeef', 'at 0x12'],
  ])('takes %j and %j as one kind', (one, other) => expect(print(one)).toBe(print(other)))

  test('tells class, code, wording and place apart', () => {
    const at = (where: string): string => `Error: x\n    at ${where} (/app/${where}.ts:1:2)`
    const prints = [
      print('x'),
      print('y'),
      print('x', '', 'TypeError'),
      print('x', '', 'Error', 'E1'),
      print('x', at('a')),
      print('x', at('b')),
    ]
    expect(new Set(prints).size).toBe(prints.length)
  })

  test('does not look at lines, nor at frames of others', () => {
    const stack = (line: number, foreign: string): string =>
      `Error: x\n    at f (/app/f.ts:${line}:7)\n    at g (/app/node_modules/${foreign}.js:1:1)\n    at node:internal/${foreign}:5:5`
    expect(print('x', stack(1, 'a'))).toBe(print('x', stack(99, 'b')))
  })
})

test('failures of our own making name what happened', () => {
  expect(leaseExpiredFailure('pod-1')).toMatchObject({
    name: 'LeaseExpired',
    code: 'lease_expired',
    message: expect.stringContaining('pod-1'),
  })
  expect(leaseExpiredFailure(null).message).toContain('the worker neither')
  expect(cancelledFailure('not needed')).toEqual({ name: 'Cancelled', message: 'not needed', code: 'cancelled' })
  expect(cancelledFailure(null).message).toBe('cancelled')
})
