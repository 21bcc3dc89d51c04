// One worker as a process of its own: node worker-process.ts <name>, with ERRAND_NAMESPACE, ERRAND_KAFKA_BROKERS and
// ERRAND_REDIS_URL. Reports on stdout. It runs until its stdin ends, which also happens when whoever started it dies.

import { once } from 'node:events'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { PARTITIONS } from './fleet.ts'
import { startOrderWorker } from './order-worker.ts'

const {
  ERRAND_NAMESPACE: namespace = '',
  ERRAND_KAFKA_BROKERS: brokers = '',
  ERRAND_REDIS_URL: redisUrl = '',
} = process.env
const [workerId = 'worker'] = process.argv.slice(2)

// A Ctrl-C reaches every process of the terminal; when the workers end is for the one who started them to say.
process.on('SIGINT', () => undefined)

const told = Promise.race([once(process.stdin.resume(), 'end'), once(process, 'SIGTERM')])
await using storage = await KafkaStorage.open({
  namespace,
  brokers: brokers.split(','),
  redisUrl,
  partitions: PARTITIONS,
})
const worker = await startOrderWorker({
  storage,
  workerId,
  report: report => process.stdout.write(`${JSON.stringify(report)}\n`),
})
await told
process.stdin.destroy()
await worker.stop()
