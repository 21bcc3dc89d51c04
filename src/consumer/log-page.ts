// One fetch at one offset, decoded: what of the log lies there. kafkajs does not type the answer, so it is read by hand.

import type { KafkaMessage } from 'kafkajs'
import { ErrandError } from '../core/errors.ts'
import { fromKafka } from '../producer/kafka-client.ts'
import type { LogRecord } from './fetched-record.ts'
import { toLogRecord } from './fetched-record.ts'
import type { RawCluster } from './raw-cluster.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What a fetch brought. */
export interface LogPage {
  /** Visible records at or above the offset asked for, lowest first. */
  readonly records: readonly LogRecord[]
  /** The first offset that the log holds. */
  readonly low: number
  /** One above the last. */
  readonly high: number
  /** Where to read on: above everything that the fetch covered, visible or not. */
  readonly nextOffset: number
}

export interface PageRequest extends TopicPartition {
  /** Must be within the log's bounds; otherwise kafkajs's OFFSET_OUT_OF_RANGE comes through. */
  readonly offset: number
  /** The broker gives a whole batch even when that is larger. */
  readonly bytesMax: number
}

const READ_COMMITTED = 1

/** Fetches once from the partition's leader. */
export async function fetchPage({ cluster }: RawCluster, request: PageRequest): Promise<LogPage> {
  const { topic, partition, offset, bytesMax } = request
  await cluster.addTargetTopic(topic)
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined) throw new ErrandError('not_found', `topic '${topic}' has no partition ${partition}`)
  const broker = await cluster.findBroker({ nodeId })
  const first = firstFetches.get(broker)
  if (first !== undefined) await first
  const fetching = broker.fetch({
    isolationLevel: READ_COMMITTED,
    maxWaitTime: 1,
    minBytes: 0, // at the end of the log the answer is empty, at once
    maxBytes: bytesMax,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: bytesMax }] }],
  })
  if (first === undefined)
    firstFetches.set(
      broker,
      fetching.catch(() => undefined),
    )
  const answer: unknown = await fetching
  return toPage(request, partitionOf(answer, topic, partition))
}

/**
 * The first fetch of each broker, which the others wait for: it opens the connection. kafkajs opens one for every fetch that
 * comes meanwhile, forgets all but the last, and never closes those, so that the process would not end.
 */
const firstFetches = new WeakMap<object, Promise<unknown>>()

/** The first and the next offset of each partition of a topic. */
export async function fetchBounds(
  { cluster }: RawCluster,
  topic: string,
): Promise<{ partition: number; low: number; high: number }[]> {
  await cluster.addTargetTopic(topic)
  const partitions = cluster.findTopicPartitionMetadata(topic).map(each => ({ partition: each.partitionId }))
  const ask = async (fromBeginning: boolean): Promise<Map<number, number>> => {
    const answer = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])
    return new Map(answer[0]?.partitions.map(each => [each.partition, Number(each.offset)]))
  }
  const [lows, highs] = await Promise.all([ask(true), ask(false)])
  return partitions
    .map(({ partition }) => {
      const [low, high] = [lows.get(partition), highs.get(partition)]
      if (low !== undefined && high !== undefined) return { partition, low, high }
      // Taken for an empty one it would be skipped in silence.
      throw new ErrandError('unavailable', `partition ${partition} of '${topic}' does not say what it holds`)
    })
    .toSorted((a, b) => a.partition - b.partition)
}

/** What the answer says of one partition, as far as it is read here. */
interface RawPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly lastStableOffset?: string
  readonly lastStartOffset?: string
  readonly messages: readonly RawMessage[]
}

type RawMessage = KafkaMessage & {
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number }
}

function partitionOf(answer: unknown, topic: string, partition: number): RawPartition {
  const { responses } = answer as { responses: readonly { topicName: string; partitions: readonly RawPartition[] }[] }
  const found = responses.find(each => each.topicName === topic)?.partitions.find(each => each.partition === partition)
  if (found !== undefined) return found
  throw fromKafka(new Error('the answer does not name the partition'), `reading partition ${partition} of '${topic}'`)
}

function toPage({ topic, partition, offset }: PageRequest, raw: RawPartition): LogPage {
  const high = highOf(raw)
  const records: LogRecord[] = []
  let nextOffset = offset
  for (const message of raw.messages) {
    nextOffset = Math.max(nextOffset, batchEnd(message))
    if (message.isControlRecord === true || Number(message.offset) < offset) continue
    records.push(toLogRecord(topic, partition, message))
  }
  // Nothing at all below the end: what was there is gone, and nothing follows.
  if (raw.messages.length === 0) nextOffset = Math.max(offset, high)
  return { records, low: Number(raw.lastStartOffset ?? 0), high, nextOffset }
}

/** One above the last offset that the message's batch covers: compaction may have removed its last records. */
function batchEnd({ offset, batchContext }: RawMessage): number {
  if (batchContext === undefined) return Number(offset) + 1
  return Number(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1
}

function highOf({ highWatermark, lastStableOffset }: RawPartition): number {
  const stable = Number(lastStableOffset ?? -1)
  return stable >= 0 ? Math.min(stable, Number(highWatermark)) : Number(highWatermark)
}
