// How much per second: accepted for good, and run and settled. Closed loops: the next is sent when one was accepted.

import { systemClock, withDeadline } from '../src/core/clock.ts'
import { ErrandError } from '../src/index.ts'
import type { Figure } from './figures.ts'
import type { Lane, Subject, WorkerReport } from './subject.ts'
import { payloadSentAt } from './subject.ts'
import { preciseNowMs } from './wall-clock.ts'

const BATCH_SIZE = 500
const CALLERS = 500
/** No-ops waiting for each second of a run measurement; more than any run can take makes filling the longest part. */
const BACKLOG_PER_SECOND = 5_000
/** Slow is a figure, hanging is a failure. */
const DRAIN_MS_MAX = 300_000

/** Every throughput figure of one subject. */
export async function measureThroughput(subject: Subject, seconds: number): Promise<Figure[]> {
  const figure = (measure: string, value: number): Figure => ({ subject: subject.name, measure, value, unit: '/s' })
  const single = await subject.openLane('enqueue-single')
  const figures = [
    figure(`enqueue, batches of ${BATCH_SIZE}`, await measureBatches(await subject.openLane('enqueue-batch'), seconds)),
    figure(`enqueue, one by one, ${CALLERS} callers`, await measureSingles(single, seconds)),
  ]
  for (const concurrency of [100, 500]) {
    const lane = await subject.openLane(`run-${concurrency}`)
    const perSecond = await measureRuns(lane, concurrency, seconds)
    if (perSecond !== undefined) figures.push(figure(`run and settle no-ops, concurrency ${concurrency}`, perSecond))
  }
  return figures
}

async function measureBatches(lane: Lane, seconds: number): Promise<number> {
  await lane.enqueueMany(batch())
  return perSecondOf(seconds, async () => {
    await lane.enqueueMany(batch())
    return BATCH_SIZE
  })
}

async function measureSingles(lane: Lane, seconds: number): Promise<number> {
  await lane.enqueue(payloadSentAt(preciseNowMs()))
  const rates = Array.from({ length: CALLERS }, () =>
    perSecondOf(seconds, async () => {
      await lane.enqueue(payloadSentAt(preciseNowMs()))
      return 1
    }),
  )
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0)
}

/** Fills the lane, then lets one worker empty it. Undefined when the subject has no workers. */
async function measureRuns(lane: Lane, concurrency: number, seconds: number): Promise<number | undefined> {
  if (lane.startWorker === undefined) return undefined
  const batches = Math.max(1, Math.round((seconds * BACKLOG_PER_SECOND) / BATCH_SIZE))
  for (let at = 0; at < batches; at += 1) await lane.enqueueMany(batch())
  const backlog = batches * BATCH_SIZE
  const reports: WorkerReport[] = []
  let settled = 0
  const drained = Promise.withResolvers<void>()
  const worker = await lane.startWorker({
    concurrency,
    onReport: report => {
      reports.push(report)
      settled += report.settled
      if (settled >= backlog) drained.resolve()
    },
  })
  try {
    await withDeadline(systemClock, drained.promise, DRAIN_MS_MAX, () =>
      tooLate(`${settled} of ${backlog} were settled`),
    )
  } finally {
    await worker.stop()
  }
  return rateOf(reports)
}

/** From the first settlement to the last, so that the worker's start is left out. */
function rateOf(reports: readonly WorkerReport[]): number {
  const working = reports.filter(report => report.settled > 0)
  const settled = working.reduce((sum, report) => sum + report.settled, 0)
  const firstMs = Math.min(...working.map(report => report.firstMs))
  const lastMs = Math.max(...working.map(report => report.lastMs))
  return (1_000 * (settled - 1)) / (lastMs - firstMs)
}

/** Calls until the time is over; the last call counts with the time it took. */
async function perSecondOf(seconds: number, call: () => Promise<number>): Promise<number> {
  const startedMs = systemClock.monotonicMs()
  let done = 0
  while (systemClock.monotonicMs() - startedMs < seconds * 1_000) done += await call()
  return (1_000 * done) / (systemClock.monotonicMs() - startedMs)
}

function tooLate(text: string): ErrandError {
  return new ErrandError('timeout', `${text} in ${DRAIN_MS_MAX / 1_000} s.`)
}

function batch(): ReturnType<typeof payloadSentAt>[] {
  const nowMs = preciseNowMs()
  return Array.from({ length: BATCH_SIZE }, () => payloadSentAt(nowMs))
}
