// One worker with the five handlers, which reports what it settles: the same whether it is a process or not.

import type { Storage } from '../../src/index.ts'
import { systemClock, Worker } from '../../src/index.ts'
import type { Report } from './fleet.ts'
import { registerHandlers } from './handlers.ts'

/** Reports are gathered for so long, so that they cost nothing beside the work. */
const REPORT_MS = 150

/** Starts a worker; resolves when it claims activities. Stopping it is up to the caller. */
export async function startOrderWorker(parts: {
  readonly storage: Storage
  readonly workerId: string
  readonly report: (report: Report) => void
}): Promise<{ stop(): Promise<void> }> {
  const { storage, workerId, report } = parts
  // Some orders are dead on purpose, and come to it when all others are done: with the budget on, that looks like an outage.
  const worker = new Worker({ storage, workerId, concurrency: 50, graceMs: 10_000, deadLetterBudget: false })
  registerHandlers(worker)
  let counts: Record<string, number> = {}
  let cancelFlush: (() => void) | undefined
  const flush = (): void => {
    cancelFlush?.()
    cancelFlush = undefined
    if (Object.keys(counts).length > 0) report({ kind: 'settled', counts })
    counts = {}
  }
  worker.on('settled', ({ outcome }) => {
    counts[outcome] = (counts[outcome] ?? 0) + 1
    cancelFlush ??= systemClock.after(REPORT_MS, flush)
  })
  await worker.start()
  report({ kind: 'ready' })
  return {
    async stop() {
      await worker.stop()
      flush()
    },
  }
}
