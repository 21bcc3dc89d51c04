// How long from enqueue to the start of the handler, below capacity. An open loop: each is sent at its time, whether or not
// those before were accepted, so that a pause delays what was due in it and is not left out.

import { systemClock, withDeadline } from '../src/core/clock.ts'
import { ErrandError } from '../src/index.ts'
import type { Figure } from './figures.ts'
import { percentile } from './figures.ts'
import type { Subject } from './subject.ts'
import { payloadSentAt } from './subject.ts'
import { preciseNowMs } from './wall-clock.ts'

const RATES_PER_SECOND = [100, 200]
/** Sent before and left out: connections, compiled code and caches are made then. */
const WARM_UP_SECONDS = 1
const CONCURRENCY = 100
const TAIL_MS_MAX = 30_000

/** The latency figures of one subject, which has workers. */
export async function measureLatency(subject: Subject, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const rate of RATES_PER_SECOND) {
    const waitsMs = await waitsAt(subject, rate, seconds)
    for (const share of [0.5, 0.99]) {
      const measure = `enqueue to handler start, ${rate}/s, p${100 * share}`
      figures.push({ subject: subject.name, measure, value: percentile(waitsMs, share), unit: 'ms' })
    }
  }
  return figures
}

async function waitsAt(subject: Subject, rate: number, seconds: number): Promise<number[]> {
  const lane = await subject.openLane(`latency-${rate}`)
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
  if (worker === undefined) throw new ErrandError('unsupported', `${subject.name} has no workers.`)
  try {
    const startMs = systemClock.monotonicMs()
    const accepted: Promise<void>[] = []
    for (let at = 0; at < count; at += 1) {
      const aheadMs = startMs + (at * 1_000) / rate - systemClock.monotonicMs()
      if (aheadMs > 0) await systemClock.sleep(aheadMs)
      // The time it was due, not the time at which this loop came to it.
      accepted.push(lane.enqueue(payloadSentAt(preciseNowMs() + Math.min(0, aheadMs))))
    }
    await Promise.all(accepted)
    await withDeadline(systemClock, all.promise, TAIL_MS_MAX, () => {
      return new ErrandError('timeout', `${waitsMs.length} of ${count} were started.`)
    })
  } finally {
    await worker.stop()
  }
  return waitsMs.slice(warmUp)
}
