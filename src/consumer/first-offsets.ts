// Commits the first offsets of a group that never had any. Whoever scales workers by a group's lag sees none where nothing was
// ever committed, and never wakes the first worker. kafkajs's own way joins the group for each topic; this is one request.

import type { Clock } from '../core/clock.ts'
import { isErrandError } from '../core/errors.ts'
import { fromKafka, kafkaErrorType } from '../producer/kafka-client.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { openRawCluster } from './raw-cluster.ts'
import type { TopicPartition } from './topic-partition.ts'
import { partitionKey } from './topic-partition.ts'

/** A group that is new to the cluster may not have its coordinator yet. */
const TRY_MS_MAX = 10_000
const PAUSE_MS = 200
/** For whoever is no member. */
const NO_GENERATION = -1
/** Somebody has joined meanwhile and commits by itself. */
const JOINED = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'NON_EMPTY_GROUP'])

/**
 * Commits. False when the group has members or offsets by now, and nothing was to do. Rejects with `unavailable` or, where a right is missing,
 * `configuration`.
 */
export async function commitFirstOffsets(params: {
  readonly settings: KafkaSettings
  readonly clock: Clock
  readonly groupId: string
  readonly offsets: readonly (TopicPartition & { readonly offset: number })[]
}): Promise<boolean> {
  const { settings, clock, groupId } = params
  const raw = await openRawCluster(settings, groupId)
  const untilMs = clock.monotonicMs() + TRY_MS_MAX
  try {
    for (;;) {
      try {
        const coordinator = await raw.cluster.findGroupCoordinator({ groupId })
        // Asked right before: a group that came and went meanwhile has offsets of its own, which must not go back.
        const asked = byTopic(params.offsets, () => ({ offset: '' })) // kafkajs's types want one; the question has none
        const { responses } = await coordinator.offsetFetch({ groupId, topics: asked })
        const there = new Set(
          responses.flatMap(({ topic, partitions }) =>
            partitions.flatMap(({ partition, offset }) =>
              Number(offset) >= 0 ? [partitionKey({ topic, partition })] : [],
            ),
          ),
        )
        const first = params.offsets.filter(place => !there.has(partitionKey(place)))
        if (first.length === 0) return false
        const topics = byTopic(first, ({ offset }) => ({ offset: String(offset) }))
        await coordinator.offsetCommit({ groupId, groupGenerationId: NO_GENERATION, memberId: '', topics })
        return true
      } catch (error) {
        if (JOINED.has(kafkaErrorType(error))) return false
        const failure = fromKafka(error, `committing first offsets of ${groupId}`)
        if (!isErrandError(failure, 'unavailable') || clock.monotonicMs() >= untilMs) throw failure
      }
      await clock.sleep(PAUSE_MS)
    }
  } finally {
    await raw.close().finally(() => raw.destroy())
  }
}

type FirstOffset = TopicPartition & { readonly offset: number }

/** As requests have it: partitions within their topics. */
function byTopic<More extends object>(
  offsets: readonly FirstOffset[],
  more: (offset: FirstOffset) => More,
): { topic: string; partitions: ({ partition: number } & More)[] }[] {
  return [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map(each => ({ partition: each.partition, ...more(each) })),
  }))
}
