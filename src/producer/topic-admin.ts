// Everything about topics and groups but records: which there are, creating, trimming, offsets. Offsets are numbers:
// 2^53 is enough for a partition, and arithmetic is what they are for.

import kafkajs from 'kafkajs' // its CommonJS export names are not all seen by Node
import type { Admin, ITopicMetadata } from 'kafkajs'
import type { Clock } from '../core/clock.ts'
import { ErrandError, isErrandError } from '../core/errors.ts'
import { Lifecycle } from '../core/lifecycle.ts'
import type { StopReport } from '../core/lifecycle.ts'
import { READING_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { AdminSession } from './admin-session.ts'
import type { CallName } from './admin-session.ts'
import { kafkaErrorType } from './kafka-client.ts'
import type { KafkaSettings } from './kafka-client.ts'
import type { TopicSpec } from './topic-specs.ts'

/** First and next offset of a partition: records stand at `low` to `high - 1`. */
export interface PartitionOffsets {
  readonly partition: number
  readonly low: number
  readonly high: number
}

/** An offset of one partition. */
export interface PartitionOffset {
  readonly partition: number
  readonly offset: number
}

/** What a group has committed. */
export interface CommittedOffset extends PartitionOffset {
  readonly topic: string
  /** -1: never; another negative one: reset to the log start. */
  readonly offset: number
  readonly metadata: string | null
}

/** How long new topics may take to become usable. Unit: ms. */
const READY_MS_MAX = 15_000
const READY_LOOK_MS = 50

/** How long a deleted topic may still be shown. Unit: ms. */
const GONE_MS_MAX = 2_000

/** How long too few brokers for the replication factor may be a matter of their start. Unit: ms. */
const BROKERS_MS_MAX = 3_000

/** Asked of the broker; below the client's own limit for an answer. Unit: ms. */
const BROKER_MS_MAX = 9_000

/**
 * Topics and groups. Every method rejects with ErrandErrors: `unavailable` after about 20 s without an answer, `not_found`
 * with the topic, `configuration` when something is not allowed, `conflict` when not running.
 */
export class TopicAdmin {
  readonly #clock: Clock
  readonly #session: AdminSession
  readonly #lifecycle = new Lifecycle('the topic admin')

  constructor(options: { readonly settings: KafkaSettings; readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = options.clock
    this.#session = new AdminSession(options.settings, options.clock, options.logger)
  }

  start(): Promise<void> {
    return this.#lifecycle.start(() => this.#session.open())
  }

  stop(): Promise<StopReport> {
    return this.#lifecycle.stop(() => this.#session.close())
  }

  /** Every topic that the user may see. */
  listTopics(): Promise<string[]> {
    return this.#run({ doing: 'listing topics' }, admin => admin.listTopics())
  }

  /** Partitions of each topic; those that do not exist are absent. One request, a second when one is missing. */
  async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const found = await this.#existing(topics)
    return new Map(found.map(({ name, partitions }) => [name, partitions.length]))
  }

  /**
   * Creates the topics that are missing, in one request, and waits until each can be written to. Topics that exist are left
   * as they are, also when somebody else makes them at the same time.
   */
  async provision(specs: readonly TopicSpec[]): Promise<void> {
    if (specs.length === 0) return
    const names = specs.map(spec => spec.topic)
    const existing = await this.partitionCounts(names)
    const missing = specs.filter(spec => !existing.has(spec.topic))
    if (missing.length > 0) await this.#create(missing)
    await this.#untilLed(names)
    await this.#untilUsable(missing.map(spec => spec.topic))
  }

  /** Deletes topics; those that do not exist are no error. Waits up to 2 s until they are no longer shown. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    const existing = [...(await this.partitionCounts(topics)).keys()]
    if (existing.length === 0) return
    await this.#run({ doing: `deleting ${existing.join(', ')}` }, async admin => {
      if (await tryDelete(admin, existing)) return
      // One was gone already, and the answer tells no more: each by itself, so that no other failure hides behind it.
      for (const topic of existing) await tryDelete(admin, [topic])
    })
    const untilMs = this.#clock.monotonicMs() + GONE_MS_MAX
    while (this.#clock.monotonicMs() < untilMs && (await this.#existing(existing)).length > 0) {
      await this.#clock.sleep(READY_LOOK_MS)
    }
  }

  /** Gives a topic these settings and no others: those of its own that are not named fall back to the broker's. */
  async replaceSettings(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }]
    await this.#run({ doing: `altering ${topic}`, topic }, admin =>
      admin.alterConfigs({ validateOnly: false, resources }),
    )
  }

  /** Gives a topic more partitions, `count` in all, and waits until each can be written to. */
  async addPartitions(topic: string, count: number): Promise<void> {
    await this.#run({ doing: `adding partitions to ${topic}`, topic }, admin =>
      admin.createPartitions({ topicPartitions: [{ topic, count }], timeout: BROKER_MS_MAX }),
    )
    await this.#untilLed([topic])
    await this.#untilUsable([topic])
  }

  /** First and next offset of every partition of a topic. Rejects with `not_found` for a topic that does not exist. */
  async offsets(topic: string): Promise<PartitionOffsets[]> {
    const offsets = await this.#run({ doing: `asking for the offsets of ${topic}`, topic }, admin =>
      admin.fetchTopicOffsets(topic),
    )
    return offsets
      .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
      .sort(byPartition)
  }

  /** The same for many topics; those that do not exist are absent. */
  async offsetsMany(topics: readonly string[]): Promise<Map<string, PartitionOffsets[]>> {
    const waiting = [...(await this.partitionCounts(topics)).keys()]
    const found = new Map<string, PartitionOffsets[]>()
    const fetchNext = async (): Promise<void> => {
      for (let topic = waiting.pop(); topic !== undefined; topic = waiting.pop()) {
        found.set(topic, await this.offsets(topic))
      }
    }
    await Promise.all(Array.from({ length: READING_LIMITS.topicsAtOnceMax }, fetchNext))
    return found
  }

  /** What a group has committed, for every partition of the topics that exist. */
  async committed(groupId: string, topics: readonly string[]): Promise<CommittedOffset[]> {
    const counts = await this.partitionCounts(topics)
    if (counts.size === 0) return []
    const doing = `asking for the offsets of group ${groupId}`
    const offsets = await this.#run({ doing }, async admin => {
      const answers = await admin.fetchOffsets({ groupId, topics: [...counts.keys()] })
      // kafkajs asks for no partition of a topic that its picture lacks at the moment. To say nothing would be a lie.
      const isWhole = answers.every(({ topic, partitions }) => partitions.length >= (counts.get(topic) ?? 0))
      if (isWhole && answers.length === counts.size) return answers
      throw new ErrandError('unavailable', `while ${doing}: the answer lacks partitions. Try again.`)
    })
    return offsets.flatMap(({ topic, partitions }) =>
      partitions
        .map(({ partition, offset, metadata }) => ({ topic, partition, offset: Number(offset), metadata }))
        .sort(byPartition),
    )
  }

  /** The first offset at or after a time: the end for the future. `atMs`: ms since the epoch, by the writers' clocks. */
  async offsetsAtTime(topic: string, atMs: number): Promise<PartitionOffset[]> {
    const offsets = await this.#run({ doing: `asking for offsets of ${topic} by time`, topic }, admin =>
      admin.fetchTopicOffsetsByTimestamp(topic, atMs),
    )
    return offsets.map(({ partition, offset }) => ({ partition, offset: Number(offset) })).sort(byPartition)
  }

  /**
   * Deletes the records below these offsets. Below the log start nothing is done; beyond the end is `invalid_argument`.
   * The caller never goes beyond what is committed.
   */
  async deleteRecordsBefore(topic: string, offsets: readonly PartitionOffset[]): Promise<void> {
    await this.#run({ doing: `trimming ${topic}`, topic }, async admin => {
      // A client that has never seen the topic refuses to trim it; asking for its offsets shows it.
      const bounds = await admin.fetchTopicOffsets(topic)
      const low = new Map(bounds.map(bound => [bound.partition, Number(bound.low)]))
      const partitions = offsets
        .filter(({ partition, offset }) => offset > (low.get(partition) ?? -1))
        .map(({ partition, offset }) => ({ partition, offset: String(offset) }))
      if (partitions.length > 0) await admin.deleteTopicRecords({ topic, partitions })
    })
  }

  /** How many members each group has; 0 for one that does not exist. */
  async groupSizes(groupIds: readonly string[]): Promise<Map<string, number>> {
    if (groupIds.length === 0) return new Map()
    const { groups } = await this.#run({ doing: 'asking for the members of groups' }, admin =>
      admin.describeGroups([...groupIds]),
    )
    return new Map(groups.map(({ groupId, members }) => [groupId, members.length]))
  }

  /** Deletes a group without members; one that does not exist is no error, one with members is `conflict`. */
  async deleteGroup(groupId: string): Promise<void> {
    await this.#run({ doing: `deleting group ${groupId}` }, async admin => {
      try {
        await admin.deleteGroups([groupId])
      } catch (error) {
        if (kafkaErrorType(error) !== 'GROUP_ID_NOT_FOUND') throw error
      }
    })
  }

  /** All settings of each topic, the broker's defaults included; topics that do not exist are absent. */
  async topicConfigs(topics: readonly string[]): Promise<Map<string, Record<string, string>>> {
    const existing = [...(await this.partitionCounts(topics)).keys()]
    if (existing.length === 0) return new Map()
    const { resources } = await this.#run({ doing: 'asking for the settings of topics' }, admin =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: existing.map(name => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
      }),
    )
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    )
  }

  /** Asks once whether a broker answers, and how many there are. */
  async ping(): Promise<{ brokers: number }> {
    const { brokers } = await this.#run({ doing: 'asking whether Kafka is there', isOnce: true }, admin =>
      admin.describeCluster(),
    )
    return { brokers: brokers.length }
  }

  async #run<T>(name: CallName, call: (admin: Admin) => Promise<T>): Promise<T> {
    this.#lifecycle.check()
    return await this.#session.run(name, call)
  }

  /** A request for named topics fails as a whole when one is missing: then all are listed. */
  async #existing(topics: readonly string[]): Promise<ITopicMetadata[]> {
    const names = [...new Set(topics)]
    if (names.length === 0) return []
    const wanted = new Set(names)
    const found = await this.#run({ doing: 'looking up topics' }, async admin => {
      try {
        return await admin.fetchTopicMetadata({ topics: names })
      } catch (error) {
        if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
        return await admin.fetchTopicMetadata()
      }
    })
    return found.topics.filter(({ name }) => wanted.has(name))
  }

  /** Brokers that have only just started do not count as replicas yet, so that refusal is believed after a while only. */
  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const doing = `creating ${specs.map(spec => spec.topic).join(', ')}`
    const untilMs = this.#clock.monotonicMs() + BROKERS_MS_MAX
    for (;;) {
      try {
        return await this.#run({ doing }, admin => create(admin, specs))
      } catch (error) {
        if (kafkaErrorType(error) !== 'INVALID_REPLICATION_FACTOR' || this.#clock.monotonicMs() >= untilMs) throw error
      }
      await this.#clock.sleep(READY_LOOK_MS)
    }
  }

  /** Waits until the cluster's picture shows a leader for every partition. */
  async #untilLed(topics: readonly string[]): Promise<void> {
    await this.#until(topics, 'without a leader', async () => {
      const found = await this.#existing(topics)
      const led = found.filter(({ partitions }) => partitions.length > 0 && partitions.every(isLed))
      const names = new Set(led.map(({ name }) => name))
      return topics.every(topic => names.has(topic))
    })
  }

  /** A leader is named before it has opened the log: a write that comes too early fails for one partition and is repeated for all. */
  async #untilUsable(topics: readonly string[]): Promise<void> {
    await this.#until(topics, 'that are not yet open', async () => {
      try {
        return (await this.offsetsMany(topics)).size === topics.length
      } catch (error) {
        if (isErrandError(error, 'not_found') || isErrandError(error, 'unavailable')) return false
        throw error
      }
    })
  }

  async #until(topics: readonly string[], missing: string, look: () => Promise<boolean>): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + READY_MS_MAX
    while (!(await look())) {
      if (this.#clock.monotonicMs() >= untilMs) {
        throw new ErrandError(
          'unavailable',
          `topics ${missing} after ${READY_MS_MAX} ms: some of ${topics.join(', ')}. Look at the brokers' logs.`,
          { details: { topics } },
        )
      }
      await this.#clock.sleep(READY_LOOK_MS)
    }
  }
}

/** One request; a race with somebody who creates the same topics is no error. */
async function create(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  try {
    await admin.createTopics({
      waitForLeaders: false,
      timeout: BROKER_MS_MAX,
      topics: specs.map(({ topic, partitions, replicationFactor, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replicationFactor ?? -1,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
    })
  } catch (error) {
    const serious = failuresOf(error).filter(one => kafkaErrorType(one) !== 'TOPIC_ALREADY_EXISTS')
    if (serious.length > 0) throw serious[0]
  }
}

/** False when a topic did not exist. */
async function tryDelete(admin: Admin, topics: string[]): Promise<boolean> {
  try {
    await admin.deleteTopics({ topics, timeout: BROKER_MS_MAX })
    return true
  } catch (error) {
    if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    return false
  }
}

/** kafkajs gathers the failures of a createTopics in one error; the topics that did not fail are created. */
function failuresOf(error: unknown): readonly unknown[] {
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors
  return [error]
}

function isLed({
  leader,
  partitionErrorCode,
}: {
  readonly leader: number
  readonly partitionErrorCode: number
}): boolean {
  return leader >= 0 && partitionErrorCode === 0
}

function byPartition(a: { readonly partition: number }, b: { readonly partition: number }): number {
  return a.partition - b.partition
}
