// One worker as a process: node worker-process.ts <type> <concurrency>, with ERRAND_NAMESPACE, ERRAND_KAFKA_BROKERS and
// ERRAND_REDIS_URL. Reports on stdout; null says that it takes activities. Ends when its stdin ends.

import { once } from 'node:events'
import { KafkaStorage } from '../src/storage/kafka/index.ts'
import { startNoopWorker } from './noop-worker.ts'

const {
  ERRAND_NAMESPACE: namespace = '',
  ERRAND_KAFKA_BROKERS: brokers = '',
  ERRAND_REDIS_URL: redisUrl = '',
} = process.env
const [type = '', concurrency = ''] = process.argv.slice(2)

const write = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
const told = once(process.stdin.resume(), 'end')
await using storage = await KafkaStorage.open({ namespace, brokers: brokers.split(','), redisUrl })
const worker = await startNoopWorker(storage, type, { concurrency: Number(concurrency), onReport: write })
write(null)
await told
await worker.stop()
