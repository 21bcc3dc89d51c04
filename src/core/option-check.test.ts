import { expect, test } from 'vitest'
import { ErrandError, isErrandError } from './errors.ts'
import { OptionCheck } from './option-check.ts'
import { checkText } from './text.ts'

test('good options pass and come back', () => {
  const check = new OptionCheck('Options', { size: 3 }, ['size'])
  expect(check.integer('size', 3, 1, 5)).toBe(3)
  expect(() => check.throwIfAny()).not.toThrow()
})

test('one error lists every problem and names the first field', () => {
  const check = new OptionCheck('Options', { seize: 1 }, ['size', 'name'])
  expect(check.integer('size', 9, 1, 5)).toBe(1)
  expect(check.value('', () => checkText('name', 7, 10))).toBe('')
  check.add('size and name do not fit.', 'size')
  const error = thrownBy(() => check.throwIfAny())
  expect(isErrandError(error, 'invalid_argument')).toBe(true)
  expect(error).toMatchObject({ details: { field: 'seize', problems: { length: 4 } } })
  expect(String(error)).toContain("Options: there is no option 'seize'; known are size, name. size is 9; it must be")
})

test('what is no ErrandError passes through', () => {
  const check = new OptionCheck('Options', {}, [])
  expect(() =>
    check.value(0, () => {
      throw new TypeError('a defect')
    }),
  ).toThrow(TypeError)
})

function thrownBy(call: () => void): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new ErrandError('internal', 'nothing was thrown')
}
