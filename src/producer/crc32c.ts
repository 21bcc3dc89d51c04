// CRC-32C (Castagnoli), the checksum of Kafka's record batches, eight bytes a step by eight tables ("slicing-by-8", Kounavis
// and Berry, 2005). Node's own `zlib.crc32` has another polynomial.

const POLYNOMIAL = 0x82f63b78
const SLICES = 8
/** Eight tables of 256, one behind the other. */
const TABLE = madeTable()

/** The checksum of the bytes from `start` up to, but not including, `end`, as an unsigned number. */
export function crc32c(bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let crc = -1
  let at = start
  for (; at + SLICES <= end; at += SLICES) {
    const low = crc ^ view.getInt32(at, true)
    const high = view.getInt32(at + 4, true)
    crc =
      looked(1_792 + (low & 0xff)) ^
      looked(1_536 + ((low >>> 8) & 0xff)) ^
      looked(1_280 + ((low >>> 16) & 0xff)) ^
      looked(1_024 + (low >>> 24)) ^
      looked(768 + (high & 0xff)) ^
      looked(512 + ((high >>> 8) & 0xff)) ^
      looked(256 + ((high >>> 16) & 0xff)) ^
      looked(high >>> 24)
  }
  for (; at < end; at += 1) crc = looked((crc ^ view.getUint8(at)) & 0xff) ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}

function looked(at: number): number {
  return TABLE[at] ?? 0
}

function madeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256)
  for (let at = 0; at < 256; at += 1) {
    let crc = at
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    table[at] = crc
  }
  for (let at = 256; at < table.length; at += 1) {
    const below = table[at - 256] ?? 0
    table[at] = (table[below & 0xff] ?? 0) ^ (below >>> 8)
  }
  return table
}
