// Rules 12 and 13: what is over a limit or no good is refused before anything is written, and the message names the field.

import assert from 'node:assert/strict'
import type { Activity, AttemptFailureReport } from '../../core/activity.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { isErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { CaseSpec, ContractCase } from './case.ts'
import {
  bringTo,
  claim,
  claimNothing,
  claimOne,
  complete,
  enqueueOne,
  enqueueThese,
  fail,
  failure,
  leaseOf,
  refuses,
} from './steps.ts'

function nested(levels: number): unknown {
  let value: unknown = 0
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const entries = (count: number, value = 'x'): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, value]))

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

/** [field that the message names, spec, code when it is another than invalid_argument] */
const BAD_SPECS: readonly (readonly [string, CaseSpec, ErrorCode?])[] = [
  ['type', { type: '' }],
  ['type', { type: 'a.b' }],
  ['type', { type: '..' }],
  ['type', { type: 'x'.repeat(65) }],
  ['type', { type: 'outcomes' }],
  ['id', { id: '' }],
  ['id', { id: 'a b' }],
  ['id', { id: 'x'.repeat(129) }],
  ['id', { id: '{tag}' }],
  ['priority', { priority: 'urgent' as 'high' }],
  ['priority', { priority: 'constructor' as 'high' }],
  ['maxAttempts', { maxAttempts: 0 }],
  ['maxAttempts', { maxAttempts: -1 }],
  ['maxAttempts', { maxAttempts: 1.5 }],
  ['maxAttempts', { maxAttempts: 2 ** 31 }],
  ['maxAttempts', { maxAttempts: '3' as unknown as number }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['timeoutMs', { timeoutMs: Number.NaN }],
  ['timeoutMs', { timeoutMs: 8 * 24 * 3_600_000 }],
  ['retryDelayMs', { retryDelayMs: -1 }],
  ['retryDelayMaxMs', { retryDelayMaxMs: Number.POSITIVE_INFINITY }],
  ['delayMs', { delayMs: -1 }],
  ['delayMs', { delayMs: 1e308 }],
  ['scheduledAt', { scheduledAt: new Date(Number.NaN) }],
  ['scheduledAt', { scheduledAt: new Date(8.64e15) }],
  ['scheduledAt', { scheduledAt: new Date(-1) }],
  ['scheduledAt', { scheduledAt: new Date(), delayMs: 1 }],
  ['metadata', { metadata: entries(65) }],
  ['metadata', { metadata: { a: 1 as unknown as string } }],
  ['metadata', { metadata: { a: '\udfff' } }],
  ['metadata', { metadata: { a: 'x'.repeat(4 * 1_024 + 1) } }],
  ['metadata', { metadata: entries(8, 'x'.repeat(4_000)) }],
  ['key', { key: '' }],
  ['key', { key: 'x'.repeat(513) }],
  ['key', { key: 'é'.repeat(257) }],
  ['key', { key: '\ud800' }],
  ['onDuplicate', { key: 'k', onDuplicate: 'replace' as 'no_reuse' }],
  ['onDuplicate', { onDuplicate: 'no_reuse' }],
  ['payload', { payload: '\ud800' }],
  ['payload', { payload: 1n }],
  ['payload', { payload: cyclic }],
  ['payload', { payload: nested(129) }],
  ['payload', { payload: nested(20_000) }],
  ['payload', { payload: 'x'.repeat(LIMITS.payloadBytesMax) }, 'payload_too_large'],
]

/** [field that the message names, what is changed by hand, code when it is another than invalid_argument] */
const BAD_CHANGES: readonly (readonly [string, Readonly<Record<string, unknown>>, ErrorCode?])[] = [
  ['id', { id: 'a b' }],
  ['priority', { priority: 'urgent' }],
  ['payload', { payloadJson: JSON.stringify(nested(129)) }],
  ['payload', { payloadJson: '{' }],
  ['payload', { payloadJson: String.raw`"\ud800"` }],
  ['payload', { payloadJson: `"${'x'.repeat(LIMITS.payloadBytesMax)}"` }, 'payload_too_large'],
  ['key', { key: { key: 'x'.repeat(600), onDuplicate: 'no_reuse' } }],
  ['onDuplicate', { key: { key: 'k', onDuplicate: 'replace' } }],
  ['scheduledAtMs', { scheduledAtMs: Number.NaN }],
  ['scheduledAtMs', { scheduledAtMs: LIMITS.timeMsMax + 1 }],
  ['createdAtMs', { createdAtMs: -1 }],
  ['attempt', { attempt: 0 }],
  ['retryCount', { retryCount: -1 }],
  ['maxAttempts', { maxAttempts: 0 }],
  ['timeoutMs', { timeoutMs: Number.POSITIVE_INFINITY }],
  ['retryDelayMs', { retryDelayMs: 0.5 }],
  ['metadata', { metadata: { a: 1 } }],
  ['parentId', { parentId: 'a b' }],
  ['failures', { failures: entries(6) }],
]

/** [code, a result's text] */
const BAD_RESULTS: readonly (readonly [ErrorCode, string])[] = [
  ['serialization', JSON.stringify(nested(129))],
  ['serialization', String.raw`"\ud800"`],
  ['serialization', '"\ud800"'],
  ['serialization', '{'],
  ['serialization', ''],
  ['payload_too_large', `"${'x'.repeat(LIMITS.resultBytesMax)}"`],
]

/** [field that the message names, what is reported] */
const BAD_REPORTS: readonly (readonly [string, object | null])[] = [
  ['failure', null],
  ['failure.kind', { ...failure(), kind: 'fatal' }],
  ['failure.error', { kind: 'retryable' }],
  ['failure.error.message', { kind: 'retryable', error: { name: 'Error' } }],
  ...[-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, LIMITS.retryAfterMsMax + 1].map(
    retryAfterMs => ['failure.retryAfterMs', { ...failure(), retryAfterMs }] as const,
  ),
]

/** Rules 12 and 13. */
export const limitsCases: readonly ContractCase[] = [
  {
    name: 'a bad activity cannot be made: the message names the field',
    rule: '12, 13',
    async run(setup) {
      for (const [field, spec, code = 'invalid_argument'] of BAD_SPECS) {
        await refuses(
          Promise.resolve().then(() => setup.newActivity(spec)),
          code,
          field,
        )
      }
    },
  },
  {
    name: 'an over-sized payload is refused without touching its neighbours, and nothing of it is written',
    rule: '12, enqueueMany',
    async run(setup) {
      const [first, big, last] = [setup.newActivity(), setup.newActivity(), setup.newActivity()]
      const payloadJson = `"${'x'.repeat(LIMITS.payloadBytesMax)}"`
      const answers = await setup.storage.enqueueMany({ activities: [first, { ...big, payloadJson }, last] })
      assert.deepEqual(
        answers.map(({ id }) => id),
        [first.id, big.id, last.id],
      )
      assert.deepEqual(
        answers.map(({ outcome }) => outcome),
        ['created', 'refused', 'created'],
      )
      const refused = answers[1]
      assert.ok(refused?.outcome === 'refused' && refused.code === 'payload_too_large')
      assert.equal(await setup.storage.getActivity({ id: big.id }), null)
      const claimed = await claim(setup, { count: 2 })
      assert.deepEqual(new Set(claimed.map(one => one.activity.id)), new Set([first.id, last.id]))
      await claimNothing(setup)
    },
  },
  {
    name: 'an activity that was changed by hand is refused for itself, its field named, and its neighbours are created',
    rule: '12, 13, enqueueMany',
    async run(setup) {
      const changed: Activity[] = BAD_CHANGES.map(([, change]) => ({ ...setup.newActivity(), ...change }))
      const [first, last] = [setup.newActivity(), { ...setup.newActivity(), attempt: 3, retryCount: 2 }]
      const answers = await setup.storage.enqueueMany({ activities: [first, ...changed, last] })
      assert.deepEqual([answers[0]?.outcome, answers.at(-1)?.outcome], ['created', 'created'])
      for (const [at, [field, , code = 'invalid_argument']] of BAD_CHANGES.entries()) {
        const answer = answers[at + 1]
        assert.ok(answer?.outcome === 'refused' && answer.code === code, `${field}: ${JSON.stringify(answer)}`)
        assert.ok(answer.message.includes(field) && answer.id === changed[at]?.id, answer.message)
      }
      const claimed = await claim(setup, { count: 2 })
      assert.deepEqual(new Set(claimed.map(one => one.activity.id)), new Set([first.id, last.id]))
      await claimNothing(setup)
    },
  },
  {
    name: 'what is exactly at the limits goes in and comes out untouched',
    rule: '12',
    async run(setup) {
      const payload = 'x'.repeat(LIMITS.payloadBytesMax - 2)
      await enqueueOne(setup, { payload })
      const big = await claimOne(setup)
      assert.equal(big.activity.payloadJson, JSON.stringify(payload))
      await complete(setup, big)
      const metadata = { ...entries(63), ['__proto__x']: '日本' }
      const { id } = await enqueueOne(setup, {
        payload: nested(128),
        metadata,
        maxAttempts: 2 ** 31 - 1,
        id: undefined,
      })
      const deep = await claimOne(setup)
      assert.deepEqual([deep.activity.id, deep.activity.payloadJson], [id, JSON.stringify(nested(128))])
      assert.deepEqual({ ...deep.activity.metadata }, metadata)
      assert.equal(deep.activity.maxAttempts, 2 ** 31 - 1)
    },
  },
  {
    name: 'metadata named __proto__ or constructor stays plain data',
    rule: '12',
    async run(setup) {
      const metadata = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
      const payload = JSON.parse('{"__proto__":{"polluted":true}}') as unknown
      await enqueueOne(setup, { metadata, payload })
      const { activity } = await claimOne(setup)
      assert.deepEqual(Object.entries(activity.metadata), [
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ])
      assert.equal(activity.payloadJson, '{"__proto__":{"polluted":true}}')
      assert.equal(({} as { polluted?: boolean }).polluted, undefined)
    },
  },
  {
    name: 'an id of one’s own is kept',
    rule: '12',
    async run(setup) {
      const id = `order-4711:${setup.types[0]}~x_1.a`
      await enqueueThese(setup.storage, [setup.newActivity({ id })])
      const claimed = await claimOne(setup)
      assert.equal(claimed.activity.id, id)
      await complete(setup, claimed, '1')
      assert.equal((await setup.storage.getResult({ id }))?.dataJson, '1')
    },
  },
  {
    name: 'a wrong call is refused as a whole, naming the field',
    rule: '12, 13',
    async run(setup) {
      const { storage, types } = setup
      const { id } = await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const look = { workerId: 'w1', timeoutMs: 0, types }
      const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['activities', () => storage.enqueueMany({ activities: [] })],
        ['timeoutMs', () => storage.dequeue({ ...look, timeoutMs: -1 })],
        ['timeoutMs', () => storage.dequeue({ ...look, timeoutMs: Number.NaN })],
        ['limit', () => storage.dequeue({ ...look, limit: 0 })],
        ['limit', () => storage.dequeue({ ...look, limit: 1_001 })],
        ['leaseMs', () => storage.dequeue({ ...look, leaseMs: 99 })],
        ['leaseMs', () => storage.dequeue({ ...look, leaseMs: 24 * 3_600_000 + 1 })],
        ['workerId', () => storage.dequeue({ ...look, workerId: '' })],
        ['workerId', () => storage.dequeue({ ...look, workerId: 'x'.repeat(257) })],
        ['byMs', () => storage.extendLease({ ...leaseOf(claimed), byMs: 0 })],
        ['byMs', () => storage.extendLease({ ...leaseOf(claimed), byMs: -1 })],
        ['byMs', () => storage.extendLease({ ...leaseOf(claimed), byMs: Number.POSITIVE_INFINITY })],
        ['limit', () => storage.processScheduled({ limit: 0 })],
        ['limit', () => storage.requeueExpired({ limit: 0 })],
        ['limit', () => storage.requeueExpired({ limit: 1.5 })],
        ['reason', () => storage.cancel({ id, reason: 'x'.repeat(1_025) })],
        ['reason', () => storage.redrive({ id, reason: 'x'.repeat(1_025) })],
        ['reason', () => storage.redrive({ id, reason: '\ud800' })],
        ['id', () => storage.getResult({ id: 'a b' })],
        ['id', () => storage.redrive({ id: '' })],
      ]
      for (const [field, call] of calls) await refuses(call(), 'invalid_argument', field)
      await complete(setup, claimed)
    },
  },
  {
    name: 'a result over the limit is refused as payload_too_large, and the attempt can still be settled',
    rule: '12, ackSuccess',
    async run(setup) {
      await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const resultJson = `"${'x'.repeat(LIMITS.resultBytesMax)}"`
      await refuses(
        setup.storage.ackSuccess({ leases: [{ ...leaseOf(claimed), resultJson }] }),
        'payload_too_large',
        'result',
      )
      await complete(setup, claimed, '"small"')
    },
  },
  {
    name: 'a result that could not be read again is refused, settled or stored apart, and the attempt can still be settled',
    rule: '12, 13, ackSuccess, storeResult',
    async run(setup) {
      const { storage } = setup
      await enqueueOne(setup)
      const claimed = await claimOne(setup)
      const { id } = claimed.activity
      for (const [code, text] of BAD_RESULTS) {
        await refuses(storage.ackSuccess({ leases: [{ ...leaseOf(claimed), resultJson: text }] }), code, 'result')
        const result = { state: 'ok', dataJson: text, atMs: 0 } as const
        await refuses(storage.storeResult({ id, result }), code, 'result')
      }
      const result = { state: 'done' as 'ok', dataJson: '1', atMs: 0 }
      await refuses(storage.storeResult({ id, result }), 'invalid_argument', 'result.state')
      assert.equal(await storage.getResult({ id }), null)
      await complete(setup, claimed, '{"a":[1e400]}')
      assert.equal((await storage.getResult({ id }))?.dataJson, '{"a":[1e400]}')
    },
  },
  {
    name: 'a failure report that says nothing usable is refused, its field named, and the attempt can still be settled',
    rule: '12, 13, ackFailure',
    async run(setup) {
      await enqueueOne(setup, { maxAttempts: 1 })
      const claimed = await claimOne(setup)
      for (const [field, report] of BAD_REPORTS) {
        await refuses(fail(setup, claimed, report as AttemptFailureReport), 'invalid_argument', field)
      }
      assert.equal((await fail(setup, claimed)).outcome, 'dead_letter')
    },
  },
  {
    name: 'an empty reason is taken, for cancel and redrive',
    rule: '12, cancel, redrive',
    async run(setup) {
      const { id } = await bringTo(setup, 'dead_letter')
      const redriven = await setup.storage.redrive({ id, reason: '' })
      assert.deepEqual(await setup.storage.cancel({ id: redriven.id, reason: '' }), { outcome: 'cancelled' })
    },
  },
  {
    name: 'an error says its code first and carries plain details',
    rule: '13',
    async run(setup) {
      const error: unknown = await setup.storage
        .cancel({ id: setup.newActivity().id })
        .catch((thrown: unknown) => thrown)
      assert.ok(isErrandError(error, 'not_found'))
      assert.match(error.message, /^\[not_found\] /)
      assert.deepEqual(JSON.parse(JSON.stringify(error.details)), error.details)
    },
  },
]
