import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../core/limits.ts'
import { patchDecoderClass, patchRecordHeaders } from './record-headers-patch.ts'

const load = createRequire(import.meta.url)

interface Encoder {
  readonly buffer: Buffer
  writeInt8(value: number): Encoder
  writeVarLong(value: number): Encoder
  writeVarInt(value: number): Encoder
  writeVarIntBytes(value: Buffer): Encoder
  writeVarIntString(value: string): Encoder
  writeVarIntArray(values: readonly Encoder[]): Encoder
}

/** A record as the log holds it, with these headers and bytes behind it, read by kafkajs. */
function read(headers: readonly (readonly [string, Buffer])[]): { headers: Record<string, unknown>; left: string } {
  const EncoderClass = load('kafkajs/src/protocol/encoder')
  const DecoderClass = load('kafkajs/src/protocol/decoder')
  const decodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0/decoder')
  const encoder = new EncoderClass() as Encoder
  encoder
    .writeInt8(0)
    .writeVarLong(0)
    .writeVarInt(0)
    .writeVarIntBytes(Buffer.from('k'))
    .writeVarIntBytes(Buffer.from('v'))
  const written = headers.map(([name, value]) =>
    (new EncoderClass() as Encoder).writeVarIntString(name).writeVarIntBytes(value),
  )
  encoder.writeVarIntArray(written)
  const decoder = new DecoderClass(Buffer.concat([encoder.buffer, Buffer.from('the rest')]))
  const record = decodeRecord(decoder, { firstOffset: '0', firstTimestamp: '0' })
  return { headers: record.headers, left: decoder.readAll().toString() }
}

describe('the patched reading of headers', () => {
  beforeAll(() => patchRecordHeaders())

  it('gives what few headers say, repeated names too', () => {
    const { headers, left } = read([
      ['a', Buffer.from('1')],
      ['b', Buffer.from('2')],
      ['a', Buffer.from('3')],
    ])
    expect(headers).toEqual({ a: [Buffer.from('1'), Buffer.from('3')], b: Buffer.from('2') })
    expect(left).toBe('the rest')
  })

  it('keeps the first of very many and reads past the rest', () => {
    const { headers, left } = read(Array.from({ length: 10_000 }, (_, at) => [`h${at}`, Buffer.from('x')] as const))
    expect(Object.keys(headers)).toEqual(Array.from({ length: LIMITS.recordHeadersMax }, (_, at) => `h${at}`))
    expect(left).toBe('the rest')
  })

  it('keeps no more bytes than its bound', () => {
    const { headers, left } = read([
      ['first', Buffer.from('x')],
      ['tracestate', Buffer.alloc(900_000)],
    ])
    expect(Object.keys(headers)).toEqual(['first'])
    expect(left).toBe('the rest')
  })

  it('takes no headers for none, also where their number is below zero', () => {
    const prototype = { readVarInt: () => -1, readVarIntArray: () => [{ key: 'x', value: null }] }
    patchDecoderClass({ prototype })
    const { readVarIntArray } = prototype
    patchDecoderClass({ prototype })
    expect(prototype.readVarIntArray).toBe(readVarIntArray)
    expect(prototype.readVarIntArray()).toEqual([])
  })
})
