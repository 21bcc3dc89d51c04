// How the dying and the living open a namespace: two partitions, and a dead member's come to the others soon.

import { REHOMING_LIMITS } from '../../src/core/limits.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/index.ts'
import { kafkaBrokers, redisUrl } from './stack.ts'

/** Of every topic. */
export const PARTITIONS = 2

/** Options of a storage on a namespace of the crash-point test. `rehomesSoon`: attempts are long after a moment. */
export function crashStorageOptions(namespace: string, rehomesSoon = false): KafkaStorageOptions {
  return {
    ...(rehomesSoon ? { rehomeAfterMs: REHOMING_LIMITS.afterMs[0] } : {}),
    namespace,
    brokers: kafkaBrokers(),
    redisUrl: redisUrl(),
    partitions: PARTITIONS,
    sessionTimeoutMs: 1_500,
    commitIntervalMs: 50,
    maxWaitMs: 50,
  }
}
