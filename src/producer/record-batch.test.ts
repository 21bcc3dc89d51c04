import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BatchRecord } from './record-batch.ts'
import { measureBatch, writeBatch } from './record-batch.ts'

const load = createRequire(import.meta.url)
const AT_MS = Date.UTC(2026, 0, 1)

/** The same batch, encoded by kafkajs. */
async function byKafkajs(records: readonly BatchRecord[]): Promise<Buffer> {
  const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0')
  const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0')
  const batch = await RecordBatch({
    records: records.map((record, offsetDelta) => encodeRecord({ ...record, offsetDelta, timestampDelta: 0 })),
    firstTimestamp: AT_MS,
    maxTimestamp: AT_MS,
    lastOffsetDelta: records.length - 1,
  })
  return batch.buffer as Buffer
}

function byUs(records: readonly BatchRecord[], before: number): Buffer {
  const measured = measureBatch(records)
  const target = Buffer.alloc(before + measured.bytes + 5, 0xee)
  expect(writeBatch(measured, target, before, AT_MS)).toBe(before + measured.bytes)
  expect(target.subarray(before + measured.bytes)).toEqual(Buffer.alloc(5, 0xee))
  return target.subarray(before, before + measured.bytes)
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('x'.repeat(63), 'é'.repeat(8_200)))
const content = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 80 }).map(bytes => Buffer.from(bytes)),
)
const record: fc.Arbitrary<BatchRecord> = fc.record(
  {
    key: fc.option(content),
    value: fc.option(content),
    headers: fc.dictionary(text, content, { maxKeys: 4, noNullPrototype: true }),
  },
  { requiredKeys: ['key', 'value'] },
)

test('is byte for byte what kafkajs encodes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 6 }), fc.nat(9), async (records, before) => {
      expect(byUs(records, before).equals(await byKafkajs(records))).toBe(true)
    }),
  )
})

test('counts on beyond what fits into one byte', async () => {
  const records = Array.from({ length: 10_000 }, (_, nth) => ({ key: `k${nth}`, value: nth % 3 === 0 ? null : 'v' }))
  expect(byUs(records, 0).equals(await byKafkajs(records))).toBe(true)
})
