import { getRandomValues } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { uuidv7Source, uuidv7TimeMs } from './ids.ts'

const RFC_FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const MS = Date.UTC(2026, 0, 1)
const random = (into: Uint8Array): Uint8Array => getRandomValues(into)
const filled = (byte: number) => (into: Uint8Array) => into.fill(byte)

describe('uuidv7Source', () => {
  test('makes ids of the RFC form that tell their time', () => {
    const ids = uuidv7Source({ nowMs: () => MS, randomBytes: random })
    const id = ids.next()
    expect(id).toMatch(RFC_FORM)
    expect(uuidv7TimeMs(id)).toBe(MS)
  })

  test.each([
    [0x00, '019b76da-a800-7000-8000-000000000000'],
    [0xff, '019b76da-a800-77ff-bfff-ffffffffffff'],
  ])('puts version, variant and counter where the RFC has them (random bytes %i)', (byte, expected) => {
    expect(uuidv7Source({ nowMs: () => MS, randomBytes: filled(byte) }).next()).toBe(expected)
  })

  test('never repeats and always rises, also when the clock steps back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5_000, max: 50 }), { minLength: 2, maxLength: 100 }), steps => {
        let nowMs = MS
        const ids = uuidv7Source({ nowMs: () => nowMs, randomBytes: random })
        const made = steps.map(step => {
          nowMs += step
          return ids.next()
        })
        expect(made.every(id => RFC_FORM.test(id))).toBe(true)
        expect(made.toSorted()).toEqual(made)
        expect(new Set(made).size).toBe(made.length)
      }),
    )
  })

  test('goes on into the next millisecond when one is full', () => {
    const ids = uuidv7Source({ nowMs: () => MS, randomBytes: filled(0xff) })
    const made = Array.from({ length: 20_000 }, () => ids.next())
    expect(made.toSorted()).toEqual(made)
    expect(new Set(made).size).toBe(made.length)
    expect(uuidv7TimeMs(made.at(-1) ?? '')).toBe(MS + 5)
  })
})

describe('uuidv7TimeMs', () => {
  test.each([
    'order-1',
    '',
    '019b76da-a800-4000-8000-000000000000',
    '019b76da-a800-7000-c000-000000000000',
    '019B76DA-A800-7000-8000-000000000000',
  ])('knows no time for %j', id => expect(uuidv7TimeMs(id)).toBeUndefined())
})
