import { expect, test } from 'vitest'
import { isChecked, markChecked } from './checked-activity.ts'
import { newActivity } from './new-activity.ts'

const make = () => newActivity({ type: 'work', payload: 1 }, { ids: { next: () => 'id-1' }, nowMs: 0 })

test('what newActivity made is checked, and shows nothing of it', () => {
  const activity = make()
  expect(isChecked(activity)).toBe(true)
  expect(Object.getPrototypeOf(activity)).toBe(Object.prototype)
  expect(Reflect.ownKeys(activity)).not.toContain('isChecked')
})

test.each([
  ['a copy', (): object => ({ ...make() })],
  ['a clone', (): object => structuredClone(make())],
  ['a proxy', (): object => new Proxy(make(), {})],
  ['what inherits from it', (): object => Object.create(make()) as object],
  ['what nobody marked', (): object => ({})],
])('%s is not', (_, given) => expect(isChecked(given())).toBe(false))

test('marking gives the very object back', () => {
  const made = { a: 1 }
  expect(markChecked(made)).toBe(made)
  expect(made).toStrictEqual({ a: 1 })
})
