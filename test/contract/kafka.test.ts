// The storage contract, held by the storage on Kafka and Redis: on real ones, always.

import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { hostContract } from '../support/contract-host.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

hostContract({
  name: 'kafka',
  async open(namespace) {
    const open = (): Promise<KafkaStorage> =>
      KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl() })
    return { first: await open(), openOther: open }
  },
})
