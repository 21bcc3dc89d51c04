import { expect, test } from 'vitest'
import { newActivity } from './new-activity.ts'
import { checkEdit, redrivenBefore, redrivenFrom } from './redrive.ts'

const traceparent = (span: string): string => `00-4bf92f3577b34da6a3ce929d0e0e4736-${span.repeat(16)}-01`
const sent = { traceparent: traceparent('1') }
const original = {
  ...newActivity(
    { type: 't', payload: 1, key: 'k', metadata: { a: 'b' }, maxAttempts: 2, trace: sent },
    { ids: { next: () => 'first' }, nowMs: 1 },
  ),
  attempt: 2,
  retryCount: 1,
  scheduledAtMs: 5,
  attemptTraceparent: traceparent('2'),
  failures: [{ attempt: 1, atMs: 2, name: 'Error', message: 'x' }],
}
const next = { id: 'again', createdAtMs: 9 }

test('is a new activity with the work and policy of the old one, which it names', () => {
  expect(redrivenFrom(original, next, undefined)).toEqual({
    ...original,
    ...{ id: 'again', createdAtMs: 9, redriveOf: 'first', attempt: 1, retryCount: 0, scheduledAtMs: null },
    ...{ key: null, failures: [], trace: null, attemptTraceparent: traceparent('2') },
  })
})

test('whoever traces the redrive sees the contexts of the original, and gives its own instead', () => {
  const own = { traceparent: traceparent('3') }
  const seen: unknown[] = []
  const again = redrivenFrom(original, next, activity => {
    seen.push([activity.id, activity.trace, activity.attemptTraceparent])
    return own
  })
  expect(seen).toEqual([['again', sent, traceparent('2')]])
  expect([again.trace, again.attemptTraceparent]).toEqual([own, null])
})

test('of an original whose end was not traced, its enqueue is the way back', () => {
  const untraced = { ...original, attemptTraceparent: null }
  expect(redrivenFrom(untraced, next, () => null)).toMatchObject({ trace: null, attemptTraceparent: traceparent('1') })
  expect(redrivenFrom({ ...untraced, trace: null }, next, undefined)).toMatchObject({ attemptTraceparent: null })
})

test('an edit has its own payload, and names the original in its metadata', () => {
  const edit = { payloadJson: '{"n":12345678901234567890}', newId: 'again' }
  expect(redrivenFrom(original, next, undefined, edit)).toMatchObject({
    ...{ payloadJson: edit.payloadJson, id: 'again', redriveOf: 'first', priority: original.priority },
    metadata: { a: 'b', edited_from: 'first' },
  })
  const full = { ...original, metadata: Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`m${at}`, ''])) }
  expect(() => redrivenFrom(full, next, undefined, edit)).toThrow(/metadata is "65 entries"/)
})

test('an edit is checked: the payload by its text, the id as any', () => {
  expect(checkEdit(undefined)).toBeUndefined()
  expect(checkEdit({ payloadJson: '1', newId: 'a' })).toEqual({ payloadJson: '1', newId: 'a' })
  expect(() => checkEdit({ payloadJson: '{', newId: 'a' })).toThrow(/payload is no JSON/)
  expect(() => checkEdit({ payloadJson: '1', newId: '' })).toThrow(/newId/)
  expect(redrivenBefore('one', 'two')).toMatchObject({ code: 'conflict', details: { id: 'one', redrivenAs: 'two' } })
})
