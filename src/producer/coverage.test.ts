import { describe, expect, it } from 'vitest'
import type { Part } from './coverage.ts'
import { checkCoverage, settleWritten } from './coverage.ts'
import { RequestBuilder } from './request-builder.ts'
import { WriteCall } from './write-call.ts'
import type { Entry } from './write-call.ts'

function call(records: number): WriteCall {
  return new WriteCall(records, records, 1_000, 0)
}

function entry(
  of: WriteCall,
  index: number,
  place: { topic?: string; partition?: number; bytes?: number } = {},
): Entry {
  const { topic = 't', partition = 0, bytes = 1 } = place
  return { topic, partition, bytes, key: null, value: null, call: of, index }
}

function part(partition: number, entries: Entry[]): Part {
  return { topic: 't', partition, entries }
}

describe('checkCoverage', () => {
  it('counts only a partition that is in the answer with an offset', () => {
    const one = call(4)
    const parts = [0, 1, 2, 3].map(partition => part(partition, [entry(one, partition)]))
    // Partition 1 moved to a broker that had answered before, so kafkajs asked nobody for it; 2 came without an offset.
    const answers = [
      { topicName: 't', partition: 0, baseOffset: '7' },
      { topicName: 't', partition: 2, baseOffset: '-1' },
      { topicName: 'other', partition: 3, baseOffset: '1' },
    ]
    const { written, missing } = checkCoverage(parts, answers)
    expect(written).toEqual([{ part: parts[0], baseOffset: 7 }])
    expect(missing).toEqual([parts[1], parts[2], parts[3]])
  })

  it('takes an empty answer for nothing written', () => {
    expect(checkCoverage([part(9, [entry(call(1), 0)])], []).missing).toHaveLength(1)
  })

  it('counts offsets within the batch of the partition', async () => {
    const one = call(3)
    settleWritten({ part: part(0, [entry(one, 2), entry(one, 0), entry(one, 1)]), baseOffset: 40 })
    expect(await one.answered).toEqual([41, 42, 40].map(offset => ({ ok: true, offset: String(offset) })))
  })
})

describe('RequestBuilder', () => {
  const KIB = 1024

  it('gathers by partition, in order', () => {
    const one = call(4)
    const builder = new RequestBuilder()
    const places = [{ partition: 1 }, { partition: 0 }, { partition: 1 }, { topic: 'u' }]
    const entries = places.map((place, index) => entry(one, index, place))
    expect(entries.every(each => builder.tryAdd(each))).toBe(true)
    expect(builder.parts().map(each => [each.topic, each.partition, each.entries.map(({ index }) => index)])).toEqual([
      ['t', 1, [0, 2]],
      ['t', 0, [1]],
      ['u', 0, [3]],
    ])
  })

  it('is full when the share of one partition is', () => {
    const one = call(3)
    const builder = new RequestBuilder()
    expect(builder.tryAdd(entry(one, 0, { bytes: 500 * KIB }))).toBe(true)
    expect(builder.tryAdd(entry(one, 1, { bytes: 500 * KIB }))).toBe(false)
    expect(builder.tryAdd(entry(one, 2, { bytes: 500 * KIB, partition: 1 }))).toBe(true)
  })

  it('is full at its bytes over all partitions', () => {
    const one = call(9)
    const builder = new RequestBuilder()
    const taken = Array.from({ length: 9 }, (_, partition) =>
      builder.tryAdd(entry(one, partition, { bytes: 800 * KIB, partition })),
    )
    expect(taken.filter(Boolean)).toHaveLength(5)
  })

  it('sends a record above all bounds alone', () => {
    const one = call(3)
    const full = new RequestBuilder()
    full.tryAdd(entry(one, 0))
    expect(full.tryAdd(entry(one, 1, { bytes: 2_000 * KIB, partition: 1 }))).toBe(false)
    const alone = new RequestBuilder()
    expect(alone.tryAdd(entry(one, 1, { bytes: 2_000 * KIB }))).toBe(true)
    expect(alone.tryAdd(entry(one, 2, { partition: 1 }))).toBe(false)
  })
})
