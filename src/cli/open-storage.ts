// Opens the storage of a command. Loaded late, so that `errand --help` needs neither a Kafka nor a Redis client.

import type { Invocation } from './command.ts'
import type { KafkaStorage } from '../storage/kafka/index.ts'
import { storageOptions } from './config/storage-options.ts'
import { withWayToTopics } from './missing-topics.ts'

/**
 * The storage that the settings name; the caller closes it (`await using`). `provisions`: whether missing topics are made
 * where no setting says so; off for commands that look or act on what is there, where a namespace without topics is a
 * typing error. Throws what `KafkaStorage.open` throws.
 */
export async function openStorage(
  { config, logger }: Pick<Invocation, 'config' | 'logger'>,
  { provisions = false }: { readonly provisions?: boolean } = {},
): Promise<KafkaStorage> {
  const { KafkaStorage: Storage } = await import('../storage/kafka/index.ts')
  try {
    return await Storage.open(storageOptions(config, logger, provisions))
  } catch (error) {
    throw withWayToTopics(error, { namespace: config.namespace })
  }
}
