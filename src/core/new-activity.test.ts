import { describe, expect, test } from 'vitest'

import { LIMITS } from './limits.ts'
import type { ActivitySpec } from './new-activity.ts'
import { checkBehavior, checkMaxAttempts, checkMetadata, newActivity } from './new-activity.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const make = (spec: Partial<ActivitySpec> = {}) =>
  newActivity({ type: 'send-email', payload: { to: 'a' }, ...spec }, { ids: { next: () => 'id-1' }, nowMs: NOW_MS })

test('needs only type and payload', () => {
  expect(make()).toEqual({
    id: 'id-1',
    type: 'send-email',
    priority: 'normal',
    payloadJson: '{"to":"a"}',
    attempt: 1,
    retryCount: 0,
    maxAttempts: 3,
    timeoutMs: 30_000,
    retryDelayMs: 1_000,
    retryDelayMaxMs: 3_600_000,
    createdAtMs: NOW_MS,
    scheduledAtMs: null,
    metadata: {},
    key: null,
    trace: null,
    attemptTraceparent: null,
    parentId: null,
    redriveOf: null,
    failures: [],
  })
})

test('keeps what it is given', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const given = {
    id: 'mine',
    priority: 'low',
    maxAttempts: 'unlimited',
    timeoutMs: 1,
    retryDelayMs: 0,
    retryDelayMaxMs: 0,
    metadata: { tenant: 'a', empty: '' },
    parentId: 'p',
    redriveOf: 'r',
  } as const
  expect(make({ ...given, key: 'k', onDuplicate: 'no_reuse', trace: { traceparent } })).toMatchObject({
    ...given,
    key: { key: 'k', onDuplicate: 'no_reuse' },
    trace: { traceparent },
  })
  expect(make({ key: 'k' }).key).toEqual({ key: 'k', onDuplicate: 'return_existing' })
  expect(make({ payload: undefined }).payloadJson).toBe('null')
})

test('drops a trace context that is none', () => {
  expect(make({ trace: { traceparent: 'x'.repeat(1_000_000) } }).trace).toBeNull()
})

test('keeps a metadata entry named __proto__ like any other', () => {
  const metadata = JSON.parse('{"__proto__":"x"}') as Record<string, string>
  expect(Object.entries(make({ metadata }).metadata)).toEqual([['__proto__', 'x']])
})

describe('when it is due', () => {
  test.each<[string, Partial<ActivitySpec>, number | null]>([
    ['a delay', { delayMs: 5 }, NOW_MS + 5],
    ['no delay', { delayMs: 0 }, null],
    ['a time ahead', { scheduledAt: new Date(NOW_MS + 1) }, NOW_MS + 1],
    ['now', { scheduledAt: new Date(NOW_MS) }, NOW_MS],
    ['the past, which is for the storage to see', { scheduledAt: new Date(0) }, 0],
    ['thirty years ahead', { scheduledAt: new Date(Date.UTC(2056, 0, 1)) }, Date.UTC(2056, 0, 1)],
  ])('%s', (_, spec, dueAtMs) => expect(make(spec).scheduledAtMs).toBe(dueAtMs))
})

describe('refuses, naming the field', () => {
  const entries = (count: number, text = 'v') =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, text]))
  test.each<[string, object]>([
    ['type', { type: 'a.b' }],
    ['id', { id: 'a b' }],
    ['priority', { priority: 'urgent' }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: LIMITS.timeoutMsMax + 1 }],
    ['retryDelayMs', { retryDelayMs: -1 }],
    ['retryDelayMaxMs', { retryDelayMaxMs: 1.5 }],
    ['delayMs', { delayMs: -1 }],
    ['scheduledAt', { delayMs: 1, scheduledAt: new Date(NOW_MS) }],
    ['scheduledAt', { scheduledAt: new Date(Number.NaN) }],
    ['scheduledAt', { scheduledAt: new Date(-1) }],
    ['scheduledAt', { scheduledAt: '2026-01-01' }],
    ['maxAttempts', { maxAttempts: null }],
    ['timeoutMs', { timeoutMs: null }],
    ['scheduledAt', { scheduledAt: new Date(NOW_MS + LIMITS.scheduleAheadMsMax + 1) }],
    ['key', { key: '' }],
    ['key', { key: 'x'.repeat(513) }],
    ['onDuplicate', { key: 'k', onDuplicate: 'replace' }],
    ['onDuplicate', { onDuplicate: 'no_reuse' }],
    ['parentId', { parentId: '' }],
    ['redriveOf', { redriveOf: '!' }],
    ['metadata', { metadata: null }],
    ['metadata', { metadata: [] }],
    ['metadata', { metadata: 'x' }],
    ['metadata', { metadata: new Map([['a', 'b']]) }],
    ['metadata', { metadata: entries(65) }],
    ['metadata', { metadata: entries(5, 'x'.repeat(4_000)) }],
    ['metadata.a', { metadata: { a: 1 } }],
    ['metadata.a', { metadata: { a: 'x'.repeat(4_097) } }],
    ['metadata key', { metadata: { '': 'x' } }],
  ])('%s in %j', (field, spec) => {
    const refused = expect.objectContaining({
      code: 'invalid_argument',
      message: expect.stringContaining(`] ${field} `),
    })
    expect(() => make(spec)).toThrow(refused)
  })

  test('metadata that throws when it is looked at, and a payload that throws what cannot be', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const thrower = {
      toJSON() {
        throw proxy
      },
    }
    for (const [field, spec] of [
      ['metadata', { metadata: proxy }],
      ['scheduledAt', { scheduledAt: proxy as Date }],
      ['scheduledAt', { scheduledAt: Object.create(Date.prototype) as Date }],
      ['scheduledAt', { scheduledAt: Object.create(null) as Date }],
      ["payload of 'send-email'", { payload: thrower }],
    ] as const) {
      const details = expect.objectContaining({ field }) as object
      expect(() => make(spec)).toThrow(expect.objectContaining({ code: 'invalid_argument', details }))
    }
  })

  test('a payload that is no JSON', () => {
    expect(() => make({ payload: 1n })).toThrow(/^\[invalid_argument\] payload of 'send-email' cannot/)
  })

  test('a payload that is too large, as payload_too_large', () => {
    expect(() => make({ payload: 'x'.repeat(LIMITS.payloadBytesMax) })).toThrow(
      expect.objectContaining({ code: 'payload_too_large' }),
    )
  })
})

test('the checks that others use stand alone', () => {
  expect(checkMaxAttempts(undefined)).toBe(3)
  expect(checkMaxAttempts('unlimited')).toBe('unlimited')
  expect(checkBehavior('allow_reuse')).toBe('allow_reuse')
  expect(checkMetadata(undefined)).toEqual({})
})

test.each([Number.NaN, -1, LIMITS.timeMsMax + 1])('a clock that says %d is not written down', nowMs => {
  const made = (): unknown => newActivity({ type: 'work', payload: 1 }, { ids: { next: () => 'id-1' }, nowMs })
  expect(made).toThrow(/nowMs is/)
})

test('an id that its source made up is checked like any other', () => {
  const made = (): unknown => newActivity({ type: 'work', payload: 1 }, { ids: { next: () => 'a b' }, nowMs: 0 })
  expect(made).toThrow(/id is "a b"/)
})
