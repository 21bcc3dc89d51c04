// Records as Kafka's record batch, format 2, uncompressed: measured first, then written into place in one pass. kafkajs makes
// a buffer of 512 bytes for each record and each header, grows and copies them several times over, and spends more time on
// that than on all else of a write.
//
// Source: Kafka's documentation, "Message Format", record batch and record of version 2.

import { crc32c } from './crc32c.ts'

/** One record, as far as a batch knows it. */
export interface BatchRecord {
  readonly key: string | Buffer | null
  readonly value: string | Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
}

/** Records whose lengths are known. */
export interface MeasuredBatch {
  readonly records: readonly BatchRecord[]
  /** Per record three numbers: bytes of its key, of its value (-1: null), and of its body. */
  readonly lengths: Int32Array
  /** Bytes of the batch with its header. */
  readonly bytes: number
}

const MAGIC = 2
/** Everything before the records, their count included. */
const HEADER_BYTES = 61
/** What stands before the part that the batch's length counts. */
const LENGTH_ENDS_AT = 12
const CRC_AT = 17
/** The checksum covers what follows it. */
const CRC_COVERS_FROM = 21
const NO_PRODUCER = -1n
const FIELDS = 3

/** Measures records; there must be one at least. */
export function measureBatch(records: readonly BatchRecord[]): MeasuredBatch {
  const lengths = new Int32Array(records.length * FIELDS)
  let bytes = HEADER_BYTES
  for (let nth = 0; nth < records.length; nth += 1) {
    const record = records[nth]
    if (record === undefined) continue
    const key = lengthOf(record.key)
    const value = lengthOf(record.value)
    // Attributes and the timestamp's delta, both 0, are a byte each.
    const body = 2 + sizeOfVarInt(nth) + sizedBytes(key) + sizedBytes(value) + headersBytes(record.headers)
    lengths[nth * FIELDS] = key
    lengths[nth * FIELDS + 1] = value
    lengths[nth * FIELDS + 2] = body
    bytes += sizeOfVarInt(body) + body
  }
  return { records, lengths, bytes }
}

/** Writes a batch into `target` from `start` on; all its records get the same timestamp. Gives the place behind it. */
export function writeBatch(batch: MeasuredBatch, target: Buffer, start: number, timestampMs: number): number {
  const { records, lengths } = batch
  const end = writeRecords(target, start + HEADER_BYTES, records, lengths)
  target.writeBigInt64BE(0n, start) // the broker gives offsets
  target.writeInt32BE(end - start - LENGTH_ENDS_AT, start + 8)
  target.writeInt32BE(0, start + LENGTH_ENDS_AT) // the leader's epoch is the broker's to say
  target.writeInt8(MAGIC, start + 16)
  target.writeInt16BE(0, start + 21) // attributes: no compression, the writer's timestamps, no transaction
  target.writeInt32BE(records.length - 1, start + 23)
  target.writeBigInt64BE(BigInt(timestampMs), start + 27)
  target.writeBigInt64BE(BigInt(timestampMs), start + 35)
  target.writeBigInt64BE(NO_PRODUCER, start + 43)
  target.writeInt16BE(0, start + 51)
  target.writeInt32BE(0, start + 53)
  target.writeInt32BE(records.length, start + 57)
  target.writeUInt32BE(crc32c(target, start + CRC_COVERS_FROM, end), start + CRC_AT)
  return end
}

function writeRecords(target: Buffer, start: number, records: readonly BatchRecord[], lengths: Int32Array): number {
  let at = start
  for (let nth = 0; nth < records.length; nth += 1) {
    const record = records[nth]
    if (record === undefined) continue
    at = writeVarInt(target, at, lengths[nth * FIELDS + 2] ?? 0)
    target[at] = 0
    target[at + 1] = 0
    at = writeVarInt(target, at + 2, nth)
    at = writeSized(target, at, record.key, lengths[nth * FIELDS] ?? 0)
    at = writeSized(target, at, record.value, lengths[nth * FIELDS + 1] ?? 0)
    at = writeHeaders(target, at, record.headers)
  }
  return at
}

function writeHeaders(target: Buffer, start: number, headers: BatchRecord['headers']): number {
  if (headers === undefined) return writeVarInt(target, start, 0)
  let at = writeVarInt(target, start, Object.keys(headers).length)
  for (const name in headers) {
    const value = headers[name] ?? ''
    at = writeSized(target, at, name, lengthOf(name))
    at = writeSized(target, at, value, lengthOf(value))
  }
  return at
}

function headersBytes(headers: BatchRecord['headers']): number {
  if (headers === undefined) return 1
  let bytes = sizeOfVarInt(Object.keys(headers).length)
  for (const name in headers) bytes += sizedBytes(lengthOf(name)) + sizedBytes(lengthOf(headers[name] ?? ''))
  return bytes
}

function lengthOf(value: string | Buffer | null): number {
  if (value === null) return -1
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

/** Bytes of a length and of what it is the length of. */
function sizedBytes(length: number): number {
  return sizeOfVarInt(length) + Math.max(0, length)
}

function writeSized(target: Buffer, start: number, value: string | Buffer | null, length: number): number {
  const at = writeVarInt(target, start, length)
  if (value === null) return at
  if (typeof value === 'string') target.write(value, at, length)
  else target.set(value, at)
  return at + length
}

/** Zigzag: small numbers of both signs are small. */
function sizeOfVarInt(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let bytes = 1
  while (rest > 0x7f) {
    rest >>>= 7
    bytes += 1
  }
  return bytes
}

function writeVarInt(target: Buffer, start: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let at = start
  while (rest > 0x7f) {
    target[at] = (rest & 0x7f) | 0x80
    rest >>>= 7
    at += 1
  }
  target[at] = rest
  return at + 1
}
