// What the tests of the consuming side share: topics of their own, records in them, and members that note what they get.

import type { Admin, Producer } from 'kafkajs'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { FetchedRecord } from '../../src/consumer/fetched-record.ts'
import type { GroupConsumerOptions } from '../../src/consumer/group-consumer.ts'
import { GroupConsumer } from '../../src/consumer/group-consumer.ts'
import { decodeFinishedAhead } from '../../src/consumer/commit-metadata.ts'
import type { OffsetRun } from '../../src/consumer/offset-ledger.ts'
import type { KafkaSettings } from '../../src/producer/kafka-client.ts'
import { createKafka, kafkaRetry } from '../../src/producer/kafka-client.ts'
import { freshNamespace, kafkaBrokers } from './stack.ts'

const WAIT_MS_MAX = 80_000

/** A member of a group and everything that it was given. */
export class TestMember implements AsyncDisposable {
  readonly consumer: GroupConsumer
  readonly records: FetchedRecord[] = []
  readonly fatal: ErrandError[] = []
  joins = 0
  readonly #looks = new Set<() => void>()

  constructor(options: Omit<GroupConsumerOptions, 'onRecords'> & Partial<Pick<GroupConsumerOptions, 'onRecords'>>) {
    this.consumer = new GroupConsumer({
      sessionTimeoutMs: 1_500,
      heartbeatMs: 400,
      rebalanceTimeoutMs: 5_000,
      commitIntervalMs: 200,
      ...options,
      onRecords: records => {
        options.onRecords?.(records)
        this.records.push(...records)
        this.#look()
      },
      onJoined: assigned => {
        options.onJoined?.(assigned)
        this.joins += 1
        this.#look()
      },
      onFatal: error => {
        this.fatal.push(error)
        this.#look()
      },
    })
  }

  /** Waits until something holds; looked at whenever records or joins come. */
  until(holds: () => boolean, what = 'what the test waits for'): Promise<void> {
    if (holds()) return Promise.resolve()
    const done = new Promise<void>(resolve => {
      const look = (): void => {
        if (!holds()) return
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
    })
    const late = (): Error =>
      new ErrandError('timeout', `${what} did not come; ${this.records.length} records, ${this.joins} joins`)
    return withDeadline(systemClock, done, WAIT_MS_MAX, late)
  }

  /** Offsets of a partition, in the order in which they came; only those after the first `skip` records. */
  offsets(partition: number, skip = 0): number[] {
    return this.records
      .slice(skip)
      .filter(record => record.partition === partition)
      .map(record => record.offset)
  }

  partitions(): number[] {
    return this.consumer.assigned().map(each => each.partition)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer.stop()
  }

  #look(): void {
    for (const look of [...this.#looks]) look()
  }
}

/** A namespace on the broker with an admin and a producer; what was made is removed at the end. */
export async function openConsuming(brokers: readonly string[] = kafkaBrokers()) {
  const namespace = freshNamespace('c')
  const settings: KafkaSettings = { brokers, clientId: 'consumer-test', logger: silentLogger }
  const kafka = createKafka(settings)
  const admin: Admin = kafka.admin({ retry: kafkaRetry(5) })
  const producer: Producer = kafka.producer({ retry: kafkaRetry(5), allowAutoTopicCreation: false })
  await Promise.all([admin.connect(), producer.connect()])
  const topics: string[] = []
  return {
    namespace,
    settings,
    kafka,
    admin,
    producer,
    groupId: `${namespace}.mail.workers`,
    async topic(partitions: number, config: Readonly<Record<string, string>> = {}): Promise<string> {
      const topic = `${namespace}.mail.t${topics.length}`
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
      topics.push(topic)
      const topicSpec = { topic, numPartitions: partitions, configEntries }
      await admin.createTopics({ topics: [topicSpec], waitForLeaders: false }) // it gives up when the topic is not known yet
      await settled(async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics.length === 1)
      return topic
    },
    /** Waits until the log has grown to an offset: the markers of a transaction come after its end. */
    async grownTo(topic: string, high: number): Promise<void> {
      await settled(async () => Number((await admin.fetchTopicOffsets(topic))[0]?.high) >= high)
    },
    async produce(topic: string, partition: number, count: number, bytes = 10): Promise<void> {
      for (let left = count; left > 0; left -= 1_000) {
        const messages = Array.from({ length: Math.min(1_000, left) }, (_, n) => ({
          partition,
          key: `${n}`,
          value: Buffer.alloc(bytes, 'v'),
          headers: { n: `${n}` },
        }))
        await producer.send({ topic, messages })
      }
    },
    member(topicList: readonly string[], more: Partial<GroupConsumerOptions> = {}): TestMember {
      const groupId = `${namespace}.mail.workers`
      return new TestMember({ settings, groupId, topics: topicList, clock: systemClock, logger: silentLogger, ...more })
    },
    /** What the group has committed for a partition. */
    async committed(topic: string, partition: number): Promise<{ offset: number; finishedAhead: OffsetRun[] }> {
      const [answer] = await admin.fetchOffsets({ groupId: `${namespace}.mail.workers`, topics: [topic] })
      const found = answer?.partitions.find(each => each.partition === partition)
      const offset = Number(found?.offset ?? -1)
      return { offset, finishedAhead: decodeFinishedAhead(offset, found?.metadata) }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const existing = new Set(await admin.listTopics())
      const left = topics.filter(topic => existing.has(topic))
      if (left.length > 0) await admin.deleteTopics({ topics: left })
      await Promise.all([admin.disconnect(), producer.disconnect()])
    },
  }
}

/** 0, 1, … up to, not including, `end`; or from `start`. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, n) => start + n)
}

/** Asks a broker until it says yes; it has no signal to wait for. */
export async function settled(ask: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await ask().catch(() => false)) return
    await systemClock.sleep(50)
  }
  throw new ErrandError('timeout', 'the broker did not come to what the test needs')
}
