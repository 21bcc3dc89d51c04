// Commits the first offsets of a group that never had any. Whoever scales workers by a group's lag sees none where nothing was
// ever committed, and never wakes the first worker. kafkajs's own way joins the group for each topic; this is one request.

import type { Clock } from '../core/clock.ts'
import { isErrandError } from '../core/errors.ts'
import { fromKafka, kafkaErrorType } from '../producer/kafka-client.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { openRawCluster } from './raw-cluster.ts'
import type { TopicPartition } from './topic-partition.ts'

/** A group that is new to the cluster may not have its coordinator yet. */
const TRY_MS_MAX = 10_000
const PAUSE_MS = 200
/** For whoever is no member. */
const NO_GENERATION = -1
/** Somebody has joined meanwhile and commits by itself. */
const JOINED = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'NON_EMPTY_GROUP'])

/**
 * Commits. False when the group has members by now, which need nothing. Rejects with `unavailable` or, where a right is missing,
 * `configuration`.
 */
export async function commitFirstOffsets(params: {
  readonly settings: KafkaSettings
  readonly clock: Clock
  readonly groupId: string
  readonly offsets: readonly (TopicPartition & { readonly offset: number })[]
}): Promise<boolean> {
  const { settings, clock, groupId } = params
  const topics = [...Map.groupBy(params.offsets, ({ topic }) => topic)].map(([topic, offsets]) => ({
    topic,
    partitions: offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
  }))
  const raw = await openRawCluster(settings, groupId)
  const untilMs = clock.monotonicMs() + TRY_MS_MAX
  try {
    for (;;) {
      try {
        const coordinator = await raw.cluster.findGroupCoordinator({ groupId })
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
