import { describe, expect, test } from 'vitest'

import { RESERVED_TYPES, checkId, checkNamespace, checkType } from './names.ts'

const odd: unknown[] = [undefined, null, 1, {}, ['a'], '', ' a', 'a ', 'a\n', 'é', 'a/b', 'a{b}', 'a\u0000']

describe('checkNamespace', () => {
  test.each(['a', '0', 'shop-1', 'x'.repeat(32)])('takes %s', name => expect(checkNamespace(name)).toBe(name))
  test.each([...odd, 'A', '-a', 'a_b', 'a.b', 'x'.repeat(33)])('refuses %j', name => {
    expect(() => checkNamespace(name)).toThrow(/^\[invalid_argument\] namespace is /)
  })
})

describe('checkType', () => {
  test.each(['a', 'Send-Invoice_2', 'x'.repeat(64)])('takes %s', type => expect(checkType(type)).toBe(type))
  test.each([...odd, '1a', '-a', 'a.b', 'x'.repeat(65)])('refuses %j', type => {
    expect(() => checkType(type)).toThrow(/^\[invalid_argument\] type is /)
  })
  test.each(RESERVED_TYPES)('refuses %s, which is our own', type => {
    expect(() => checkType(type)).toThrow(/Errand's own/)
  })
})

describe('checkId', () => {
  test.each(['a', '0', 'order:1~2.3_4-5', 'x'.repeat(128)])('takes %s', id => expect(checkId(id)).toBe(id))
  test.each([...odd, '.a', '-a', 'x'.repeat(129)])('refuses %j', id => {
    expect(() => checkId(id)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
  test('echoes no more than the beginning of a bad id', () => {
    expect(() => checkId('!'.repeat(10_000))).toThrow(/^.{1,400}$/)
  })
})
