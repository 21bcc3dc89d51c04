// One worker of Errand's as a process: node worker-process.ts <type> <concurrency>, with ERRAND_NAMESPACE,
// ERRAND_KAFKA_BROKERS and ERRAND_REDIS_URL.

import { KafkaStorage } from '../src/storage/kafka/index.ts'
import { hostWorker } from './hosted-worker.ts'
import { startNoopWorker } from './noop-worker.ts'

await hostWorker(async ({ lane, namespace, brokers, redisUrl }, settings) => {
  const storage = await KafkaStorage.open({ namespace, brokers, redisUrl })
  const worker = await startNoopWorker(storage, lane, settings)
  return {
    async stop() {
      await worker.stop()
      await storage.close()
    },
  }
})
