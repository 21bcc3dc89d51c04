// One kafkajs consumer from opening to closing, with every setting that must not be left to kafkajs's defaults. kafkajs's
// types end here. Whoever holds a session decides; a session only translates, and never throws into kafkajs: what a batch
// handler throws there stops the consumer for good or for a while.

import type { Batch, Cluster, Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import { crossing } from '../core/crash-point.ts'
import { ErrandError, fromUnknown } from '../core/errors.ts'
import { withDeadline } from '../core/clock.ts'
import { CONSUMER_LIMITS } from '../core/limits.ts'
import {
  METADATA_AGE_MS_MAX,
  closeSockets,
  createKafka,
  fromKafka,
  kafkaErrorType,
  kafkaRetry,
} from '../producer/kafka-client.ts'
import type { CommittedOffset } from './assigned-partition.ts'
import type { AssignedTopics } from './assignment.ts'
import { decodeFinishedAhead } from './commit-metadata.ts'
import type { Commit } from './committer.ts'
import type { ResolvedGroupConsumerOptions } from './group-consumer-options.ts'
import { patchIdleFetch } from './idle-fetch-patch.ts'
import { partitionAssigners } from './sticky-protocol.ts'
import type { TopicPartition } from './topic-partition.ts'
import { byTopic, partitionKey } from './topic-partition.ts'
import type { Watermarks } from './watermark.ts'

/** A batch as kafkajs fetched it. */
export interface SessionBatch extends TopicPartition {
  /** Where the fetch began; undefined when this kafkajs does not say. */
  readonly fetchedOffset: number | undefined
  /** One above the last offset that the batch covers, invisible records included. */
  readonly nextOffset: number
  readonly messages: readonly KafkaMessage[]
  /** A seek is pending, so this batch comes again from elsewhere. */
  readonly isStale: boolean
  /** Lets kafkajs go on behind the batch. */
  resolve(): void
}

/** What a session tells; all synchronously. What they throw is logged. */
export interface SessionEvents {
  /** After each join, before the next fetch. */
  onJoin(memberId: string, assigned: AssignedTopics): void
  onBatch(batch: SessionBatch): void
  /** kafkajs stepped over records that are not visible, up to and including `lastOffset`. */
  onSkipped(partition: TopicPartition, lastOffset: number): void
  /** A heartbeat or a fetch. */
  onAlive(): void
  /** kafkajs has stopped for good. */
  onCrash(error: ErrandError, isFatal: boolean): void
}

/** Retries inside the client; restarting is the supervisor's work. */
const RETRIES = 5
const CLOSE_MS_MAX = 5_000

/** A running kafkajs consumer. */
export class GroupSession {
  readonly #options: ResolvedGroupConsumerOptions
  readonly #topics: readonly string[]
  readonly #events: SessionEvents
  readonly #kafka: Kafka
  readonly #consumer: Consumer
  #cluster: Cluster | undefined
  #hasConnected = false
  #opening: Promise<void> = Promise.resolve()
  #isAbandoned = false

  /** `owned`: what this member has now, for the assigner. */
  constructor(
    options: ResolvedGroupConsumerOptions,
    topics: readonly string[],
    owned: () => Record<string, number[]>,
    events: SessionEvents,
  ) {
    this.#options = options
    this.#topics = topics
    this.#events = events
    patchIdleFetch()
    this.#kafka = createKafka(options.settings) // one for each consumer: they would share a cache of offsets
    this.#consumer = this.#kafka.consumer({
      groupId: options.groupId,
      partitionAssigners: partitionAssigners(owned, options.logger, cluster => {
        this.#cluster = cluster
      }),
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      heartbeatInterval: options.heartbeatMs,
      metadataMaxAge: METADATA_AGE_MS_MAX,
      ...fetchBytes(options.marks),
      maxWaitTimeInMs: options.maxWaitMs,
      allowAutoTopicCreation: false,
      retry: { ...kafkaRetry(RETRIES), restartOnFailure: () => Promise.resolve(false) },
    })
    this.#listen()
  }

  /** True once the brokers have answered. */
  get hasConnected(): boolean {
    return this.#hasConnected
  }

  /** Connects, subscribes and runs. Resolves when kafkajs runs; whether it joined is told by the events. */
  open(): Promise<void> {
    this.#opening = this.#open()
    return this.#opening
  }

  async #open(): Promise<void> {
    const { groupId } = this.#options
    try {
      await this.#consumer.connect()
      this.#hasConnected = true
      await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: payload => {
          this.#guarded('a batch', () => this.#events.onBatch(toSessionBatch(payload)))
          return Promise.resolve()
        },
      })
    } catch (error) {
      throw fromKafka(error, `opening the consumer of group '${groupId}'`, { topics: this.#topics })
    }
  }

  /** Leaves the group and closes the connections, after an opening under way. What hangs is given up after 5 s. */
  async close(): Promise<void> {
    const { clock, logger, groupId } = this.#options
    const tooLong = (): Error => new ErrandError('timeout', `closing took more than ${CLOSE_MS_MAX} ms`)
    this.#isAbandoned = true
    const opened = this.#opening.catch(() => undefined) // whoever opened it has the error
    await withDeadline(clock, opened, CLOSE_MS_MAX, tooLong).catch(() => undefined) // it ends at its join, or with the process
    try {
      await withDeadline(clock, this.#consumer.disconnect(), CLOSE_MS_MAX, tooLong)
    } catch (error) {
      logger.warn('a consumer was not closed cleanly', { groupId, reason: fromUnknown(error, 'unavailable').message })
    }
    closeSockets(this.#kafka)
  }

  /** Makes the next fetch of the partition begin there. */
  seek({ topic, partition }: TopicPartition, offset: number): void {
    this.#guarded('seek', () => this.#consumer.seek({ topic, partition, offset: String(offset) }))
  }

  pause(partitions: Iterable<TopicPartition>): void {
    const list = byTopic(partitions)
    if (list.length > 0) this.#guarded('pause', () => this.#consumer.pause(list))
  }

  resume(partitions: Iterable<TopicPartition>): void {
    const list = byTopic(partitions)
    if (list.length > 0) this.#guarded('resume', () => this.#consumer.resume(list))
  }

  /** Pauses every topic as a whole. Pausing single partitions would undo it. */
  pauseAll(): void {
    this.#guarded('pause', () => this.#consumer.pause(this.#topics.map(topic => ({ topic }))))
  }

  /** Forgets every pause. */
  resumeAll(): void {
    this.#guarded('resume', () => this.#consumer.resume(this.#topics.map(topic => ({ topic }))))
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    const list = commits.map(({ topic, partition, offset, metadata }) => ({
      topic,
      partition,
      offset: String(offset),
      metadata: metadata === '' ? null : metadata,
    }))
    try {
      await crossing('offsets.committed', () => this.#consumer.commitOffsets(list))
    } catch (error) {
      throw fromKafka(error, `committing offsets of group '${this.#options.groupId}'`)
    }
  }

  /** What the group has committed, by {@link partitionKey}. */
  async committed(partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>> {
    const { groupId } = this.#options
    try {
      const coordinator = await this.#knownCluster().findGroupCoordinator({ groupId })
      const topics = byTopic(partitions).map(({ topic, partitions: list }) => ({
        topic,
        partitions: list.map(partition => ({ partition, offset: '-1' })),
      }))
      const { responses } = await coordinator.offsetFetch({ groupId, topics })
      return new Map(responses.flatMap(({ topic, partitions: list }) => list.map(each => toCommitted(topic, each))))
    } catch (error) {
      throw fromKafka(error, `reading the committed offsets of group '${groupId}'`)
    }
  }

  /** The offsets that a partition's log holds: from `low` up to, not including, `high`. */
  async bounds({ topic, partition }: TopicPartition): Promise<{ low: number; high: number }> {
    const cluster = this.#knownCluster()
    const ask = async (fromBeginning: boolean): Promise<number> => {
      const answer = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }])
      return Number(answer[0]?.partitions[0]?.offset ?? Number.NaN)
    }
    try {
      const [low, high] = await Promise.all([ask(true), ask(false)])
      if (low >= 0 && high >= low) return { low, high }
    } catch (error) {
      throw fromKafka(error, `reading the bounds of partition ${partition} of '${topic}'`)
    }
    throw new ErrandError('unavailable', `partition ${partition} of '${topic}' does not say what it holds`)
  }

  #knownCluster(): Cluster {
    if (this.#cluster !== undefined) return this.#cluster
    throw new ErrandError('internal', 'kafkajs made a consumer without making its assigners')
  }

  #listen(): void {
    const { GROUP_JOIN, HEARTBEAT, FETCH, START_BATCH_PROCESS, CRASH } = this.#consumer.events
    const consumer = this.#consumer
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#refuseLateJoin()
      this.#guarded('a join', () => this.#events.onJoin(payload.memberId, payload.memberAssignment))
    })
    consumer.on(HEARTBEAT, () => this.#events.onAlive())
    consumer.on(FETCH, () => this.#events.onAlive())
    consumer.on(START_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
      if (batchSize > 0) return
      this.#guarded('a skip', () => this.#events.onSkipped({ topic, partition }, Number(lastOffset)))
    })
    consumer.on(CRASH, ({ payload }) => {
      const error = fromKafka(payload.error, `consuming in group '${this.#options.groupId}'`)
      this.#guarded('a crash', () => this.#events.onCrash(error, isCodecTrouble(payload.error)))
    })
  }

  /**
   * A consumer that is disconnected while it joins goes on joining, and would then hold partitions that nobody reads;
   * stopping it again does nothing. An error out of this listener is the one thing that ends it.
   */
  #refuseLateJoin(): void {
    if (this.#isAbandoned) throw new ErrandError('cancelled', 'the consumer was closed while it joined')
  }

  /** kafkajs must see no error of ours, and between a crash and a join its own calls throw: the next join says all again. */
  #guarded(what: string, call: () => void): void {
    try {
      call()
    } catch (error) {
      const { groupId, logger } = this.#options
      const reason = fromUnknown(error, 'internal').message
      logger.warn('a step of the consumer failed', { groupId, step: what, reason })
    }
  }
}

/** A fetch is decoded as a whole before anything of it is bounded, so it is to bring a small part of what may be held. */
function fetchBytes({ bytesHigh }: Watermarks): { readonly maxBytesPerPartition: number; readonly maxBytes: number } {
  const { fetchBytesMax, fetchBytesMin } = CONSUMER_LIMITS
  const maxBytes = Math.max(fetchBytesMin, Math.min(fetchBytesMax, Math.floor(bytesHigh / 4)))
  return { maxBytes, maxBytesPerPartition: Math.max(fetchBytesMin, Math.floor(maxBytes / 2)) }
}

function toSessionBatch(payload: EachBatchPayload): SessionBatch {
  const { batch } = payload
  const { fetchedOffset }: Batch & { readonly fetchedOffset?: string } = batch
  const lastVisible = batch.messages.at(-1)?.offset ?? batch.lastOffset()
  return {
    topic: batch.topic,
    partition: batch.partition,
    fetchedOffset: fetchedOffset === undefined ? undefined : Number(fetchedOffset),
    nextOffset: Number(batch.lastOffset()) + 1,
    messages: batch.messages,
    isStale: payload.isStale(),
    resolve: () => payload.resolveOffset(lastVisible), // kafkajs adds the invisible rest itself
  }
}

function toCommitted(
  topic: string,
  { partition, offset: text, metadata = null }: { partition: number; offset: string; metadata?: string | null },
): [string, CommittedOffset] {
  const number = Number(text)
  const offset = number >= 0 ? number : undefined
  const finishedAhead = offset === undefined ? [] : decodeFinishedAhead(offset, metadata)
  return [partitionKey({ topic, partition }), { offset, metadata, finishedAhead }]
}

function isCodecTrouble(error: Error): boolean {
  return kafkaErrorType(error) === 'KafkaJSNotImplemented'
}
