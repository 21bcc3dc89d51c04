// A worker of BullMQ's as a process.

import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { hostWorker } from '../hosted-worker.ts'
import type { Payload } from '../subject.ts'
import { WorkerReports } from '../worker-reports.ts'

/** None that has ended is kept: with 1,000 kept it was slower in 7 of 8 pairs of runs, by 15 % in the median. */
const COMPLETED_KEPT = 0

await hostWorker(async ({ lane, namespace, redisUrl }, { concurrency, onReport }) => {
  const reports = new WorkerReports(onReport)
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const worker = new Worker<Payload>(lane, ({ data }) => Promise.resolve(reports.started(data.sentAtMs)), {
    connection,
    prefix: namespace,
    concurrency,
    removeOnComplete: { count: COMPLETED_KEPT },
  })
  worker.on('completed', () => reports.settled())
  worker.on('error', error => process.stderr.write(`${String(error)}\n`))
  await worker.waitUntilReady()
  return {
    async stop() {
      await worker.close()
      connection.disconnect()
      reports.flush()
    },
  }
})
