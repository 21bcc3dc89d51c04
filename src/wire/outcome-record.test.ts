import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { OutcomeRecord } from '../core/activity.ts'
import { ATTEMPT_OUTCOMES } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import { newActivity } from '../core/new-activity.ts'
import { decodeActivity, encodeActivity } from './activity-record.ts'
import { decodeOutcome, encodeOutcome } from './outcome-record.ts'

const base: OutcomeRecord = {
  id: 'a',
  type: 't',
  priority: 'high',
  attempt: 2,
  outcome: 'completed',
  leaseId: 'lease-1',
  worker: 'w-1',
  retryCount: 1,
  maxAttempts: 'unlimited',
  createdAtMs: 0,
  scheduledAtMs: null,
  startedAtMs: 10,
  endedAtMs: 20,
  nextAttemptAtMs: null,
  error: null,
  resultJson: '{"n":1}',
  envelope: null,
  key: null,
  redriveOf: null,
}
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const envelopeOf = (payloadJson: string): string =>
  encodeActivity({ ...newActivity({ type: 't', payload: null }, { ids: { next: () => 'a' }, nowMs: 0 }), payloadJson })

describe('an outcome record', () => {
  test.each<[string, Partial<OutcomeRecord>]>([
    ['with a result', {}],
    ['with a result of null', { resultJson: 'null' }],
    ['without a result', { resultJson: null }],
    ['with a result of large numbers and twice one name', { resultJson: '{"a":12345678901234567890,"a":1e400}' }],
    ['as deep as a result may be', { resultJson: nested(LIMITS.jsonDepthMax) }],
    ['never started', { outcome: 'cancelled', leaseId: null, worker: null, startedAtMs: null, resultJson: null }],
    ['retrying', { outcome: 'retrying', nextAttemptAtMs: 99, scheduledAtMs: 1, resultJson: null, maxAttempts: 3 }],
    [
      'failed, with its activity and its causes',
      {
        outcome: 'failed',
        resultJson: null,
        envelope: envelopeOf('{"result":1,"activity":2,"n":12345678901234567890}'),
        error: { name: 'E', message: 'm', stack: 's', code: 'c', cause: { name: 'F', message: 'n' } },
      },
    ],
    [
      'with the deepest activity',
      { outcome: 'failed', resultJson: null, envelope: envelopeOf(nested(LIMITS.jsonDepthMax)) },
    ],
    [
      'with a key and of a redriven activity',
      { key: { key: 'k,"result":1', onDuplicate: 'no_reuse' }, redriveOf: 'dead-1', resultJson: 'null' },
    ],
    ['with activity and result', { envelope: envelopeOf('{"x":1,"result":[]}'), resultJson: '[2]' }],
  ])('%s comes back as it was written', (_, more) => {
    const record = { ...base, ...more }
    const text = encodeOutcome(record)
    expect(decodeOutcome(text)).toEqual(record)
    expect(decodeOutcome(Buffer.from(`${text}\n`))).toEqual(record)
    if (record.envelope !== null) expect(decodeActivity(record.envelope).id).toBe('a')
  })

  test('says every outcome', () => {
    for (const outcome of ATTEMPT_OUTCOMES)
      expect(decodeOutcome(encodeOutcome({ ...base, outcome })).outcome).toBe(outcome)
  })

  test('says the same when optional fields are null', () => {
    const text = encodeOutcome({ ...base, leaseId: null, worker: null, startedAtMs: null })
    const names = ['lease_id', 'worker', 'scheduled_at', 'started_at', 'next_attempt_at', 'error', 'activity']
    for (const name of names) expect(text).not.toContain(`"${name}":`)
    const verbose = text.replace('"v":1', `"v":1,${names.map(name => `"${name}":null`).join(',')}`)
    expect(decodeOutcome(verbose)).toEqual(decodeOutcome(text))
  })

  test('leaves out a key and an origin that there is none of, and takes a key without its behaviour', () => {
    const text = encodeOutcome(base)
    expect(text).not.toMatch(/idempotency_key|redrive_of/)
    const keyed = text.replace('"v":1', '"v":1,"idempotency_key":{"key":"k"},"redrive_of":null')
    expect(decodeOutcome(keyed)).toEqual({ ...base, key: { key: 'k', onDuplicate: 'return_existing' } })
  })

  test('bounds the failure that it is given, so that it can be read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(20_000), (text, size) => {
        const long = text + '€'.repeat(size)
        const error = { name: long, message: long, stack: long, code: long, cause: { name: long, message: long } }
        expect(decodeOutcome(encodeOutcome({ ...base, worker: long, error })).error?.cause).toBeDefined()
      }),
      { numRuns: 30 },
    )
  })

  test.each([
    ['outcome', '"completed"', '"done"'],
    ['ended_at', '"1970-01-01T00:00:00.020Z"', 'null'],
    ['attempt', '2', '0'],
    ['worker', '"w-1"', `"${'x'.repeat(257)}"`],
    ['lease_id', '"lease-1"', '""'],
    ['error.cause', 'null', '{"name":"E","message":"m","cause":7}'],
    ['error.stack', 'null', `{"name":"E","message":"m","stack":"${'x'.repeat(9_000)}"}`],
    ['activity', 'null', '7'],
    ['idempotency_key.key', 'null', '{"key":""}'],
    ['redrive_of', 'null', '"/"'],
  ])('with a bad %s is none of ours', (path, good, bad) => {
    const name = path.split('.')[0] ?? ''
    const text = encodeOutcome(base).replace(
      '"v":1',
      '"v":1,"error":null,"idempotency_key":null,"redrive_of":null,"activity":null',
    )
    const damaged = text.replace(`"${name}":${good}`, `"${name}":${bad}`)
    expect(damaged).not.toBe(text)
    expect(() => decodeOutcome(damaged)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(`${path}: `) as string,
        details: { reason: 'invalid', record: 'outcome record' },
      }),
    )
  })

  test('with more causes than are recorded is none of ours', () => {
    const chain = (causes: number): string =>
      `{"name":"E","message":"m"${causes === 0 ? '' : `,"cause":${chain(causes - 1)}`}}`
    const withChain = (causes: number): string => encodeOutcome(base).replace('"v":1', `"v":1,"error":${chain(causes)}`)
    expect(() => decodeOutcome(withChain(LIMITS.failureCausesMax))).not.toThrow()
    expect(() => decodeOutcome(withChain(LIMITS.failureCausesMax + 1))).toThrow(/error\.cause/)
  })
})
