import { describe, expect, test } from 'vitest'

import {
  ERROR_CODES,
  ERROR_TABLE,
  ErrandError,
  NonRetryableError,
  RetryAfterError,
  fromUnknown,
  invariant,
  isErrandError,
  isNonRetryable,
  isRetryAfter,
  unreachable,
} from './errors.ts'

describe('ErrandError', () => {
  test('carries code, details and cause, with the code in front of the text', () => {
    const cause = new Error('below')
    const error = new ErrandError('conflict', 'twice', { details: { id: 'a' }, cause })
    expect(error).toMatchObject({ name: 'ErrandError', code: 'conflict', details: { id: 'a' }, cause })
    expect(error.message).toBe('[conflict] twice')
  })

  test('has no cause property when there is none, and empty details', () => {
    const error = new ErrandError('timeout', 'late')
    expect(Object.hasOwn(error, 'cause')).toBe(false)
    expect(error.details).toEqual({})
  })

  test('does not show its brand', () => {
    expect(JSON.stringify(new ErrandError('timeout', 'late'))).toBe(
      '{"name":"ErrandError","code":"timeout","details":{}}',
    )
  })
})

test('every code has a line in the table', () => {
  expect(Object.keys(ERROR_TABLE)).toEqual([...ERROR_CODES])
})

describe('guards', () => {
  const ours = new ErrandError('timeout', 'late')
  const final = new NonRetryableError('no lines', { cause: ours })
  const later = new RetryAfterError({ delayMs: 5 })

  test('isErrandError knows its own, and the code when asked', () => {
    expect(isErrandError(ours)).toBe(true)
    expect(isErrandError(ours, 'timeout')).toBe(true)
    expect(isErrandError(ours, 'conflict')).toBe(false)
  })

  test.each([final, later, new Error('x'), null, undefined, 'text', {}])('isErrandError is false for %s', value => {
    expect(isErrandError(value)).toBe(false)
  })

  test('of what lets nobody look they are false', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect([isErrandError(proxy), isNonRetryable(proxy), isRetryAfter(proxy)]).toEqual([false, false, false])
    expect(fromUnknown(proxy, 'unavailable').message).toBe('[unavailable] a value that cannot be shown')
  })

  test('handlers words are told apart', () => {
    expect([isNonRetryable(final), isNonRetryable(later), isNonRetryable(ours), isNonRetryable(null)]).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect([isRetryAfter(later), isRetryAfter(final), isRetryAfter('x')]).toEqual([true, false, false])
  })

  test('agree with an error of another installed copy, which shares only the brand', () => {
    const foreign = Object.defineProperty(new Error('x'), Symbol.for('errand.error'), { value: 'ErrandError' })
    expect(isErrandError(Object.assign(foreign, { code: 'timeout' }), 'timeout')).toBe(true)
  })

  test('handlers words keep cause, message and delay', () => {
    expect(final).toMatchObject({ name: 'NonRetryableError', message: 'no lines', cause: ours })
    expect(new NonRetryableError('x').cause).toBeUndefined()
    expect(later).toMatchObject({ name: 'RetryAfterError', message: 'retry after 5 ms', delayMs: 5 })
    expect(new RetryAfterError({ delayMs: 1, message: 'busy', cause: ours })).toMatchObject({
      message: 'busy',
      cause: ours,
    })
  })
})

describe('fromUnknown', () => {
  test('lets an ErrandError pass as it is', () => {
    const error = new ErrandError('conflict', 'x')
    expect(fromUnknown(error, 'internal')).toBe(error)
  })

  test.each<[unknown, string]>([
    [new TypeError('bad'), 'bad'],
    ['text', 'text'],
    [null, 'null'],
    [Object.create(null), 'a value that cannot be shown'],
  ])('translates %s', (thrown, said) => {
    expect(fromUnknown(thrown, 'unavailable')).toMatchObject({ code: 'unavailable', cause: thrown })
    expect(fromUnknown(thrown, 'unavailable').message).toBe(`[unavailable] ${said}`)
    expect(fromUnknown(thrown, 'unavailable', 'Kafka').message).toBe(`[unavailable] Kafka: ${said}`)
  })

  test('translates the words of handlers too', () => {
    expect(fromUnknown(new NonRetryableError('x'), 'internal')).toMatchObject({ code: 'internal' })
  })
})

test('invariant and unreachable are internal', () => {
  expect(() => invariant(true, 'x')).not.toThrow()
  expect(() => invariant(0, 'one is one')).toThrow('[internal] invariant broken: one is one')
  // @ts-expect-error nothing is assignable to never
  expect(() => unreachable('odd')).toThrow('[internal] unexpected value "odd"')
})
