import { expect, test } from 'vitest'

import { newActivity } from '../core/new-activity.ts'
import { HEADERS, activityHeaders, headerText, headerWord } from './headers.ts'

const activity = newActivity({ type: 't', payload: null }, { ids: { next: () => 'a' }, nowMs: 0 })
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('a record without a trace says only its attempt', () => {
  expect(activityHeaders({ ...activity, attempt: 3 })).toEqual({ 'errand-attempt': '3' })
})

test('a trace stands in our headers, and its parent in the one that others know', () => {
  expect(activityHeaders({ ...activity, trace: { traceparent } })).toEqual({
    'errand-attempt': '1',
    'errand-traceparent': traceparent,
    traceparent,
  })
  expect(activityHeaders({ ...activity, trace: { traceparent, tracestate: 'a=1' } })).toHaveProperty(
    'errand-tracestate',
    'a=1',
  )
})

test('a trace that is none, or without bounds, stands in no header', () => {
  expect(activityHeaders({ ...activity, trace: { traceparent: 'x'.repeat(1e6) } })).toEqual({ 'errand-attempt': '1' })
  expect(activityHeaders({ ...activity, trace: { traceparent, tracestate: 'x'.repeat(1e6) } })).not.toHaveProperty(
    'errand-tracestate',
  )
})

test.each([
  ['TypeError', 'TypeError'],
  ['my.Error:a-b$c_d', 'my.Error:a-b$c_d'],
  ['no\r\nheader: x', 'no__header:_x'],
  ['é😀', '___'],
  ['x'.repeat(1_000), 'x'.repeat(128)],
  ['', ''],
])('%j as a header is %j', (text, word) => expect(headerWord(text)).toBe(word))

test('a header is read from text and from bytes', () => {
  const headers = { a: 'text', b: Buffer.from('bytes'), c: undefined }
  expect(['a', 'b', 'c', 'd'].map(name => headerText(headers, name))).toEqual(['text', 'bytes', undefined, undefined])
})

test('no two headers share a name', () => {
  expect(new Set(Object.values(HEADERS)).size).toBe(Object.keys(HEADERS).length)
})
