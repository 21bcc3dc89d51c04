import { expect, test } from 'vitest'

import { newActivity } from '../core/new-activity.ts'
import { decodeDelay, encodeDelay } from './delay-record.ts'

const activity = newActivity(
  { type: 't', payload: [1], delayMs: 5_000, metadata: { payload: 'x', due_at: 'y' } },
  { ids: { next: () => 'a' }, nowMs: 0 },
)

test('a delay record comes back as it was written, from bytes and from text', () => {
  const record = { dueAtMs: 5_000, activity: { ...activity, payloadJson: '{"n":12345678901234567890}' } }
  const text = encodeDelay(record)
  expect(decodeDelay(text)).toEqual(record)
  expect(decodeDelay(Buffer.from(text))).toEqual(record)
})

test.each([
  ['due_at: ', (text: string) => text.replace(/"due_at":"[^"]*",/, '')],
  ['due_at: ', (text: string) => text.replace(/"due_at":"[^"]*"/, '"due_at":"soon"')],
  ['id: ', (text: string) => text.replace('"id":"a"', '"id":""')],
  ['payload: is missing', (text: string) => text.replace(',"payload":[1]', '')],
])('without a good %s it is none of ours', (path, damage) => {
  expect(() => decodeDelay(damage(encodeDelay({ dueAtMs: 5_000, activity })))).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(path) as string,
      details: { reason: 'invalid', record: 'delay record' },
    }),
  )
})
