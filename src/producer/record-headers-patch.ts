// kafkajs 2.2.4 reads a record's headers by copying those read so far for each next one: 10,000 headers (79 KB, which anyone
// who may write to a lane can put on one record) stop the process for 31 s, longer than any lease and session, at each fetch
// anew. Its decoder has one method that only headers are read with; here that keeps the first few and reads past the rest.
// Ours have a dozen, and what is dropped is trace context of others at most.

import { createRequire } from 'node:module'
import { LIMITS } from '../core/limits.ts'
import { checkKafkajsVersion } from './request-queue-patch.ts'

const PATCHED = Symbol.for('errand.kafkajs.recordHeadersPatch')

/** A header as kafkajs reads it. */
export interface RawHeader {
  readonly key: string | null
  readonly value: Uint8Array | null
}

/** What the patch needs of kafkajs's decoder. */
export interface DecoderLike {
  readVarInt(): number
}

/** The class whose prototype is changed. */
export interface DecoderClass {
  readonly prototype: DecoderLike & {
    readVarIntArray(readHeader: (decoder: DecoderLike) => RawHeader): RawHeader[]
  }
}

/** Patches kafkajs once per process. Called whenever a client is made. Throws `configuration` for another kafkajs. */
export function patchRecordHeaders(): void {
  const load = createRequire(import.meta.url)
  const { version }: { version: string } = load('kafkajs/package.json')
  checkKafkajsVersion(version)
  const decoder: DecoderClass = load('kafkajs/src/protocol/decoder')
  patchDecoderClass(decoder)
}

/** Changes the class; a second time changes nothing. */
export function patchDecoderClass({ prototype }: DecoderClass): void {
  if (PATCHED in prototype) return
  prototype.readVarIntArray = function readHeaders(this: DecoderLike, readHeader): RawHeader[] {
    const count = this.readVarInt()
    const kept: RawHeader[] = []
    let bytes = 0
    for (let at = 0; at < count; at++) {
      const header = readHeader(this)
      bytes += (header.key?.length ?? 0) + (header.value?.length ?? 0)
      if (kept.length < LIMITS.recordHeadersMax && bytes <= LIMITS.recordHeadersBytesMax) kept.push(header)
    }
    return kept
  }
  Object.defineProperty(prototype, PATCHED, { value: true })
}
