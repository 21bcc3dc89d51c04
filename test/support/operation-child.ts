// A process that serves operations and reaps: node operation-child.ts <OperationChildConfig as JSON>, with an IPC channel.
// Says 'ready'; ends in order on SIGTERM.

import { handleOperations } from '../../src/operations/operation-worker.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { stopSignals } from '../../src/worker/stop-signals.ts'
import { Worker } from '../../src/worker/worker.ts'

/** What the process is told. */
export interface OperationChildConfig {
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly partitions: number
  readonly name: string
}

const config = JSON.parse(process.argv[2] ?? '') as OperationChildConfig
const { name: workerId, ...options } = config
const stopping = stopSignals()
const storage = await KafkaStorage.open({ ...options, sessionTimeoutMs: 1_500, commitIntervalMs: 200 })
const worker = new Worker({ storage, workerId, leaseMs: 2_000, reaper: { intervalMs: 200 } })
handleOperations(worker, { storage })
await worker.start()
process.send?.('ready')
await worker.run({ signal: stopping })
await storage.close()
process.disconnect?.()
