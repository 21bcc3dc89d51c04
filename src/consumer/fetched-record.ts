// A record as the consuming side hands it on: bytes, not parsed, and the epoch that it was fetched in.

import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { TopicPartition } from './topic-partition.ts'

/** The time between getting a partition and losing it. */
export interface Epoch {
  /** False once the partition was lost: the record comes again, here or elsewhere, and finishing this one does nothing. */
  readonly isOpen: boolean
}

/** Headers by name; of a repeated name the last one. */
export type RecordHeaders = Readonly<Record<string, Uint8Array | string | undefined>>

/** A record of the log. */
export interface LogRecord extends TopicPartition {
  readonly offset: number
  /** The producer's clock at its last try, ms since the epoch: a hint, nothing to decide by. */
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: RecordHeaders
}

/** A record that a {@link GroupConsumer} fetched for this member. */
export interface FetchedRecord extends LogRecord {
  /** What it takes in memory, about: key, value, headers and 100 more. */
  readonly bytes: number
  readonly epoch: Epoch
}

const RECORD_OVERHEAD_BYTES = 100

/** One kafkajs message as a record of the log. */
export function toLogRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: copied(message.key),
    value: copied(message.value),
    headers: headersOf(message.headers),
  }
}

/** One kafkajs message as a fetched record. */
export function toFetchedRecord(
  topic: string,
  partition: number,
  offset: number,
  message: KafkaMessage,
  epoch: Epoch,
): FetchedRecord {
  const headers = headersOf(message.headers)
  const keyBytes = message.key?.length ?? 0
  const valueBytes = message.value?.length ?? 0
  return {
    topic,
    partition,
    offset,
    timestampMs: Number(message.timestamp),
    key: copied(message.key),
    value: copied(message.value),
    headers,
    bytes: keyBytes + valueBytes + headerBytes(headers) + RECORD_OVERHEAD_BYTES,
    epoch,
  }
}

/** kafkajs gives slices of the whole answer: kept as they are, one long attempt would hold megabytes. */
function copied(bytes: Buffer | null): Uint8Array | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes)
}

function headersOf(headers: IHeaders | undefined): RecordHeaders {
  const result: Record<string, Uint8Array | string | undefined> = {}
  if (headers === undefined) return result
  for (const name in headers) {
    if (name === '__proto__') continue // would become the prototype
    const value = headers[name]
    const last = Array.isArray(value) ? value.at(-1) : value
    result[name] = typeof last === 'object' && last !== null ? Buffer.from(last) : last
  }
  return result
}

function headerBytes(headers: RecordHeaders): number {
  let bytes = 0
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0)
  return bytes
}
