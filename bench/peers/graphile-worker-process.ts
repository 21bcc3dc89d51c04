// A worker of graphile-worker's as a process, with the settings that its documentation gives for many short jobs.

import { run } from 'graphile-worker'
import type { PoolClient } from 'pg'
import { hostWorker } from '../hosted-worker.ts'
import type { Payload } from '../subject.ts'
import { WorkerReports } from '../worker-reports.ts'
import { openPool, schemaOf, silentLogger, TASK } from './graphile-settings.ts'

/** Faster than 10 in 4 of 6 pairs of runs, which is no proof; the doubt is the peer's. */
const CONNECTIONS = 20
const LOCAL_QUEUE_SIZE = 500
/** 0 and 250 gave no clear difference; the latter ends each run with a wait. */
const BATCH_DELAY_MS = 50

process.env['NO_LOG_SUCCESS'] = '1'

await hostWorker(async ({ lane, namespace, postgresUrl }, { concurrency, onReport }) => {
  const reports = new WorkerReports(onReport)
  const pool = openPool(postgresUrl, CONNECTIONS)
  pool.on('connect', client => tellCompleted(client, count => reports.settled(count)))
  const runner = await run({
    pgPool: pool,
    noHandleSignals: true,
    logger: silentLogger,
    taskList: { [TASK]: payload => reports.started((payload as Payload).sentAtMs) },
    preset: {
      worker: {
        schema: schemaOf(namespace, lane),
        concurrentJobs: concurrency,
        localQueue: { size: LOCAL_QUEUE_SIZE },
        completeJobBatchDelay: BATCH_DELAY_MS,
        failJobBatchDelay: BATCH_DELAY_MS,
      },
    },
  })
  return {
    async stop() {
      await runner.stop()
      await pool.end()
      reports.flush()
    },
  }
})

/** Its own event comes before the batch is in the database; the answer to the delete comes when it is committed. */
function tellCompleted(client: PoolClient, completed: (count: number) => void): void {
  const query: (...args: unknown[]) => unknown = client.query.bind(client)
  const watched = async (...args: unknown[]): Promise<unknown> => {
    const answer = await query(...args)
    if (isCompletion(args[0])) completed((answer as { rowCount: number | null }).rowCount ?? 0)
    return answer
  }
  client.query = ((...args: unknown[]) => (isCompletion(args[0]) ? watched(...args) : query(...args))) as never
}

function isCompletion(query: unknown): boolean {
  const { text }: { text?: unknown } = Object(query)
  return typeof text === 'string' && text.startsWith('delete from') && text.includes('_private_jobs')
}
