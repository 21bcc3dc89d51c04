// Golden vectors: what producers and consumers in other languages hold their code against.
//
// The files in vectors/ are made by this test and compared with what it makes. After a wanted change of the wire format,
// write them anew with `npx vitest run --project unit src/wire/vectors.test.ts -u`, and read the difference: a changed
// `written` record means that running deployments must be able to read both.

import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import type { Activity, DeadLetterRecord, OutcomeRecord, PoisonRecord } from '../core/activity.ts'
import { isErrandError } from '../core/errors.ts'
import { decodeActivity, encodeActivity } from './activity-record.ts'
import { decodeDlq, encodeDeadLetter, encodePoison } from './dead-letter-record.ts'
import { decodeDelay, encodeDelay } from './delay-record.ts'
import { activityHeaders } from './headers.ts'
import { decodeOutcome, encodeOutcome } from './outcome-record.ts'

/** `written`: what we write, and read. `accepted`: what others may write. `refused`: with `details.reason`. */
interface Vectors {
  readonly written: readonly Vector[]
  readonly accepted: readonly Vector[]
  readonly refused: readonly { readonly name: string; readonly record_base64: string; readonly reason: string }[]
}
interface Vector {
  readonly name: string
  readonly record: string
  readonly headers?: Readonly<Record<string, string>>
  readonly decoded: unknown
}

const full: Activity = {
  id: '019b76da-a800-7000-8000-000000000001',
  type: 'send-invoice',
  priority: 'high',
  payloadJson: '{"order":12345678901234567890,"lines":[{"sku":"é-1","price":10.50}],"note":"\\"quoted\\""}',
  attempt: 3,
  retryCount: 2,
  maxAttempts: 5,
  timeoutMs: 1_500,
  retryDelayMs: 250,
  retryDelayMaxMs: 60_000,
  createdAtMs: Date.UTC(2026, 0, 1),
  scheduledAtMs: Date.UTC(2026, 0, 1, 12, 0, 0, 7),
  metadata: { tenant: 'acme', 'x-request': 'r-1' },
  key: { key: 'invoice:42', onDuplicate: 'allow_reuse_on_failure' },
  trace: {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tracestate: 'congo=t61rcWkgMzE',
  },
  attemptTraceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-53995c3f42cd8ad8-01',
  parentId: '019b76da-a800-7000-8000-000000000000',
  redriveOf: 'dead-1',
  failures: [
    { attempt: 1, atMs: Date.UTC(2026, 0, 1, 0, 0, 1), name: 'TypeError', message: 'no "x"', worker: 'pod-1' },
    { attempt: 2, atMs: Date.UTC(2026, 0, 1, 0, 0, 2), name: 'LeaseExpired', message: 'late' },
  ],
}
const plain: Activity = {
  ...full,
  priority: 'normal',
  payloadJson: 'null',
  attempt: 1,
  retryCount: 0,
  maxAttempts: 'unlimited',
  scheduledAtMs: null,
  metadata: {},
  key: null,
  trace: null,
  attemptTraceparent: null,
  parentId: null,
  redriveOf: null,
  failures: [],
}
const outcome: OutcomeRecord = {
  id: full.id,
  type: full.type,
  priority: 'high',
  attempt: 3,
  outcome: 'completed',
  leaseId: '0f8e7d6c-0000-4000-8000-000000000000',
  worker: 'pod-1',
  retryCount: 2,
  maxAttempts: 5,
  createdAtMs: full.createdAtMs,
  scheduledAtMs: full.scheduledAtMs,
  startedAtMs: Date.UTC(2026, 0, 1, 12, 0, 0, 9),
  endedAtMs: Date.UTC(2026, 0, 1, 12, 0, 1),
  nextAttemptAtMs: null,
  error: null,
  resultJson: '{"total":1e400}',
  envelope: null,
  key: null,
  redriveOf: null,
}
const error = {
  name: 'TypeError',
  message: 'no "x"',
  stack: 'TypeError: no "x"\n    at run (/app/run.ts:1:1)',
  code: 'E_X',
  cause: { name: 'Error', message: 'below' },
}
const deadLetter: DeadLetterRecord = {
  activity: full,
  attempts: 5,
  error,
  firstFailedAtMs: Date.UTC(2026, 0, 1, 0, 0, 1),
  failedAtMs: Date.UTC(2026, 0, 1, 12, 0, 1),
  worker: 'pod-1',
  fingerprint: '0123456789abcdef',
  source: { topic: 'shop.send-invoice.high', partition: 3, offset: '9007199254740993' },
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-8f3c1d2e4b5a6978-01',
}
const poison: PoisonRecord = {
  reason: 'not_json',
  source: { topic: 'shop.send-invoice.high', partition: 0, offset: '7' },
  value: Buffer.from('{"v":1,'),
  key: null,
  atMs: Date.UTC(2026, 0, 1),
}

const MINIMAL =
  '{"v":1,"id":"order-1","activity_type":"send-invoice","payload":{"n":1},"created_at":"2026-01-01T00:00:00Z"}'
const LIBERAL =
  '{ "payload" : {"a":1, "a":2} ,\n "created_at":"2026-01-01T01:00:00.5+01:00", "activity_type":"send-invoice",' +
  ' "max_retries":0, "priority":null, "retry_count":1, "tracestate":"a=1", "unknown":{"x":[]}, "id":"order-1", "v":1 }'
const replaced = (from: string, to: string): string => MINIMAL.replace(from, to)

const refusals: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['nothing', '', 'empty'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not_utf8'],
  ['a byte order mark', `\uFEFF${MINIMAL}`, 'not_json'],
  ['a record cut short', MINIMAL.slice(0, -1), 'not_json'],
  ['a payload of 129 levels', replaced('{"n":1}', '['.repeat(129) + ']'.repeat(129)), 'too_deep'],
  ['another version', replaced('"v":1', '"v":2'), 'unknown_version'],
  ['no version', replaced('"v":1,', ''), 'unknown_version'],
  ['no payload', replaced('"payload":{"n":1},', ''), 'invalid'],
  ['a type with a dot', replaced('send-invoice', 'send.invoice'), 'invalid'],
  ['a time without a zone', replaced('00:00Z', '00:00'), 'invalid'],
  ['half a surrogate pair', replaced('{"n":1}', '"\\ud800"'), 'invalid'],
]
const refusedBy = (reads: (value: Uint8Array) => unknown, cases: typeof refusals): Vectors['refused'] =>
  cases.map(([name, value]) => {
    const bytes = Buffer.from(value)
    return { name, record_base64: bytes.toString('base64'), reason: reasonOf(() => reads(bytes)) }
  })

function reasonOf(read: () => unknown): string {
  try {
    read()
    return 'accepted'
  } catch (thrown) {
    return isErrandError(thrown) ? String(thrown.details['reason']) : 'another error'
  }
}

const dlqOf = (record: DeadLetterRecord): Vector => {
  const { value, headers } = encodeDeadLetter(record)
  return { name: 'a dead letter', record: value, headers, decoded: decodeDlq(value, headers) }
}
const poisonVector = (): Vector => {
  const { value, headers } = encodePoison(poison)
  const record = Buffer.from(value ?? []).toString()
  const decoded = decodeDlq(value, headers)
  // The bytes themselves are `record`.
  return { name: 'poison', record, headers, decoded: { ...decoded, record: { ...decoded.record, value: undefined } } }
}

const FILES: Readonly<Record<string, Vectors>> = {
  activity: {
    written: [
      { name: 'every field', activity: full },
      { name: 'as little as we write', activity: plain },
    ].map(({ name, activity }) => {
      const record = encodeActivity(activity)
      return { name, record, headers: activityHeaders(activity), decoded: decodeActivity(record) }
    }),
    accepted: [
      { name: 'as little as is accepted', record: MINIMAL },
      { name: 'any order, blanks, nulls, an offset, unknown fields', record: LIBERAL },
    ].map(({ name, record }) => ({ name, record, decoded: decodeActivity(record) })),
    refused: refusedBy(decodeActivity, refusals),
  },
  delay: {
    written: [full, { ...plain, scheduledAtMs: full.scheduledAtMs }].map(activity => {
      const record = encodeDelay({ dueAtMs: activity.scheduledAtMs ?? 0, activity })
      return { name: `attempt ${activity.attempt}`, record, decoded: decodeDelay(record) }
    }),
    accepted: [replaced('"v":1', '"v":1,"due_at":"2026-01-01T00:00:01Z"')].map(record => ({
      name: 'as little as is accepted',
      record,
      decoded: decodeDelay(record),
    })),
    refused: refusedBy(decodeDelay, [['no time at which it is due', MINIMAL, 'invalid']]),
  },
  outcome: {
    written: [
      outcome,
      { ...outcome, resultJson: 'null' },
      { ...outcome, key: full.key, redriveOf: full.redriveOf, resultJson: '1' },
      { ...outcome, outcome: 'retrying' as const, nextAttemptAtMs: Date.UTC(2026, 0, 2), error, resultJson: null },
      { ...outcome, outcome: 'failed' as const, error, resultJson: null, envelope: encodeActivity(full) },
      { ...outcome, outcome: 'cancelled' as const, leaseId: null, worker: null, startedAtMs: null, resultJson: null },
    ].map(each => {
      const record = encodeOutcome(each)
      const result = each.resultJson === null ? 'without a result' : `with the result ${each.resultJson}`
      return { name: `${each.outcome}, ${result}`, record, decoded: decodeOutcome(record) }
    }),
    accepted: [],
    refused: refusedBy(decodeOutcome, [
      ['an outcome that is none', encodeOutcome(outcome).replace('"completed"', '"done"'), 'invalid'],
    ]),
  },
  'dead-letter': {
    written: [
      dlqOf(deadLetter),
      { ...dlqOf({ ...deadLetter, worker: null, source: null, traceparent: null }), name: 'unknown source' },
      poisonVector(),
    ],
    accepted: [],
    refused: refusedBy(value => decodeDlq(value, {}), [['an activity record', MINIMAL, 'invalid']]),
  },
}

const fileOf = (name: string): URL => new URL(`./vectors/${name}.json`, import.meta.url)

describe.each(Object.entries(FILES))('vectors/%s.json', (name, made) => {
  test('is what we write, accept and refuse', async () => {
    await expect(`${JSON.stringify(made, null, 2)}\n`).toMatchFileSnapshot(fileOf(name).pathname)
  })

  test('holds for its records: each is read as it says', () => {
    const held = JSON.parse(readFileSync(fileOf(name), 'utf8')) as Vectors
    const reads = { activity: decodeActivity, delay: decodeDelay, outcome: decodeOutcome }
    for (const { record, headers, decoded } of [...held.written, ...held.accepted]) {
      const read = name === 'dead-letter' ? decodeDlq(Buffer.from(record), headers ?? {}) : undefined
      const said = read ?? reads[name as keyof typeof reads](Buffer.from(record))
      expect(JSON.parse(JSON.stringify(said, (key, value: unknown) => (key === 'value' ? undefined : value)))).toEqual(
        decoded,
      )
    }
  })
})

test('what is written comes back as it went in, and what is refused has the reason that was meant', () => {
  expect(FILES['activity']?.written.map(vector => vector.decoded)).toEqual([full, plain])
  expect(FILES['activity']?.refused.map(refused => refused.reason)).toEqual(refusals.map(([, , reason]) => reason))
  expect(FILES['dead-letter']?.written[0]?.decoded).toEqual({ kind: 'dead_letter', record: deadLetter })
})
