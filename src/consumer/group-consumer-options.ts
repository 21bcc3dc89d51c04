// What a group consumer can be told, checked and completed once.

import type { Clock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import type { FetchedRecord } from './fetched-record.ts'
import type { TopicPartition } from './topic-partition.ts'
import type { Watermarks } from './watermark.ts'
import { DEFAULT_WATERMARKS } from './watermark.ts'

/** Options of a {@link GroupConsumer}. */
export interface GroupConsumerOptions extends Partial<Watermarks> {
  readonly settings: KafkaSettings
  readonly groupId: string
  /** Must exist when the consumer starts. */
  readonly topics: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Takes records over, in the order of each partition, and returns at once: the next fetch waits for it. When it throws,
   * that is logged and the same records come again a little later, so it should throw before it has taken any.
   */
  readonly onRecords: (records: readonly FetchedRecord[]) => void
  /** Epochs ended: what is buffered of these partitions and not begun should be dropped (`record.epoch.isOpen` is false). */
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => void
  /** A join is done: everything that is assigned now. */
  readonly onJoined?: (assigned: readonly TopicPartition[]) => void
  /** It joined again, or was built anew after it died or fell silent: for figures. */
  readonly onChurn?: (what: 'rebalances' | 'rebuilds') => void
  /** The consumer died of something that every new one would die of, such as an unknown codec. */
  readonly onFatal?: (error: ErrandError) => void
  /** Silence after which the group gives a member up. Unit: ms. With the rebalance it must stay below the lease. @defaultValue 10_000 */
  readonly sessionTimeoutMs?: number
  /** Unit: ms. At most a third of the session. @defaultValue 2_000 */
  readonly heartbeatMs?: number
  /** How long the group waits for a member to join again. Unit: ms. @defaultValue 20_000 */
  readonly rebalanceTimeoutMs?: number
  /** How long a fetch waits for records, and a paused consumer sleeps: resuming takes up to this. Unit: ms. @defaultValue 100 */
  readonly maxWaitMs?: number
  /** What was finished is committed within this. Unit: ms. @defaultValue 1_000 */
  readonly commitIntervalMs?: number
}

/** {@link GroupConsumerOptions}, complete. */
export type ResolvedGroupConsumerOptions = Readonly<Required<Omit<GroupConsumerOptions, keyof Watermarks>>> & {
  readonly marks: Watermarks
  /** A join, or a sign of life, is awaited so long. Unit: ms. */
  readonly silenceMs: number
}

export const GROUP_CONSUMER_DEFAULTS = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 2_000,
  rebalanceTimeoutMs: 20_000,
  maxWaitMs: 100,
  commitIntervalMs: 1_000,
} as const

const ignore = (): void => undefined

/** Completes and checks options. Throws `invalid_argument` that lists every problem. */
export function resolveGroupConsumerOptions(options: GroupConsumerOptions): ResolvedGroupConsumerOptions {
  const timing = {
    sessionTimeoutMs: options.sessionTimeoutMs ?? GROUP_CONSUMER_DEFAULTS.sessionTimeoutMs,
    heartbeatMs: options.heartbeatMs ?? GROUP_CONSUMER_DEFAULTS.heartbeatMs,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? GROUP_CONSUMER_DEFAULTS.rebalanceTimeoutMs,
    maxWaitMs: options.maxWaitMs ?? GROUP_CONSUMER_DEFAULTS.maxWaitMs,
    commitIntervalMs: options.commitIntervalMs ?? GROUP_CONSUMER_DEFAULTS.commitIntervalMs,
  }
  const marks: Watermarks = {
    recordsHigh: options.recordsHigh ?? DEFAULT_WATERMARKS.recordsHigh,
    recordsLow: options.recordsLow ?? Math.floor((options.recordsHigh ?? DEFAULT_WATERMARKS.recordsHigh) / 2),
    bytesHigh: options.bytesHigh ?? DEFAULT_WATERMARKS.bytesHigh,
    bytesLow: options.bytesLow ?? Math.floor((options.bytesHigh ?? DEFAULT_WATERMARKS.bytesHigh) / 2),
    ledgerRecordsMax: options.ledgerRecordsMax ?? DEFAULT_WATERMARKS.ledgerRecordsMax,
  }
  const problems = [...rangeProblems({ ...timing, ...marks }), ...relationProblems(options, timing, marks)]
  if (problems.length > 0) {
    throw new ErrandError(
      'invalid_argument',
      `options of the consumer of '${options.groupId}': ${problems.join('; ')}.`,
      {
        details: { problems },
      },
    )
  }
  return {
    settings: options.settings,
    groupId: options.groupId,
    topics: [...new Set(options.topics)],
    clock: options.clock,
    logger: options.logger,
    onRecords: options.onRecords,
    onRevoked: options.onRevoked ?? ignore,
    onJoined: options.onJoined ?? ignore,
    onChurn: options.onChurn ?? ignore,
    onFatal: options.onFatal ?? ignore,
    ...timing,
    marks,
    silenceMs: timing.rebalanceTimeoutMs + 2 * timing.sessionTimeoutMs,
  }
}

function rangeProblems(numbers: Readonly<Record<string, number>>): string[] {
  return Object.entries(numbers)
    .filter(([name, value]) => !Number.isSafeInteger(value) || value < (name.endsWith('Low') ? 0 : 1))
    .map(([name, value]) => `${name} is ${value}; it must be a whole number above 0`)
}

function relationProblems(
  { groupId, topics }: GroupConsumerOptions,
  timing: Readonly<{ sessionTimeoutMs: number; heartbeatMs: number }>,
  marks: Watermarks,
): string[] {
  const problems: string[] = []
  if (groupId === '') problems.push('groupId is empty')
  if (topics.length === 0) problems.push('topics is empty')
  if (timing.heartbeatMs * 3 > timing.sessionTimeoutMs) {
    problems.push(`heartbeatMs is ${timing.heartbeatMs}; it must be at most a third of sessionTimeoutMs`)
  }
  if (marks.recordsLow > marks.recordsHigh) problems.push('recordsLow is above recordsHigh')
  if (marks.bytesLow > marks.bytesHigh) problems.push('bytesLow is above bytesHigh')
  return problems
}
