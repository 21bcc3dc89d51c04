// How long from enqueue to the start of the handler, below capacity. An open loop: each is sent at its time, whether or not
// those before were accepted, so that a pause delays what was due in it and is not left out.

import { systemClock, withDeadline } from '../src/core/clock.ts'
import { ErrandError } from '../src/index.ts'
import type { Figure } from './figures.ts'
import { percentile } from './figures.ts'
import type { Measurement } from './rounds.ts'
import type { Lane, Subject } from './subject.ts'
import { payloadSentAt } from './subject.ts'
import { preciseNowMs } from './wall-clock.ts'

/** What is sent per second, one after the other. */
export const RATES_PER_SECOND: readonly number[] = [100, 200]
const SHARES = [0.5, 0.99]
/** Sent before and left out: connections, compiled code and caches are made then. */
const WARM_UP_SECONDS = 1
const CONCURRENCY = 100
const TAIL_MS_MAX = 30_000

/** The measurements: of subjects that have workers. */
export function latencyMeasurements(seconds: number, rates: readonly number[] = RATES_PER_SECOND): Measurement[] {
  return rates.map(rate => ({
    name: `enqueue to handler start, ${rate}/s`,
    measure: subject => measureLatency(subject, rate, seconds),
  }))
}

async function measureLatency(subject: Subject, rate: number, seconds: number): Promise<Figure[]> {
  const lane = await subject.openLane(`latency-${rate}`)
  if (lane.startWorker === undefined) return []
  const waitsMs = await waitsAt(lane, rate, seconds)
  return SHARES.map(share => ({
    subject: subject.name,
    measure: `enqueue to handler start, ${rate}/s, p${100 * share}`,
    value: percentile(waitsMs, share),
    unit: 'ms',
  }))
}

async function waitsAt(lane: Lane, rate: number, seconds: number): Promise<number[]> {
  const warmUp = Math.round(rate * Math.min(WARM_UP_SECONDS, seconds))
  const count = warmUp + Math.round(rate * seconds)
  const waitsMs: number[] = []
  const all = Promise.withResolvers<void>()
  const worker = await lane.startWorker?.({
    concurrency: CONCURRENCY,
    onReport: report => {
      waitsMs.push(...report.waitsMs)
      if (waitsMs.length >= count) all.resolve()
    },
  })
  try {
    await sendAt(lane, rate, count)
    const started = worker?.died === undefined ? all.promise : Promise.race([all.promise, worker.died])
    await withDeadline(systemClock, started, TAIL_MS_MAX, () => {
      return new ErrandError('timeout', `${waitsMs.length} of ${count} were started.`)
    })
  } finally {
    await worker?.stop()
  }
  return waitsMs.slice(warmUp)
}

/** Resolves when all are accepted. */
async function sendAt(lane: Lane, rate: number, count: number): Promise<void> {
  const startMs = systemClock.monotonicMs()
  const accepted: Promise<void>[] = []
  for (let at = 0; at < count; at += 1) {
    const aheadMs = startMs + (at * 1_000) / rate - systemClock.monotonicMs()
    if (aheadMs > 0) await systemClock.sleep(aheadMs)
    // The time it was due, not the time at which this loop came to it.
    accepted.push(lane.enqueue(payloadSentAt(preciseNowMs() + Math.min(0, aheadMs))))
  }
  await Promise.all(accepted)
}
