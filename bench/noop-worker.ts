// A worker of Errand's whose handler does nothing. In a process of its own on Kafka, in this one on memory.

import { z } from 'zod'
import type { ActivityDefinition, Storage } from '../src/index.ts'
import { defineActivity, Worker } from '../src/index.ts'
import type { Payload, WorkerSettings } from './subject.ts'
import { WorkerReports } from './worker-reports.ts'

/** The activity that a lane of this name is. */
export function noopActivity(type: string): ActivityDefinition<Payload, Payload> {
  return defineActivity({ type, input: z.object({ sentAtMs: z.number(), padding: z.string() }) })
}

/** Starts a worker; resolves when it claims. */
export async function startNoopWorker(
  storage: Storage,
  type: string,
  { concurrency, onReport }: WorkerSettings,
): Promise<{ stop(): Promise<void> }> {
  const worker = new Worker({ storage, concurrency, workerId: `bench-${type}` })
  const reports = new WorkerReports(onReport)
  worker.handle(noopActivity(type), ({ sentAtMs }) => reports.started(sentAtMs))
  worker.on('settled', () => reports.settled())
  await worker.start()
  return {
    async stop() {
      await worker.stop()
      reports.flush()
    },
  }
}
