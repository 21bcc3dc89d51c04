// The kafkajs producer in use, and its replacement. A producer's picture of the cluster can be beyond repair: one
// deleted topic that it knows makes all its sends fail, also after a reconnect, and partitions that were added stay
// unknown to it for a minute. A new producer heals both, so it is swapped in, once for all that ask at the same time.

import type { Kafka, Producer, RequestEvent } from 'kafkajs'
import type { Clock } from '../core/clock.ts'
import { withDeadline } from '../core/clock.ts'
import { ErrandError, invariant } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Part, PartitionAnswer } from './coverage.ts'
import {
  KAFKA_DEFAULTS,
  METADATA_AGE_MS_MAX,
  closeSockets,
  createKafka,
  fromKafka,
  kafkaErrorType,
  kafkaRetry,
} from './kafka-client.ts'
import type { KafkaSettings } from './kafka-client.ts'
import { PartitionMessage } from './produce-patch.ts'

/** How long connecting may take at the start and at a swap. Unit: ms. */
const OPEN_MS_MAX = 15_000

/** How long closing may wait for a broker that does not answer. Unit: ms. */
const CLOSE_MS_MAX = 5_000

/** A picture this much younger than kafkajs's limit counts as one that is about to be renewed. Unit: ms. */
const METADATA_MARGIN_MS = 100

/** One kafkajs producer. */
export class ProducerClient {
  /** 1 for the first, counted up with every swap. */
  readonly generation: number
  readonly #kafka: Kafka
  readonly #producer: Producer
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #ackTimeoutMs: number
  readonly #topics = new Set<string>()
  #metadataAtMs: number
  #underWay = 0
  #isRetired = false
  /** Produce requests that were answered. */
  requests = 0

  constructor(generation: number, settings: KafkaSettings, clock: Clock, logger: Logger) {
    this.generation = generation
    this.#clock = clock
    this.#logger = logger
    this.#metadataAtMs = clock.monotonicMs()
    this.#ackTimeoutMs = settings.requestTimeoutMs ?? KAFKA_DEFAULTS.requestTimeoutMs
    this.#kafka = createKafka(settings)
    this.#producer = this.#kafka.producer({
      // No retries by kafkajs: they cannot say which partition failed, send again what others have already written, and
      // keep on for 20 s at a topic that is gone. The writer's own have no count, only the deadline.
      retry: kafkaRetry(0),
      idempotent: false,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_AGE_MS_MAX,
      createPartitioner: () => chosenPartition,
    })
    this.#producer.on(this.#producer.events.REQUEST, event => this.#onRequest(event))
  }

  connect(): Promise<void> {
    return this.#producer.connect()
  }

  /** True when a send waits for the cluster's picture first, so that a later one could overtake it. */
  mayRefresh(parts: readonly Part[]): boolean {
    if (this.#clock.monotonicMs() - this.#metadataAtMs > METADATA_AGE_MS_MAX - METADATA_MARGIN_MS) return true
    return parts.some(part => !this.#topics.has(part.topic))
  }

  /** One request per broker. Rejects with kafkajs's own error. */
  async send(parts: readonly Part[]): Promise<readonly PartitionAnswer[]> {
    this.#underWay++
    try {
      const answers = await this.#producer.sendBatch({
        acks: -1,
        timeout: this.#ackTimeoutMs,
        topicMessages: byTopic(parts),
      })
      for (const answer of answers) this.#topics.add(answer.topicName)
      return answers
    } finally {
      this.#underWay--
      if (this.#isRetired && this.#underWay === 0) void this.close()
    }
  }

  /** Closes once nothing is under way. */
  retire(): void {
    this.#isRetired = true
    if (this.#underWay === 0) void this.close()
  }

  /** Closes now; a broker that does not answer is not waited for. */
  async close(): Promise<void> {
    const late = (): Error => new ErrandError('timeout', `closing took longer than ${CLOSE_MS_MAX} ms`)
    await withDeadline(this.#clock, this.#producer.disconnect(), CLOSE_MS_MAX, late).catch((error: unknown) => {
      // Nothing is lost by it: every write has its answer.
      this.#logger.warn('a Kafka producer did not close cleanly', { error: String(error) })
    })
    closeSockets(this.#kafka)
  }

  #onRequest({ payload }: RequestEvent): void {
    if (payload.apiName === 'Produce') this.requests++
    else if (payload.apiName === 'Metadata') this.#metadataAtMs = this.#clock.monotonicMs()
  }
}

/** The producer in use. */
export class ProducerClients {
  readonly #settings: KafkaSettings
  readonly #clock: Clock
  readonly #logger: Logger
  #current: ProducerClient | undefined
  #renewing: Promise<void> | undefined
  #requestsBefore = 0

  constructor(settings: KafkaSettings, clock: Clock, logger: Logger) {
    this.#settings = settings
    this.#clock = clock
    this.#logger = logger
  }

  /** Connects the first producer. Rejects with `unavailable` or `configuration` and leaves nothing open. */
  async open(): Promise<void> {
    this.#current = await this.#connect(1)
  }

  get current(): ProducerClient {
    invariant(this.#current !== undefined, 'the producer is used before it was opened')
    return this.#current
  }

  /** True while a swap is under way; sending on the old producer would most likely fail. */
  get isRenewing(): boolean {
    return this.#renewing !== undefined
  }

  /** Produce requests that were answered, by all producers so far. */
  get requests(): number {
    return this.#requestsBefore + (this.#current?.requests ?? 0)
  }

  /** Resolves when no swap is under way. */
  async whenSettled(): Promise<void> {
    await this.#renewing
  }

  /** Swaps a producer for a new one, unless that was done meanwhile. When the brokers do not answer, the old one stays. */
  renew(stale: ProducerClient, why: string): Promise<void> {
    if (stale !== this.#current) return this.whenSettled()
    this.#renewing ??= this.#swap(stale, why).finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async close(): Promise<void> {
    await this.#renewing
    await this.#current?.close()
  }

  async #swap(stale: ProducerClient, why: string): Promise<void> {
    this.#logger.info('swapping in a new Kafka producer', { why, generation: stale.generation + 1 })
    try {
      this.#current = await this.#connect(stale.generation + 1)
    } catch (error) {
      this.#logger.warn('a new Kafka producer could not connect; the old one stays', { error: String(error) })
      return
    }
    this.#requestsBefore += stale.requests
    stale.retire()
  }

  async #connect(generation: number): Promise<ProducerClient> {
    const client = new ProducerClient(generation, this.#settings, this.#clock, this.#logger)
    const brokers = this.#settings.brokers.join(', ')
    try {
      await withDeadline(
        this.#clock,
        client.connect(),
        OPEN_MS_MAX,
        () =>
          new ErrandError(
            'unavailable',
            `no Kafka broker of ${brokers} answered within ${OPEN_MS_MAX} ms. Check \`brokers\` (ERRAND_KAFKA_BROKERS) and the network.`,
            { details: { field: 'brokers', received: this.#settings.brokers } },
          ),
      )
      return client
    } catch (error) {
      void client.close()
      throw fromKafka(error, `connecting to Kafka at ${brokers}`, { brokers: this.#settings.brokers })
    }
  }
}

/** The broker's or kafkajs's error that a new producer is the answer to. */
export function isUnknownTopic(error: unknown): boolean {
  return kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
}

/** Every record says its partition. */
function chosenPartition({ message }: { readonly message: { readonly partition?: number } }): number {
  return message.partition ?? 0
}

function byTopic(parts: readonly Part[]): { topic: string; messages: PartitionMessage[] }[] {
  const topics = new Map<string, PartitionMessage[]>()
  for (const { topic, partition, entries } of parts) {
    const messages = topics.get(topic) ?? []
    messages.push(new PartitionMessage(partition, entries))
    topics.set(topic, messages)
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}
