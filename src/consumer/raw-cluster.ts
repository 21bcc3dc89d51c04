// kafkajs's view of a cluster without a consumer group: brokers, leaders, and fetches at any offset.
//
// kafkajs hands its `Cluster` to partition assigners only, and makes those when a consumer is made. So a consumer is made
// and connected, and never run: no group, no join (which costs 3 s on a broker of default settings), nothing to delete.

import type { Cluster } from 'kafkajs'
import { PartitionAssigners } from 'kafkajs'
import { ErrandError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { METADATA_AGE_MS_MAX, closeSockets, createKafka, fromKafka, kafkaRetry } from '../producer/kafka-client.ts'

/** A connected view of the cluster. */
export interface RawCluster {
  readonly cluster: Cluster
  close(): Promise<void>
  /** Lets go of what {@link close} has left, or hangs on. */
  destroy(): void
}

/** Connects. `groupId` is a name only: no group of it ever appears. Rejects with `unavailable` when no broker answers. */
export async function openRawCluster(settings: KafkaSettings, groupId: string): Promise<RawCluster> {
  let cluster: Cluster | undefined
  const kafka = createKafka({ ...settings, logger: atDebug(settings.logger) })
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: [
      config => {
        cluster = config.cluster
        return PartitionAssigners.roundRobin(config)
      },
    ],
    retry: kafkaRetry(1),
    metadataMaxAge: METADATA_AGE_MS_MAX,
    allowAutoTopicCreation: false,
  })
  try {
    await consumer.connect()
  } catch (error) {
    closeSockets(kafka) // what it has connected to by then would keep the process alive
    throw fromKafka(error, 'connecting to read the log')
  }
  if (cluster === undefined) throw new ErrandError('internal', 'kafkajs made a consumer without making its assigners')
  return { cluster, close: () => consumer.disconnect(), destroy: () => closeSockets(kafka) }
}

/** A read outside the log is an ordinary answer here, and every failure reaches the caller: kafkajs need not warn as well. */
function atDebug(logger: Logger): Logger {
  const debug: Logger['debug'] = (message, fields) => logger.debug(message, fields)
  return { debug, info: debug, warn: debug, error: debug }
}
