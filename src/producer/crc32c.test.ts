import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'

const kafkajsCrc32c: (bytes: Buffer) => number = createRequire(import.meta.url)(
  'kafkajs/src/protocol/recordBatch/crc32C',
)

test('is the checksum of the published check values', () => {
  // Source: RFC 3720, appendix B.4, and the check value of CRC-32C, of the digits 1 to 9.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, at) => at)))).toBe(0x46dd794e)
  expect(crc32c(Buffer.alloc(0))).toBe(0)
})

test('is what kafkajs makes of any bytes, at any place in a larger buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, before) => {
      const around = Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(9, 7)])
      expect(crc32c(around, before, before + bytes.length)).toBe(kafkajsCrc32c(Buffer.from(bytes)))
    }),
  )
})
