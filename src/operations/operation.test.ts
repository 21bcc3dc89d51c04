import { describe, expect, test } from 'vitest'
import { DEFAULT_RATE_PER_SECOND, operationActivity, resolveOperation } from './operation.ts'
import type { OperationSpec } from './operation.ts'

test('what is left out has its default: dead letters are redriven, whatever waits or runs is cancelled', () => {
  expect(resolveOperation({ kind: 'redrive', filter: { all: true } })).toEqual({
    kind: 'redrive',
    filter: { type: null, fingerprint: null, statuses: ['dead_letter'], ids: null, afterMs: null, beforeMs: null },
    max: 10_000_000,
    ratePerSecond: DEFAULT_RATE_PER_SECOND,
    reason: null,
    requestedBy: null,
    expected: null,
  })
  const { filter } = resolveOperation({ kind: 'cancel', filter: { type: 'mail' } })
  expect(filter.statuses).toEqual(['pending', 'scheduled', 'running'])
})

test('an id that is named twice is acted on once', () => {
  expect(resolveOperation({ kind: 'redrive', filter: { ids: ['a', 'b', 'a'] } }).filter.ids).toEqual(['a', 'b'])
})

describe('what is not acceptable is refused, naming the field', () => {
  const filter = { type: 'mail' }
  const cases: [string, unknown][] = [
    ['filter', null],
    ['filter', { kind: 'redrive' }],
    ['filter', { kind: 'redrive', filter: {} }],
    ['filter', { kind: 'redrive', filter: { all: false } }],
    ['kind', { kind: 'purge', filter }],
    ['limit', { kind: 'redrive', filter, limit: 1 }],
    ['filter.Type', { kind: 'redrive', filter: { ...filter, Type: 'mail' } }],
    ['filter.all', { kind: 'redrive', filter: { all: 'yes' } }],
    ['type', { kind: 'redrive', filter: { type: 'no.dots' } }],
    ['filter.fingerprint', { kind: 'redrive', filter: { fingerprint: 'XYZ' } }],
    ['filter.fingerprint', { kind: 'cancel', filter: { fingerprint: '0123456789abcdef' } }],
    ['filter.status', { kind: 'redrive', filter: { status: 'pending' } }],
    ['filter.status', { kind: 'cancel', filter: { status: 'completed' } }],
    ['filter.status', { kind: 'discard', filter: { status: 'failed' } }],
    ['filter.ids', { kind: 'redrive', filter: { ids: [] } }],
    ['filter.ids', { kind: 'redrive', filter: { ids: ['a'], type: 'mail' } }],
    ['filter.ids', { kind: 'redrive', filter: { ids: ['not an id'] } }],
    ['filter.ids', { kind: 'redrive', filter: { ids: Array.from({ length: 5_001 }, (_, n) => `i${n}`) } }],
    ['afterMs', { kind: 'redrive', filter: { afterMs: -1 } }],
    ['beforeMs', { kind: 'redrive', filter: { beforeMs: Number.NaN } }],
    ['max', { kind: 'redrive', filter, max: 0 }],
    ['ratePerSecond', { kind: 'redrive', filter, ratePerSecond: 0 }],
    ['ratePerSecond', { kind: 'redrive', filter, ratePerSecond: 1_001 }],
    ['reason', { kind: 'redrive', filter, reason: 'x'.repeat(1_025) }],
    ['requestedBy', { kind: 'redrive', filter, requestedBy: 7 }],
    ['expected', { kind: 'redrive', filter, expected: -1 }],
  ]
  test.each(cases)('%s in %j', (field, spec) => {
    expect(() => resolveOperation(spec as OperationSpec)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', details: expect.objectContaining({ field }) }),
    )
  })
})

test('a payload that is no operation is refused by the schema, with what is wrong with it', async () => {
  const verdict = await operationActivity.input['~standard'].validate({ kind: 'redrive', filter: {} })
  expect(verdict.issues?.[0]?.message).toMatch(/the filter says nothing/)
})
