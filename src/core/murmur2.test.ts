import { describe, expect, test } from 'vitest'

import { murmur2, partitionOf } from './murmur2.ts'

describe('murmur2', () => {
  // Golden vectors of Kafka's Java client.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('%s is %i', (text, hash) => expect(murmur2(Buffer.from(text))).toBe(hash))
})

describe('partitionOf', () => {
  test('is the hash without its sign, of so many', () => {
    expect(partitionOf('21', 1_000)).toBe((-973932308 & 0x7fffffff) % 1_000)
    expect(partitionOf('abc', 7)).toBe(479470107 % 7)
    expect(partitionOf('anything', 1)).toBe(0)
  })

  test('spreads keys', () => {
    const counts = [0, 0, 0, 0]
    for (let key = 0; key < 4_000; key++)
      counts[partitionOf(`key-${key}`, 4)] = (counts[partitionOf(`key-${key}`, 4)] ?? 0) + 1
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })
})
