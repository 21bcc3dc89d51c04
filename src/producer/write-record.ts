// From a record to what kafkajs takes: checked, measured, and with bytes as Buffers, because kafkajs would write the
// text "1,2,3" for a plain Uint8Array.

import { ErrandError } from '../core/errors.ts'
import type { Entry, WriteCall, WriteRecord } from './write-call.ts'

/** Lengths, deltas and attributes of one record in a batch: fewer in fact, so that estimates are never too low. */
const OVERHEAD_BYTES = 24

/** A problem that no broker needs to be asked about; undefined when there is none. */
export function checkRecord(record: WriteRecord): ErrandError | undefined {
  if (typeof record.topic !== 'string' || record.topic === '') return bad('topic', record.topic, 'a topic name')
  const { partition, value } = record
  if (!Number.isInteger(partition) || partition < 0) return bad('partition', partition, 'a whole number from 0')
  if (value === undefined) return bad('value', 'undefined', 'text, bytes, or null for a tombstone')
  return undefined
}

/** Bytes that a record takes on the wire, a little over-estimated. */
export function recordBytes(record: WriteRecord): number {
  let bytes = OVERHEAD_BYTES + bytesOf(record.key) + bytesOf(record.value)
  const headers = record.headers
  if (headers === undefined) return bytes
  for (const name in headers) bytes += 8 + bytesOf(name) + bytesOf(headers[name])
  return bytes
}

/** The record as one step of its call. */
export function toEntry(record: WriteRecord, call: WriteCall, index: number, bytes: number): Entry {
  const { topic, partition, headers } = record
  const [key, value] = [toBuffer(record.key), toBuffer(record.value)]
  if (headers === undefined) return { topic, partition, key, value, bytes, call, index }
  return { topic, partition, key, value, headers: toBuffers(headers), bytes, call, index }
}

function toBuffers(headers: Readonly<Record<string, string | Uint8Array>>): Record<string, string | Buffer> {
  const buffers: Record<string, string | Buffer> = {}
  for (const [name, value] of Object.entries(headers)) buffers[name] = toBuffer(value) ?? ''
  return buffers
}

function toBuffer(value: string | Uint8Array | null): string | Buffer | null {
  if (value === null || typeof value === 'string' || Buffer.isBuffer(value)) return value
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function bytesOf(value: string | Uint8Array | null | undefined): number {
  if (value === null || value === undefined) return 0
  return typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength
}

function bad(field: string, received: unknown, allowed: string): ErrandError {
  return new ErrandError(
    'invalid_argument',
    `${field} of a record is ${JSON.stringify(received)}; it must be ${allowed}.`,
    {
      details: { field, received, allowed },
    },
  )
}
