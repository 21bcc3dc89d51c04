// Rebuilding as a function: for scripts that have no storage open.

import { KafkaStorage } from './kafka-storage.ts'
import type { KafkaStorageOptions } from './kafka-storage-options.ts'
import type { RebuildParams, RebuildReport } from './rebuild.ts'

/**
 * Restores everything that Redis should know from Kafka: {@link KafkaStorage.rebuild}, on a storage or on one that is opened
 * with these options for as long as it takes. The retention must be that of the workers, since what is restored lives for the
 * rest of it. Throws as `KafkaStorage.open` and `KafkaStorage.rebuild`.
 *
 * @example
 * const report = await rebuild({ namespace: 'shop', brokers: ['localhost:9092'], redisUrl: 'redis://localhost:6379' })
 */
export async function rebuild(
  target: KafkaStorage | KafkaStorageOptions,
  params: Readonly<RebuildParams> = {},
): Promise<RebuildReport> {
  if ('rebuild' in target) return target.rebuild(params)
  await using storage = await KafkaStorage.open(target)
  return await storage.rebuild(params)
}
