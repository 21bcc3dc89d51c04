import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Activity, AttemptFailure } from '../core/activity.ts'
import { DUPLICATE_BEHAVIORS } from '../core/activity.ts'
import { isErrandError } from '../core/errors.ts'
import { memberText } from '../core/json-text.ts'
import { LIMITS } from '../core/limits.ts'
import { newActivity } from '../core/new-activity.ts'
import { PRIORITIES } from '../core/priority.ts'
import { decodeActivity, encodeActivity, readActivity } from './activity-record.ts'

const MINIMAL = '{"v":1,"id":"a","activity_type":"t","created_at":"2026-01-01T00:00:00Z","payload":{"n":1}}'
const minimal = (more: string): string => MINIMAL.replace('"v":1', `"v":1,${more}`)
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

/** What decoding says, in one word or as the activity: to compare two ways of reading. */
function verdict(text: string): unknown {
  try {
    return decodeActivity(text)
  } catch (error) {
    return isErrandError(error, 'serialization') ? error.details['reason'] : error
  }
}

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:~-]{0,30}$/)
const anyText = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const time = fc.integer({ min: 0, max: Date.UTC(2199, 0, 1) })
const payloads = fc.oneof(
  fc.json({ maxDepth: 5 }),
  fc.constantFrom(
    'null',
    '""',
    '12345678901234567890',
    '1e400',
    '-0.0',
    '{"a":1,"a":2}',
    '[ 1 , 2 ]',
    '{"payload":1,"v":2}',
    '{"x":",\\"payload\\":"}',
    nested(LIMITS.jsonDepthMax),
  ),
)
const failure: fc.Arbitrary<AttemptFailure> = fc.record(
  {
    attempt: fc.integer({ min: 1, max: 9 }),
    atMs: time,
    name: anyText(20),
    message: anyText(100),
    worker: anyText(20),
  },
  { requiredKeys: ['attempt', 'atMs', 'name', 'message'] },
)
const hex = (length: number) => fc.stringMatching(new RegExp(`^[1-9a-f]{${length}}$`))
const trace = fc
  .tuple(hex(32), hex(16), fc.option(fc.stringMatching(/^[ -~]{1,40}$/), { nil: undefined }))
  .map(([id, span, tracestate]) => ({
    traceparent: `00-${id}-${span}-01`,
    ...(tracestate === undefined ? {} : { tracestate }),
  }))
const activities: fc.Arbitrary<Activity> = fc.record({
  id: word,
  type: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{7,20}$/).filter(type => type !== 'scheduler'),
  priority: fc.constantFrom(...PRIORITIES),
  payloadJson: payloads,
  attempt: fc.integer({ min: 1, max: LIMITS.attemptsMax }),
  retryCount: fc.nat(LIMITS.attemptsMax),
  maxAttempts: fc.oneof(fc.constant('unlimited' as const), fc.integer({ min: 1, max: LIMITS.attemptsMax })),
  timeoutMs: fc.integer({ min: LIMITS.timeoutMsMin, max: LIMITS.timeoutMsMax }),
  retryDelayMs: fc.maxSafeNat().map(ms => ms % (LIMITS.retryDelayMsMax + 1)),
  retryDelayMaxMs: fc.maxSafeNat().map(ms => ms % (LIMITS.retryDelayMsMax + 1)),
  createdAtMs: time,
  scheduledAtMs: fc.option(time),
  metadata: fc.dictionary(
    anyText(10).filter(name => name !== ''),
    anyText(30),
    { maxKeys: 5 },
  ),
  key: fc.option(
    fc.record({ key: anyText(40).filter(key => key !== ''), onDuplicate: fc.constantFrom(...DUPLICATE_BEHAVIORS) }),
  ),
  trace: fc.option(trace),
  attemptTraceparent: fc.option(trace.map(({ traceparent }) => traceparent)),
  parentId: fc.option(word),
  redriveOf: fc.option(word),
  failures: fc.array(failure, { maxLength: LIMITS.failureHistoryMax }),
})

describe('an activity record', () => {
  test('comes back as it was written, from bytes and from text', () => {
    fc.assert(
      fc.property(activities, activity => {
        const text = encodeActivity(activity)
        const expected = { ...activity, payloadJson: activity.payloadJson.trim() }
        expect(decodeActivity(text)).toEqual(expected)
        expect(decodeActivity(bytes(text))).toEqual(expected)
        expect(() => JSON.parse(text) as unknown).not.toThrow()
      }),
    )
  })

  test('says the same whatever the order of its fields and the blanks between them', () => {
    fc.assert(
      fc.property(
        activities,
        fc.infiniteStream(fc.nat()),
        fc.constantFrom('', ' ', '\n\t'),
        (activity, picks, blank) => {
          const text = encodeActivity(activity)
          const names = Object.keys(JSON.parse(text) as object)
          const members: string[] = []
          while (names.length > 0) {
            const [name = ''] = names.splice((picks.next().value ?? 0) % names.length, 1)
            members.push(`${JSON.stringify(name)}${blank}:${blank}${memberText(text, name)}`)
          }
          expect(decodeActivity(`${blank}{${members.join(`${blank},`)}}${blank}`)).toEqual(decodeActivity(text))
        },
      ),
    )
  })

  // A blank at the end turns the quick way off.
  test('is judged the same by the quick way and by the general one, also when it is damaged', () => {
    const damage = fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', '1', 'a', ' ', ',"payload":', '"payload":1,'),
      ),
      {
        maxLength: 3,
      },
    )
    fc.assert(
      fc.property(activities, damage, (activity, edits) => {
        let text = encodeActivity(activity)
        for (const [at, removed, inserted] of edits) {
          const from = at % text.length
          text = text.slice(0, from) + inserted + text.slice(from + removed)
        }
        expect(verdict(text)).toEqual(verdict(`${text} `))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['{,"payload":1}', 'not_json'],
    ['{"v":1,"a":{"b":1,"payload":2}}', 'invalid'],
    ['{"v":1,"payload":1}}', 'not_json'],
    ['{"v":1,"payload":}', 'not_json'],
  ])('%s is %s by both ways', (text, reason) => {
    expect([verdict(text), verdict(`${text} `)]).toEqual([reason, reason])
  })

  test.each(['12345678901234567890', '1e400', '{"a":1,"a":2}', '[1, 2,\t3]', '"\\u00e9\\/"', '-0', '0.10'])(
    'carries the payload %s byte for byte',
    payload => {
      const activity = newActivity({ type: 't', payload: null }, { ids: { next: () => 'a' }, nowMs: 0 })
      expect(decodeActivity(encodeActivity({ ...activity, payloadJson: payload })).payloadJson).toBe(payload)
      const payloadFirst = `{"v":1,"payload": ${payload} ,"id":"a","activity_type":"t","created_at":"2026-01-01T00:00:00Z"}`
      expect(decodeActivity(payloadFirst).payloadJson).toBe(payload)
    },
  )
})

describe('what another producer may leave out', () => {
  const defaults = {
    id: 'a',
    type: 't',
    priority: 'normal',
    payloadJson: '{"n":1}',
    attempt: 1,
    retryCount: 0,
    maxAttempts: 3,
    timeoutMs: 30_000,
    retryDelayMs: 1_000,
    retryDelayMaxMs: 3_600_000,
    createdAtMs: Date.UTC(2026, 0, 1),
    scheduledAtMs: null,
    metadata: {},
    key: null,
    trace: null,
    attemptTraceparent: null,
    parentId: null,
    redriveOf: null,
    failures: [],
  }

  test('is everything but version, id, type, payload and time of creation', () => {
    expect(decodeActivity(MINIMAL)).toEqual(defaults)
  })

  test('may also be null, and unknown fields are let through', () => {
    const names = [
      'priority',
      'max_retries',
      'retry_count',
      'attempt',
      'timeout_seconds',
      'retry_delay_seconds',
      'retry_delay_max_seconds',
      'scheduled_at',
      'metadata',
      'idempotency_key',
      'traceparent',
      'tracestate',
      'attempt_traceparent',
      'parent_id',
      'redrive_of',
      'failures',
    ]
    const nulls = names.map(name => `"${name}":null`).join()
    expect(decodeActivity(minimal(`${nulls},"x":{"y":[1]}`))).toEqual({ ...defaults, extraJson: '"x":{"y":[1]}' })
  })

  test.each([
    ['"x":1e400,"y":{ "payload" : [1,"\\ud800"] }', '"x":1e400,"y":{ "payload" : [1,"\\ud800"] }'],
    ['"x":1,"x": 2 ', '"x":2'],
    ['"__proto__":{"v":2},"constructor":0', '"__proto__":{"v":2},"constructor":0'],
    ['"due_at":"2000-01-01T00:00:00Z","dead_letter":{},"y":1', '"y":1'],
  ])('what is not known is written on as it came, and can take the place of nothing that is: %s', (more, extraJson) => {
    const before = decodeActivity(minimal(more))
    expect(before).toEqual({ ...defaults, extraJson })
    expect(decodeActivity(encodeActivity(before))).toEqual(before)
    const behind = decodeActivity(MINIMAL.replace(/\}$/, () => `,${more}}`))
    expect(behind).toEqual(before)
  })

  test.each<[string, Partial<Activity>]>([
    ['"max_retries":0', { maxAttempts: 'unlimited' }],
    ['"retry_count":4', { retryCount: 4, attempt: 5 }],
    [`"retry_count":${LIMITS.attemptsMax}`, { retryCount: LIMITS.attemptsMax, attempt: LIMITS.attemptsMax }],
    ['"timeout_seconds":0.0011', { timeoutMs: 1 }],
    ['"retry_delay_seconds":1.005', { retryDelayMs: 1_005 }],
    ['"scheduled_at":"2026-01-01T02:00:00.1239+02:00"', { scheduledAtMs: Date.UTC(2026, 0, 1, 0, 0, 0, 123) }],
    ['"idempotency_key":{"key":"k"}', { key: { key: 'k', onDuplicate: 'return_existing' } }],
    ['"traceparent":"none","tracestate":"a=1"', { trace: null }],
    ['"traceparent":42', { trace: null }],
    ['"attempt_traceparent":"none"', { attemptTraceparent: null }],
    ['"attempt_traceparent":42', { attemptTraceparent: null }],
    ['"metadata":{"__proto__":"x"}', { metadata: Object.fromEntries([['__proto__', 'x']]) }],
    [
      '"failures":[{"attempt":1,"at":"1970-01-01T00:00:00Z","name":"E","message":"m","worker":null}]',
      { failures: [{ attempt: 1, atMs: 0, name: 'E', message: 'm' }] },
    ],
  ])('%s', (more, expected) => expect(decodeActivity(minimal(more))).toEqual({ ...defaults, ...expected }))
})

describe('is none of ours', () => {
  const reasons: [string, string | Uint8Array | null, string][] = [
    ['no value', null, 'empty'],
    ['no bytes', new Uint8Array(), 'empty'],
    ['no text', '', 'empty'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not_utf8'],
    ['half a character', bytes(MINIMAL.replace('"n"', '"é"')).subarray(0, -6), 'not_utf8'],
    ['a byte order mark', bytes(`\uFEFF${MINIMAL}`), 'not_json'],
    ['garbage', 'garbage', 'not_json'],
    ['a record cut short', MINIMAL.slice(0, -1), 'not_json'],
    ['a million levels', '['.repeat(1_000_000), 'too_deep'],
    ['a payload of 129 levels', MINIMAL.replace('{"n":1}', nested(129)), 'too_deep'],
    ['an extra field of 130 levels', minimal(`"x":${nested(130)}`), 'too_deep'],
    ['an array', '[1]', 'invalid'],
    ['null', 'null', 'invalid'],
    ['a number', '17', 'invalid'],
    ['no version', MINIMAL.replace('"v":1,', ''), 'unknown_version'],
    ['version 2', MINIMAL.replace('"v":1', '"v":2'), 'unknown_version'],
    ['version "1"', MINIMAL.replace('"v":1', '"v":"1"'), 'unknown_version'],
    ['no payload', MINIMAL.replace(',"payload":{"n":1}', ''), 'invalid'],
    ['a lone surrogate in the payload', MINIMAL.replace('{"n":1}', '"\\ud800"'), 'invalid'],
    [
      'more unknown fields than may travel on',
      minimal(Array.from({ length: LIMITS.extraFieldsMax + 1 }, (_, at) => `"x${at}":0`).join()),
      'invalid',
    ],
    ['unknown fields over their limit', minimal(`"x":"${'x'.repeat(LIMITS.extraBytesMax)}"`), 'invalid'],
    ['a payload over its limit', MINIMAL.replace('{"n":1}', `"${'x'.repeat(LIMITS.payloadBytesMax)}"`), 'invalid'],
  ]
  test.each(reasons)('%s', (_, value, reason) => {
    expect(() => decodeActivity(value)).toThrow(
      expect.objectContaining({ code: 'serialization', details: { reason, record: 'activity record' } }),
    )
  })

  const tooMany = JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`k${at}`, ''])))
  const failed = (more: object): string =>
    `"failures":${JSON.stringify([{ attempt: 1, at: '2026-01-01T00:00:00Z', name: 'E', message: 'm', ...more }])}`
  test.each([
    ['id', '"id":"a b"'],
    ['id', '"id":7'],
    ['activity_type', '"activity_type":"a.b"'],
    ['activity_type', '"activity_type":"scheduler"'],
    ['created_at', '"created_at":"yesterday"'],
    ['created_at', '"created_at":"2026-01-01"'],
    ['created_at', '"created_at":"2026-02-30T00:00:00Z"'],
    ['created_at', '"created_at":"1969-12-31T23:59:59Z"'],
    ['created_at', '"created_at":"9999-12-31T23:59:59.999-00:01"'],
    ['created_at', '"created_at":1767225600000'],
    ['priority', '"priority":"urgent"'],
    ['max_retries', '"max_retries":-1'],
    ['max_retries', '"max_retries":1.5'],
    ['max_retries', `"max_retries":${LIMITS.attemptsMax + 1}`],
    ['retry_count', '"retry_count":"0"'],
    ['attempt', '"attempt":0'],
    ['timeout_seconds', '"timeout_seconds":0'],
    ['timeout_seconds', '"timeout_seconds":604801'],
    ['timeout_seconds', '"timeout_seconds":1e400'],
    ['retry_delay_seconds', '"retry_delay_seconds":-1'],
    ['retry_delay_max_seconds', '"retry_delay_max_seconds":2147483648'],
    ['scheduled_at', '"scheduled_at":"soon"'],
    ['metadata', '"metadata":[]'],
    ['metadata', '"metadata":{"a":1}'],
    ['metadata', `"metadata":${tooMany}`],
    ['metadata', '"metadata":{"a":"\\ud800"}'],
    ['idempotency_key.key', '"idempotency_key":{"key":""}'],
    ['idempotency_key.key', `"idempotency_key":{"key":"${'x'.repeat(513)}"}`],
    ['idempotency_key.on_duplicate', '"idempotency_key":{"key":"k","on_duplicate":"replace"}'],
    ['idempotency_key', '"idempotency_key":"k"'],
    ['parent_id', '"parent_id":""'],
    ['redrive_of', '"redrive_of":{}'],
    ['failures', `"failures":[${Array(6).fill('{}').join()}]`],
    ['failures.0.name', failed({ name: 'x'.repeat(129) })],
    ['failures.0.message', failed({ message: 'x'.repeat(513) })],
    ['failures.0.worker', failed({ worker: 'x'.repeat(257) })],
    ['failures.0.attempt', failed({ attempt: 0 })],
  ])('a bad %s: %s', (path, more) => {
    const name = path.split('.')[0] ?? ''
    const text = MINIMAL.includes(`"${name}":`) ? MINIMAL.replace(new RegExp(`"${name}":"[^"]*"`), more) : minimal(more)
    expect(() => decodeActivity(text)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(`${path}: `) as string,
        details: { reason: 'invalid', record: 'activity record' },
      }),
    )
  })

  test('and the message stays short, however much is wrong', () => {
    const failures = Array.from({ length: 5 }, () => ({}))
    const text = minimal(`"failures":${JSON.stringify(failures)}`).replace('"id":"a"', `"id":"${'!'.repeat(100_000)}"`)
    expect(() => decodeActivity(text)).toThrow(/^.{100,1500}$/s)
  })
})

test('what a storage was told is written so that it can be read again', () => {
  const activity = newActivity({ type: 't', payload: null }, { ids: { next: () => 'a' }, nowMs: 0 })
  const long = `\ud800${'€'.repeat(10_000)}`
  const failures = [{ attempt: 1, atMs: 0, name: long, message: long, worker: long }]
  expect(decodeActivity(encodeActivity({ ...activity, failures })).failures[0]?.message).toMatch(/^\ufffd€+…$/)
})

test('reading gives the text beside the activity, and refuses bytes that are no text', () => {
  expect(readActivity(bytes(MINIMAL))).toEqual({ activity: decodeActivity(MINIMAL), envelope: MINIMAL })
  expect(() => readActivity(Uint8Array.of(0xff, 0xfe))).toThrow('not UTF-8')
})
