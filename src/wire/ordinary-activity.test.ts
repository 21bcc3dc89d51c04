import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { activityFields } from './activity-fields.ts'
import { isOrdinary } from './ordinary-activity.ts'

const PLAIN = {
  id: '019b76da-a800-7000-8000-000000000001',
  activity_type: 'send-invoice',
  priority: 'normal',
  attempt: 1,
  max_retries: 3,
  retry_count: 0,
  timeout_seconds: 30,
  retry_delay_seconds: 1,
  retry_delay_max_seconds: 3_600,
  created_at: '2026-01-01T00:00:00.000Z',
}

const times = fc.oneof(
  fc.date({ min: new Date(-1e12), max: new Date(9e14), noInvalidDate: true }).map(date => date.toISOString()),
  fc.constantFrom('2026-02-29T00:00:00.000Z', '2024-02-29T23:59:59.999Z', '2026-04-31T00:00:00.000Z'),
  fc.constantFrom('2026-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z', '2026-01-01T24:00:00.000Z'),
  fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000+01:00', '2026-13-01T00:00:00.000Z'),
)
const anything = fc.oneof(
  times,
  fc.integer({ min: -2, max: 4 }),
  fc.double(),
  fc.constantFrom(2_147_483_647, 2_147_483_648, 604_800, 604_801, 0.001, 0.0001, null, undefined, true),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('a', 'low', 'LOW', 'delay', 'x'.repeat(64), 'x'.repeat(65), 'x'.repeat(129), '..', 'a/b'),
  fc.constantFrom<unknown>([], [1], {}, { a: 'b' }, { a: 1 }, { '': 'x' }, { key: 'k' }, { key: '' }),
)

describe('an ordinary record', () => {
  test('is what our own writers put', () => {
    expect(isOrdinary(PLAIN)).toBe(true)
    expect(isOrdinary({ ...PLAIN, scheduled_at: '2026-08-30T00:00:00.000Z', metadata: { tenant: 'acme' } })).toBe(true)
  })

  test('is valid by the schema, which says the same of it', () => {
    const names = fc.constantFrom(...Object.keys(activityFields.shape))
    const changes = fc.array(fc.tuple(names, anything), { maxLength: 3 })
    let ordinary = 0
    fc.assert(
      fc.property(changes, changed => {
        const fields = { ...PLAIN, ...Object.fromEntries(changed) }
        if (!isOrdinary(fields)) return
        ordinary += 1
        const parsed = activityFields.safeParse(fields)
        expect(parsed.error).toBeUndefined()
        expect(parsed.data).toEqual(fields)
      }),
      { numRuns: 20_000 },
    )
    expect(ordinary).toBeGreaterThan(1_000)
  })

  test('is never one that the schema refuses for its time', () => {
    fc.assert(
      fc.property(times, created_at => {
        const isValid = activityFields.safeParse({ ...PLAIN, created_at }).success
        if (!isValid) expect(isOrdinary({ ...PLAIN, created_at })).toBe(false)
      }),
      { numRuns: 5_000 },
    )
  })
})
