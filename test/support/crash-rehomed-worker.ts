// A worker process that is to be killed while it runs attempts that have homes: its handlers never end. Told by JSON as its only
// argument; says on stdout, a line each, which activities it has begun.

import { systemClock } from '../../src/core/clock.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/index.ts'
import { Worker } from '../../src/worker/worker.ts'
import { LONG } from './rehomed-namespace.ts'

/** What it is told. */
export interface RehomedWorkerOrder {
  readonly options: KafkaStorageOptions
  readonly leaseMs: number
}

const { options, leaseMs } = JSON.parse(process.argv[2] ?? '') as RehomedWorkerOrder
const worker = new Worker({ storage: await KafkaStorage.open(options), workerId: 'doomed', leaseMs, reaper: false })
worker.handle(LONG, async (_, { id }) => {
  process.stdout.write(`${id}\n`)
  await systemClock.sleep(3_600_000)
})
await worker.run()
