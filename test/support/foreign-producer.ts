// A producer that knows nothing of Errand, by another client than Errand's: bytes as they are, any header, any codec.

import { Producer } from '@platformatic/kafka'
import { kafkaBrokers } from './stack.ts'

/** What kafkajs can read (`none`, `gzip`) and what it cannot. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** One of {@link CODECS}. */
export type Codec = (typeof CODECS)[number]

/** A record as anybody may write it. */
export interface ForeignRecord {
  /** @defaultValue none: a record without a key */
  readonly key?: Buffer | string | undefined
  /** null: a tombstone. */
  readonly value: Buffer | null
  readonly headers?: readonly (readonly [Buffer | string, Buffer | string])[] | undefined
  /** @defaultValue now */
  readonly timestampMs?: number | undefined
  /** @defaultValue 'none' */
  readonly codec?: Codec | undefined
}

const bytes = (of: Buffer | string): Buffer => (typeof of === 'string' ? Buffer.from(of) : of)

/** Writes records; closes when disposed. */
export class ForeignProducer implements AsyncDisposable {
  readonly #producer = new Producer({ clientId: 'foreign', bootstrapBrokers: kafkaBrokers(), acks: -1 })

  /** Writes one record, in a batch of its own, and gives its place: `topic/partition/offset`. */
  async send(topic: string, record: ForeignRecord, partition = 0): Promise<string> {
    const { key, value, headers, timestampMs, codec = 'none' } = record
    const message = {
      topic,
      partition,
      ...(key === undefined ? {} : { key: bytes(key) }),
      ...(value === null ? {} : { value }),
      ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
      // A map of bytes, so that one name may stand there often.
      ...(headers === undefined ? {} : { headers: new Map(headers.map(([name, text]) => [bytes(name), bytes(text)])) }),
    }
    const { offsets } = await this.#producer.send({ messages: [message], compression: codec })
    return `${topic}/${partition}/${String(offsets?.[0]?.offset)}`
  }

  /** Writes records in one batch, and gives their places. */
  async sendTogether(
    topic: string,
    records: readonly Pick<ForeignRecord, 'key' | 'value'>[],
    partition = 0,
  ): Promise<string[]> {
    const messages = records.map(({ key, value }) => ({
      topic,
      partition,
      ...(key === undefined ? {} : { key: bytes(key) }),
      ...(value === null ? {} : { value }),
    }))
    const { offsets } = await this.#producer.send({ messages, acks: -1 })
    const first = Number(offsets?.[0]?.offset)
    return records.map((_, at) => `${topic}/${partition}/${first + at}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.close()
  }
}
