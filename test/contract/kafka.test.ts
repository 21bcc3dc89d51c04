// The storage contract, held by the storage on Kafka and Redis: on real ones, always.

import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { hostContract } from '../support/contract-host.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

hostContract({
  name: 'kafka',
  async open(namespace) {
    // Two partitions, so that two processes share a lane; more would only make the broker's work.
    const options = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 }
    const open = (): Promise<KafkaStorage> => KafkaStorage.open(options)
    return { first: await open(), openOther: open }
  },
  drop: dropTopics,
})
