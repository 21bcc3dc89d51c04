// Reads everything that Kafka holds of a namespace, with a client that is not Errand's and without Errand's wire code: the
// evidence must not rest on what it is to judge. From each partition's low end to the end that it had at the beginning, by
// plain fetches outside of any group, so that nothing is committed and nobody is rebalanced.

import type { KafkaRecord, RecordsBatch } from '@platformatic/kafka'
import { Admin, Consumer } from '@platformatic/kafka'

import { ErrandError } from '../../../src/core/errors.ts'
import type { DumpedRecord, TopicDump } from '../evidence.ts'
import type { DumpedPartition } from './dump-file.ts'
import { DumpWriter, readTopicDump } from './dump-file.ts'

const CLIENT = '@platformatic/kafka'
const LATEST = -1n
const EARLIEST = -2n
const FETCH_BYTES_MAX = 8 << 20
/** Everything asked for is there already: only a follower that is behind has to wait. */
const FETCH_WAIT_MS = 500
/** So many empty answers in a row, of a partition that is not compacted, and the dump gives up short of its end. */
const EMPTY_ANSWERS_MAX = 20
/** With the client's pause of a second in between: longer than a failover of three brokers. */
const RETRIES = 20

/** Where a namespace is. */
export interface DumpSource {
  readonly brokers: readonly string[]
  readonly namespace: string
}

/** Dumps all topics of a namespace into a file, as `dump-file.ts` describes it, and reads it back. */
export async function dumpTopics(source: DumpSource, path: string): Promise<TopicDump> {
  const options = { clientId: 'chaos-dump', bootstrapBrokers: [...source.brokers], retries: RETRIES }
  const admin = new Admin(options)
  // The group is never joined: a consumer must name one.
  const consumer = new Consumer({ ...options, groupId: `${source.namespace}.dump` })
  const writer = await DumpWriter.create(path, CLIENT)
  try {
    const partitions = await boundsOf(admin, source.namespace)
    for (const bounds of partitions) {
      const readTo = await readPartition(consumer, bounds, record => writer.record(record))
      const { topic, partition, low, high, committed } = bounds
      await writer.partition({ topic, partition, low, high, committed, readTo })
    }
    await writer.end()
  } finally {
    await writer.close()
    await consumer.close()
    await admin.close()
  }
  return readTopicDump(path)
}

interface Bounds extends Omit<DumpedPartition, 'readTo'> {
  readonly topicId: string
  readonly leader: number
}

/** Bounds of all partitions of the namespace, and what their groups have committed. */
async function boundsOf(admin: Admin, namespace: string): Promise<Bounds[]> {
  const topics = (await admin.listTopics()).filter(topic => topic.startsWith(`${namespace}.`)).sort()
  if (topics.length === 0) return []
  const metadata = await admin.metadata({ topics, forceUpdate: true })
  const known = topics.map(topic => {
    const told = metadata.topics.get(topic)
    if (told === undefined) throw new ErrandError('unavailable', `no metadata of topic ${topic}`)
    return { topic, id: told.id, leaders: told.partitions.map(({ leader }) => leader) }
  })
  const asked = known.map(({ topic, leaders }) => ({ topic, partitions: leaders.length }))
  const committed = await committedOffsets(admin, namespace, topics)
  const lows = await offsetsOf(admin, asked, EARLIEST)
  const highs = await offsetsOf(admin, asked, LATEST)
  return known.flatMap(({ topic, id, leaders }) =>
    leaders.map((leader, partition): Bounds => {
      const place = `${topic}/${partition}`
      const hasGroup = groupOf(namespace, topic) !== null
      return {
        ...{ topic, partition, leader, topicId: id },
        low: offsetOf(lows, place),
        high: offsetOf(highs, place),
        committed: hasGroup ? (committed.get(place) ?? -1) : null,
      }
    }),
  )
}

/** The group that consumes a topic; null for outcomes and dead letters, which nobody does. */
function groupOf(namespace: string, topic: string): string | null {
  const [type, priority] = topic.slice(namespace.length + 1).split('.')
  if (priority !== undefined) return `${namespace}.${type}.workers`
  return type === 'delay' ? `${namespace}.scheduler` : null
}

async function committedOffsets(
  admin: Admin,
  namespace: string,
  topics: readonly string[],
): Promise<Map<string, number>> {
  const wanted = new Set(topics.map(topic => groupOf(namespace, topic)).filter(group => group !== null))
  const existing = await admin.listGroups()
  const committed = new Map<string, number>()
  for (const group of wanted) {
    if (!existing.has(group)) continue
    for (const answer of await admin.listConsumerGroupOffsets({ groups: [group] })) {
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, committedOffset } of partitions) {
          committed.set(`${name}/${partitionIndex}`, Number(committedOffset))
        }
      }
    }
  }
  return committed
}

async function offsetsOf(
  admin: Admin,
  topics: readonly { readonly topic: string; readonly partitions: number }[],
  timestamp: bigint,
): Promise<Map<string, number>> {
  const answers = await admin.listOffsets({
    topics: topics.map(({ topic, partitions }) => ({
      name: topic,
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp })),
    })),
  })
  return new Map(
    answers.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) => [`${name}/${partitionIndex}`, Number(offset)] as const),
    ),
  )
}

function offsetOf(offsets: ReadonlyMap<string, number>, place: string): number {
  const offset = offsets.get(place)
  if (offset === undefined) throw new ErrandError('unavailable', `Kafka did not tell an offset of ${place}`)
  return offset
}

/** Reads a partition to its end; gives how far it came. */
async function readPartition(
  consumer: Consumer,
  bounds: Bounds,
  take: (record: DumpedRecord) => Promise<void>,
): Promise<number> {
  const { topic, partition, high } = bounds
  let position = bounds.low
  for (let empty = 0; position < high && empty <= EMPTY_ANSWERS_MAX;) {
    const batches = await fetchFrom(consumer, bounds, position)
    const before = position
    for (const batch of batches) {
      for (const record of batch.records) {
        const offset = Number(batch.firstOffset) + record.offsetDelta
        // A batch is given whole, also when the position is in its middle, or the end is.
        if (offset >= before && offset < high) await take(dumped(topic, partition, offset, record))
      }
      // Not the last record's offset: compaction takes records out, and the batch still says how far it goes.
      position = Math.max(position, Number(batch.firstOffset) + batch.lastOffsetDelta + 1)
    }
    empty = position === before ? empty + 1 : 0
  }
  return Math.min(position, high)
}

async function fetchFrom(
  consumer: Consumer,
  { topicId, partition, leader }: Bounds,
  position: number,
): Promise<readonly RecordsBatch[]> {
  const answer = await consumer.fetch({
    node: leader,
    minBytes: 1,
    maxBytes: FETCH_BYTES_MAX,
    maxWaitTime: FETCH_WAIT_MS,
    isolationLevel: 0,
    topics: [
      {
        topicId,
        partitions: [
          {
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: BigInt(position),
            lastFetchedEpoch: -1,
            partitionMaxBytes: FETCH_BYTES_MAX,
          },
        ],
      },
    ],
  })
  const own = answer.responses.flatMap(({ partitions }) => partitions).filter(each => each.partitionIndex === partition)
  return own.flatMap(({ records }) => records ?? [])
}

function dumped(topic: string, partition: number, offset: number, record: KafkaRecord): DumpedRecord {
  const headers = record.headers.map(([name, value]) => [textOf(name) ?? '', textOf(value) ?? ''] as const)
  return {
    topic,
    partition,
    offset,
    key: textOf(record.key),
    value: textOf(record.value),
    headers: Object.fromEntries(headers),
  }
}

function textOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('utf8')
}
