import { expect, test } from 'vitest'
import type { LaneFigures } from '../../storage/storage.ts'
import { OPERATION_TYPE as TYPE_OF_OPERATIONS } from '../../operations/operation.ts'
import { endedBadly, figuresByType, oddities, OPERATION_TYPE } from './odd.ts'

const lane = (more: Partial<LaneFigures>): LaneFigures => ({
  ...{ type: 'send-invoice', priority: 'normal', pending: 0, oldestPendingAtMs: null, running: 0, scheduled: 0 },
  ...{ deadLetters: 0, finishedAhead: 0, frontierStuckMs: 0, consumers: 1 },
  ...more,
})
const says = (lanes: readonly LaneFigures[]): string[] =>
  oddities(figuresByType(lanes), 1_000_000).map(({ severity, says: text }) => `${severity}: ${text}`)

test('what a type has is the sum of its lanes, and its oldest the oldest of them', () => {
  const lanes = [
    lane({ pending: 2, oldestPendingAtMs: 900_000, deadLetters: 1 }),
    lane({ priority: 'high', pending: 3, oldestPendingAtMs: 800_000, running: 1, frontierStuckMs: 5 }),
    lane({ type: 'a' }),
  ]
  const [first, second] = figuresByType(lanes)
  expect(first).toMatchObject({ type: 'a', pending: 0, oldestPendingAtMs: null })
  expect(second).toMatchObject({
    pending: 5,
    running: 1,
    deadLetters: 1,
    oldestPendingAtMs: 800_000,
    frontierStuckMs: 5,
  })
})

test('nothing is odd where everything moves', () => {
  expect(
    says([lane({ pending: 5, oldestPendingAtMs: 999_000, running: 1 }), lane({ type: 'a', consumers: 0 })]),
  ).toEqual([])
})

test('what nobody works for is said with its count, before all else', () => {
  const lanes = [
    lane({ type: 'a', pending: 1, oldestPendingAtMs: 1, running: 1 }),
    lane({ pending: 12, oldestPendingAtMs: 1, consumers: 0 }),
  ]
  expect(says(lanes)).toEqual([
    'error: 12 activities pending, nobody subscribes to send-invoice',
    'warning: the oldest pending a waits for 16 min 39 s',
  ])
})

test('what ended badly is counted over all types', () => {
  const types = figuresByType([lane({ deadLetters: 2 }), lane({ type: 'a', deadLetters: 1 })])
  expect(endedBadly(types, 1)).toBe('3 dead letters and 1 activity that failed for good')
  expect(endedBadly(types, null)).toBe('3 dead letters')
  expect(endedBadly(figuresByType([lane({})]), 0)).toBe('')
})

test('members that are not known are nobody missing', () => {
  expect(says([lane({ pending: 12, consumers: null })])).toEqual([])
})

test('a frontier that stands is said with what is finished behind it', () => {
  expect(says([lane({ frontierStuckMs: 61_000, finishedAhead: 7 })])).toEqual([
    'warning: a frontier of send-invoice stands for 1 min 1 s, with 7 records finished behind it',
  ])
})

test("the type of Errand's own is what operations call it", () => expect(OPERATION_TYPE).toBe(TYPE_OF_OPERATIONS))
