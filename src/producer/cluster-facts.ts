// What there is to see of a cluster: brokers and their settings, copies of partitions, groups. Only looks. Errors come as
// AdminSession gives them.

import kafkajs from 'kafkajs' // its CommonJS export names are not all seen by Node
import type { Admin, ITopicMetadata, ResourceConfigQuery } from 'kafkajs'
import type { Clock } from '../core/clock.ts'
import type { GroupFact, PartitionFact } from '../core/deployment-facts.ts'
import type { Logger } from '../core/logger.ts'
import { AdminSession } from './admin-session.ts'
import { kafkaErrorType } from './kafka-client.ts'
import type { KafkaSettings } from './kafka-client.ts'

/** A topic's setting, and whether somebody set it on the topic itself. */
export interface TopicSetting {
  readonly value: string
  readonly isOwn: boolean
}

/** A look at a cluster, through a connection of its own. */
export class ClusterFacts {
  readonly #session: AdminSession

  constructor(settings: KafkaSettings, clock: Clock, logger: Logger) {
    this.#session = new AdminSession(settings, clock, logger)
  }

  /** Connects. Throws `unavailable` when no broker answers, `configuration` when they refuse the credentials. */
  async open(): Promise<void> {
    await this.#session.open()
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  /** Ids of the brokers, in order. Asks once: a broker that takes connections and says nothing is noticed here, not by `open`. */
  async brokers(): Promise<number[]> {
    const { brokers } = await this.#session.run({ doing: 'asking for the brokers', isOnce: true }, admin =>
      admin.describeCluster(),
    )
    return brokers.map(({ nodeId }) => nodeId).toSorted((one, other) => one - other)
  }

  /** Settings of a broker. */
  async brokerSettings(broker: number): Promise<Record<string, string>> {
    const settings = await this.#settings({ type: kafkajs.ConfigResourceTypes.BROKER, name: String(broker) })
    return Object.fromEntries([...settings].map(([name, { value }]) => [name, value]))
  }

  /** All settings of a topic, the broker's defaults included. Rejects with `not_found`. */
  topicSettings(topic: string): Promise<Map<string, TopicSetting>> {
    return this.#settings({ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic })
  }

  /** The partitions of a topic; undefined when it does not exist. */
  async partitions(topic: string): Promise<PartitionFact[] | undefined> {
    const found = await this.#session.run({ doing: `looking up ${topic}`, topic }, async admin => {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        return topics.find(({ name }) => name === topic)
      } catch (error) {
        if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
        return undefined
      }
    })
    return found === undefined ? undefined : partitionFacts(found)
  }

  /** Every topic that the user may see. */
  topics(): Promise<string[]> {
    return this.#session.run({ doing: 'listing topics' }, admin => admin.listTopics())
  }

  /** State and members of a group. One that does not exist is `Dead`. */
  async group(groupId: string): Promise<Pick<GroupFact, 'groupId' | 'state' | 'members'>> {
    const { groups } = await this.#session.run({ doing: `asking for the members of group ${groupId}` }, admin =>
      admin.describeGroups([groupId]),
    )
    const [group] = groups
    return { groupId, state: group?.state ?? 'Dead', members: group?.members.length ?? 0 }
  }

  async #settings(resource: ResourceConfigQuery): Promise<Map<string, TopicSetting>> {
    const doing = `asking for the settings of ${resource.name}`
    const { resources } = await this.#session.run({ doing }, (admin: Admin) =>
      admin.describeConfigs({ includeSynonyms: false, resources: [resource] }),
    )
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    return new Map(
      entries.map(({ configName, configValue, configSource }) => [
        configName,
        { value: configValue, isOwn: configSource === kafkajs.ConfigSource.TOPIC_CONFIG },
      ]),
    )
  }
}

function partitionFacts({ partitions }: ITopicMetadata): PartitionFact[] {
  return partitions
    .map(({ partitionId, leader, replicas, isr }) => ({
      partition: partitionId,
      ...(leader < 0 ? {} : { leader }),
      replicas: replicas.length,
      inSync: isr.length,
    }))
    .toSorted((one, other) => one.partition - other.partition)
}
