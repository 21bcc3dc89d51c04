import { expect, test } from 'vitest'
import { uuidv7TimeMs } from '../../core/ids.ts'
import { newRequestId, RequestIds } from './request-id.ts'

test('an id is a UUIDv7 that tells its time, and no two are the same', () => {
  const ids = Array.from({ length: 500 }, () => newRequestId(1_764_424_000_123.7))
  expect(new Set(ids.map(uuidv7TimeMs))).toEqual(new Set([1_764_424_000_123]))
  expect(new Set(ids).size).toBe(500)
})

test('asking for the same twice is one request, and for something else another', () => {
  const ids = new RequestIds()
  const first = ids.of('{"reason":"a"}')
  expect(ids.of('{"reason":"a"}')).toBe(first)
  expect(ids.of('{"reason":"b"}')).not.toBe(first)
  expect(new RequestIds().of('{"reason":"a"}')).not.toBe(first)
})
