import { expect, test } from 'vitest'

import { decodeResult, encodeResult, errorResultJson } from './stored-result.ts'

test.each(['null', '0', '{"data":1}', '[12345678901234567890,1e400]', '{"a":1,"a":2}', '",\\"data\\":"'])(
  'the result %s comes back byte for byte',
  dataJson => {
    for (const state of ['ok', 'err'] as const) {
      const result = { state, dataJson, atMs: 1_234 }
      expect(decodeResult(encodeResult(result))).toEqual(result)
      expect(decodeResult(Buffer.from(encodeResult(result)))).toEqual(result)
    }
  },
)

test.each([
  '{"v":1,"state":"ok","at":"1970-01-01T00:00:00Z"}',
  '{"v":1,"state":"fine","at":"1970-01-01T00:00:00Z","data":1}',
  'x',
  '',
])('%j is no result', text =>
  expect(() => decodeResult(text)).toThrow(expect.objectContaining({ code: 'serialization' })),
)

test('an error result has the fields of rule 3 of the storage contract, bounded', () => {
  const failure = { name: 'E', message: 'x'.repeat(1_000_000) }
  const text = errorResultJson({ failure, type: 'dead_letter', failedAtMs: 0, attempts: 3 })
  const said = JSON.parse(text) as Record<string, unknown>
  expect(Object.keys(said)).toEqual(['error', 'type', 'failed_at', 'attempts', 'failure'])
  expect(said).toMatchObject({ type: 'dead_letter', failed_at: '1970-01-01T00:00:00.000Z', attempts: 3 })
  expect(text.length).toBeLessThan(10_000)
})
