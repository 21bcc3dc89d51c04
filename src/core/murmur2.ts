// Kafka's murmur2, 32 bits, seed 0x9747b28c, over UTF-8 bytes: the partition of a key, the same for every writer.
// Source: the Java client's `Utils.murmur2` and default partitioner. Golden vectors stand in the test.

const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** The hash as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { length } = bytes
  let h = SEED ^ length
  const tail = length & ~3
  for (let at = 0; at < tail; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M)
    k ^= k >>> R
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = length & 3
  if (rest === 3) h ^= view.getUint8(tail + 2) << 16
  if (rest >= 2) h ^= view.getUint8(tail + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ view.getUint8(tail), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

/** The partition of a key, of so many. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions
}
