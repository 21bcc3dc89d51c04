// How a process is at one moment: its memory, and the processor time that it has used.

import { preciseNowMs } from '../wall-clock.ts'

const MB = 1_000_000

/** One look at a process. A MB is a million bytes. */
export interface ProcessSample {
  readonly atMs: number
  readonly heapMb: number
  /** Of it, buffers: what was fetched and what is being written. */
  readonly externalMb: number
  readonly rssMb: number
  /** Processor time of all its threads since its start. Unit: ms. */
  readonly cpuMs: number
}

/** Looks at this process. `isCollected`: after a garbage collection, which needs Node's `--expose-gc`. */
export function takeSample(isCollected: boolean): ProcessSample {
  const { user, system } = process.cpuUsage()
  if (isCollected) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    atMs: preciseNowMs(),
    heapMb: heapUsed / MB,
    externalMb: external / MB,
    rssMb: rss / MB,
    cpuMs: (user + system) / 1_000,
  }
}

/** Processor time between two looks, as a share of one core. Unit: %. */
export function cpuPercent(earlier: ProcessSample, later: ProcessSample): number {
  return (100 * (later.cpuMs - earlier.cpuMs)) / (later.atMs - earlier.atMs)
}
