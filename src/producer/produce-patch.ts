// How records get into a produce request. kafkajs sorts messages into partitions by copying those sorted so far for each next
// one, and encodes each record and header in a buffer of its own: half of all that a write costs. Errand's records are sorted
// already, so each partition's travel through kafkajs as one message, and are encoded here, in place, as one batch. The way
// itself stays kafkajs's: its picture of the cluster, its connections, its timeouts and errors. Other messages are untouched.

import { createRequire } from 'node:module'
import { systemClock } from '../core/clock.ts'
import { invariant } from '../core/errors.ts'
import type { BatchRecord } from './record-batch.ts'
import { measureBatch, writeBatch } from './record-batch.ts'
import { checkKafkajsVersion } from './request-queue-patch.ts'

const PATCHED = Symbol.for('errand.kafkajs.producePatch')
/** The first version of the request that carries record batches of format 2, as every broker since Kafka 0.11 does. */
const BATCHES_SINCE_VERSION = 3
const PRODUCE_API = 0
const REQUEST_FIELDS_BYTES = 2 + 2 + 4 + 4
const PARTITION_FIELDS_BYTES = 4 + 4

/** All records of one partition as one message, which kafkajs hands on without a look. */
export class PartitionMessage {
  readonly partition: number
  readonly records: readonly BatchRecord[]
  /** Only `undefined` would be refused. */
  readonly value = null

  constructor(partition: number, records: readonly BatchRecord[]) {
    this.partition = partition
    this.records = records
  }
}

interface TopicData {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly messages: readonly unknown[] }[]
}

interface ProduceParams {
  readonly acks: number
  readonly timeout: number
  readonly topicData: readonly TopicData[]
}

interface ProduceProtocol {
  readonly request: { readonly apiVersion: number; readonly encode: () => Promise<EncoderLike> }
  readonly response: unknown
}

interface EncoderLike {
  buf: Buffer
  offset: number
}

/** What the patch needs of kafkajs's broker. */
interface BrokerLike {
  lookupRequest(api: number, definition: unknown): (params: ProduceParams) => ProduceProtocol
  produce(params: ProduceParams): Promise<unknown>
  readonly [key: symbol]: (protocol: ProduceProtocol) => Promise<unknown>
}

/** Patches kafkajs once per process. Called whenever a client is made. Throws `configuration` for another kafkajs. */
export function patchProduce(): void {
  const load = createRequire(import.meta.url)
  const { version }: { version: string } = load('kafkajs/package.json')
  checkKafkajsVersion(version)
  const { prototype }: { prototype: BrokerLike } = load('kafkajs/src/broker')
  if (PATCHED in prototype) return
  const { requests }: { requests: { Produce: unknown } } = load('kafkajs/src/protocol/requests')
  const Encoder: new (bytes: number) => EncoderLike = load('kafkajs/src/protocol/encoder')
  const send = Object.getOwnPropertySymbols(prototype).find(({ description }) => description === SEND_REQUEST)
  invariant(send !== undefined, `kafkajs ${version} has no ${SEND_REQUEST}`)
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this` below
  const original = prototype.produce
  prototype.produce = async function produce(this: BrokerLike, params: ProduceParams): Promise<unknown> {
    const topics = params.topicData.map(ownTopic)
    if (!topics.every(topic => topic !== undefined)) return original.call(this, params)
    const { request, response } = this.lookupRequest(PRODUCE_API, requests.Produce)(params)
    invariant(request.apiVersion >= BATCHES_SINCE_VERSION, 'the broker is older than Kafka 0.11')
    const encode = (): Promise<EncoderLike> => {
      const encoder = new Encoder(1)
      encoder.buf = encodeProduce(params, topics, systemClock.nowMs())
      encoder.offset = encoder.buf.length
      return Promise.resolve(encoder)
    }
    return this[send]?.({ request: { ...request, encode }, response })
  }
  Object.defineProperty(prototype, PATCHED, { value: true })
}

const SEND_REQUEST = 'private:Broker:sendRequest'

interface OwnTopic {
  readonly topic: string
  readonly messages: readonly PartitionMessage[]
}

/** Undefined when something in it is not Errand's. */
function ownTopic({ topic, partitions }: TopicData): OwnTopic | undefined {
  const all = partitions.flatMap(each => each.messages)
  const messages = all.filter(message => message instanceof PartitionMessage)
  if (messages.length < all.length) return undefined
  invariant(all.length === partitions.length, `a partition of ${topic} has several batches in one request`)
  return { topic, messages }
}

/** The request's body: transactional id, acks, timeout, then per topic and partition a record batch. */
function encodeProduce(
  { acks, timeout }: Pick<ProduceParams, 'acks' | 'timeout'>,
  topics: readonly OwnTopic[],
  nowMs: number,
): Buffer {
  const measured = topics.map(({ topic, messages }) => ({
    topic,
    batches: messages.map(({ partition, records }) => ({ partition, batch: measureBatch(records) })),
  }))
  let bytes = REQUEST_FIELDS_BYTES
  for (const { topic, batches } of measured) {
    bytes += 2 + Buffer.byteLength(topic) + 4
    for (const { batch } of batches) bytes += PARTITION_FIELDS_BYTES + batch.bytes
  }
  const body = Buffer.allocUnsafe(bytes)
  let at = body.writeInt16BE(-1, 0) // no transactional id
  at = body.writeInt16BE(acks, at)
  at = body.writeInt32BE(timeout, at)
  at = body.writeInt32BE(measured.length, at)
  for (const { topic, batches } of measured) {
    at = body.writeInt16BE(Buffer.byteLength(topic), at)
    at += body.write(topic, at)
    at = body.writeInt32BE(batches.length, at)
    for (const { partition, batch } of batches) {
      at = body.writeInt32BE(partition, at)
      at = body.writeInt32BE(batch.bytes, at)
      at = writeBatch(batch, body, at, nowMs)
    }
  }
  invariant(at === bytes, `a produce request was measured as ${bytes} bytes and has ${at}`)
  return body
}
