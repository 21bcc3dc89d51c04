// The topics of a namespace and the settings that Errand's guarantees rest on. Everything is given explicitly, so that a
// broker's own defaults change nothing that matters.

import { ErrandError } from '../core/errors.ts'
import { PRODUCER_LIMITS } from '../core/limits.ts'
import { checkNamespace, checkType } from '../core/names.ts'
import { PRIORITIES } from '../core/priority.ts'
import type { Priority } from '../core/priority.ts'
import { delayTopic, dlqTopic, laneTopic, outcomesTopic } from '../core/topics.ts'

/** A topic as it should be. */
export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  /** Left out: the broker's default. */
  readonly replicationFactor?: number
  /** Kafka's names and texts. */
  readonly config: Readonly<Record<string, string>>
}

/** What an operator may choose. */
export interface TopicOptions {
  /** Range: 1 to 1,000. @defaultValue 4. Workers of a type beyond the partitions of its busiest lane idle. */
  readonly partitions?: number | undefined
  /** Range: 1 to the number of brokers. @defaultValue the broker's `default.replication.factor` */
  readonly replicationFactor?: number | undefined
  /** Range: 1 to the replication factor. @defaultValue the broker's `min.insync.replicas` */
  readonly minInsyncReplicas?: number | undefined
}

/** Partitions of every topic unless told otherwise. */
export const PARTITIONS_DEFAULT = 4

const PARTITIONS_MAX = 1_000
const REPLICAS_MAX = 100
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const EVERY_TOPIC: Readonly<Record<string, string>> = {
  // The broker rewrites what foreign producers compress: kafkajs can only read plain and gzip.
  'compression.type': 'uncompressed',
  'max.message.bytes': String(PRODUCER_LIMITS.recordBytesMax),
  'message.timestamp.type': 'CreateTime',
}

/** One lane. Kept until trimmed below the committed frontier: nothing unfinished can be retained away by age or size. */
export function laneSpec(namespace: string, type: string, priority: Priority, options?: TopicOptions): TopicSpec {
  return spec(laneTopic(checkNamespace(namespace), checkType(type), priority), options, {
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
  })
}

/** The four lanes of a type, most urgent first. */
export function laneSpecs(namespace: string, type: string, options?: TopicOptions): TopicSpec[] {
  return PRIORITIES.map(priority => laneSpec(namespace, type, priority, options))
}

/** Scheduled and retried attempts, until their tombstone. Segments are short, since the open one is never compacted. */
export function delaySpec(namespace: string, options?: TopicOptions): TopicSpec {
  return spec(delayTopic(checkNamespace(namespace)), options, {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.1',
    'segment.ms': String(HOUR_MS),
    'delete.retention.ms': String(HOUR_MS),
  })
}

/** What became of every attempt: 7 days. */
export function outcomesSpec(namespace: string, options?: TopicOptions): TopicSpec {
  return spec(outcomesTopic(checkNamespace(namespace)), options, keptFor(7 * DAY_MS))
}

/** Terminal failures and poison: 30 days. */
export function dlqSpec(namespace: string, options?: TopicOptions): TopicSpec {
  return spec(dlqTopic(checkNamespace(namespace)), options, {
    ...keptFor(30 * DAY_MS),
    'max.message.bytes': String(PRODUCER_LIMITS.poisonBytesMax),
  })
}

function keptFor(retentionMs: number): Record<string, string> {
  return { 'cleanup.policy': 'delete', 'retention.ms': String(retentionMs), 'retention.bytes': '-1' }
}

function spec(topic: string, options: TopicOptions | undefined, config: Record<string, string>): TopicSpec {
  const { partitions = PARTITIONS_DEFAULT, replicationFactor, minInsyncReplicas } = options ?? {}
  checkCount('partitions', partitions, PARTITIONS_MAX)
  checkCount('replicationFactor', replicationFactor, REPLICAS_MAX)
  checkCount('minInsyncReplicas', minInsyncReplicas, replicationFactor ?? REPLICAS_MAX)
  return {
    topic,
    partitions,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    config: {
      ...EVERY_TOPIC,
      ...config,
      ...(minInsyncReplicas === undefined ? {} : { 'min.insync.replicas': String(minInsyncReplicas) }),
    },
  }
}

function checkCount(field: string, value: number | undefined, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return
  throw new ErrandError('invalid_argument', `${field} is ${value}; it must be a whole number from 1 to ${max}.`, {
    details: { field, received: value, allowed: `1 to ${max}` },
  })
}
