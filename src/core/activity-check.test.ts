import { describe, expect, test } from 'vitest'
import { BAD_ACTIVITIES, hostile } from '../../test/support/bad-inputs.ts'
import type { Activity } from './activity.ts'
import { refusalOf } from './activity-check.ts'
import { LIMITS } from './limits.ts'
import { newActivity } from './new-activity.ts'

const made: Activity = newActivity({ type: 'work', payload: 1, key: 'k' }, { ids: { next: () => 'id-1' }, nowMs: 1 })

const failure = { attempt: 1, atMs: 0, name: '', message: '', worker: 'w' }

test.each<[string, Partial<Activity>]>([
  ['what it was', {}],
  ['no key', { key: null }],
  ['a later attempt', { attempt: 5, retryCount: 4, failures: Array.from({ length: 5 }, () => failure) }],
  ['a failure without a worker', { failures: [{ attempt: 1, atMs: 0, name: 'n', message: 'm' }] }],
  ['the highest numbers', { attempt: LIMITS.attemptsMax, retryCount: LIMITS.attemptsMax, maxAttempts: 'unlimited' }],
  ['the last time', { scheduledAtMs: LIMITS.timeMsMax, createdAtMs: LIMITS.timeMsMax }],
  ['a trace of no form', { trace: { traceparent: 'x', tracestate: '' } }],
  ['a trace without a state', { trace: { traceparent: '' } }],
  ['a parent and an original', { parentId: 'p', redriveOf: 'r' }],
  ['members that nobody knows', { extraJson: '"x":{"a":[1]},"y":1e400' }],
])('a copy with %s is let in', (_, change) => expect(refusalOf({ ...made, ...change })).toBeUndefined())

describe('a copy is refused', () => {
  test.each(BAD_ACTIVITIES.map(([name, change, field, code], at) => ({ name: `${at} ${name}`, change, field, code })))(
    'with $name, and $field named',
    ({ change, field, code }) => {
      const changed = { ...made, ...change } as Activity
      const id = 'id' in change ? (typeof change.id === 'string' ? change.id : '') : 'id-1'
      expect(refusalOf(changed)).toEqual({
        outcome: 'refused',
        id,
        code: code ?? 'invalid_argument',
        message: expect.stringContaining(field) as string,
      })
    },
  )
})

test.each<[string, () => unknown]>([
  ['null', () => null],
  ['undefined', () => undefined],
  ['a number', () => 7],
  ['text', () => 'activity'],
  ['a list', () => []],
  ['what cannot be touched', hostile],
])('%s is refused, whatever it does', (_, given) => {
  expect(refusalOf(given() as Activity)).toMatchObject({
    outcome: 'refused',
    id: '',
    code: 'invalid_argument',
  })
})
