// A worker whose handler does nothing, and what it reports. In a process of its own on Kafka, in this one on memory.

import { z } from 'zod'
import { systemClock } from '../src/core/clock.ts'
import type { ActivityDefinition, Storage } from '../src/index.ts'
import { defineActivity, Worker } from '../src/index.ts'
import type { Payload, WorkerReport, WorkerSettings } from './subject.ts'
import { preciseNowMs } from './wall-clock.ts'

const REPORT_MS = 50

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
  let settled = 0
  let firstMs = 0
  let lastMs = 0
  let waitsMs: number[] = []
  let cancelFlush: (() => void) | undefined
  const flush = (): void => {
    cancelFlush = undefined
    const report: WorkerReport = { settled, firstMs, lastMs, waitsMs }
    settled = 0
    waitsMs = []
    onReport(report)
  }
  worker.handle(noopActivity(type), ({ sentAtMs }) => {
    waitsMs.push(preciseNowMs() - sentAtMs)
  })
  worker.on('settled', () => {
    lastMs = systemClock.monotonicMs()
    if (settled === 0) firstMs = lastMs
    settled += 1
    cancelFlush ??= systemClock.after(REPORT_MS, flush)
  })
  await worker.start()
  return {
    async stop() {
      await worker.stop()
      cancelFlush?.()
      flush()
    },
  }
}
