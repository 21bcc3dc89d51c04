// Kafka's murmur2, 32 bits, seed 0x9747b28c, over UTF-8 bytes: the partition of a key, the same for every writer.
// Source: the Java client's `Utils.murmur2` and default partitioner. Golden vectors stand in the test.

const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** The hash as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  let h = SEED ^ length
  const words = length >>> 2
  for (let word = 0; word < words; word++) {
    const at = word << 2
    let k =
      byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const tail = words << 2
  const rest = length & 3
  if (rest === 3) h ^= byteAt(bytes, tail + 2) << 16
  if (rest >= 2) h ^= byteAt(bytes, tail + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ byteAt(bytes, tail), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

/** The partition of a key, of so many. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
