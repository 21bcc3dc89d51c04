// How much per second: accepted for good, and run and settled. Closed loops: the next is sent when one was accepted.

import { systemClock, withDeadline } from '../src/core/clock.ts'
import { ErrandError } from '../src/index.ts'
import type { Figure } from './figures.ts'
import type { Measurement } from './rounds.ts'
import type { Lane, Payload, RunningWorker, Subject, WorkerReport } from './subject.ts'
import { payloadSentAt } from './subject.ts'
import { preciseNowMs } from './wall-clock.ts'

/** The parts of the throughput, each of which can be asked for alone. */
export const THROUGHPUT_PARTS = ['batches', 'singles', 'runs'] as const

/** One of them. */
export type ThroughputPart = (typeof THROUGHPUT_PARTS)[number]

/** What is to be measured of every subject. */
export interface ThroughputOptions {
  readonly seconds: number
  readonly parts: readonly ThroughputPart[]
  /** Handlers at once in the one worker of a run; each is measured. */
  readonly concurrencies: readonly number[]
}

const BATCH_SIZE = 500
const CALLERS = 500
/** No-ops waiting for each second of a run: what a fast subject takes in about half of it. More makes filling the longest part. */
const BACKLOG_PER_SECOND = 15_000
/** Run before and not counted, as a share of the measurement: connections, compiled code and caches are made then. */
const WARM_UP_SHARE = 0.2
const WARM_UP_SECONDS_MAX = 1
/** Slow is a figure, hanging is a failure. */
const DRAIN_MS_MAX = 300_000

const BATCHES = `enqueue, batches of ${BATCH_SIZE}`
const SINGLES = `enqueue, one by one, ${CALLERS} callers`
const RUNS = 'run and settle no-ops, concurrency'
const BEST_RUNS = 'run and settle no-ops, best concurrency'

/** The measurements, in the order in which they are taken. */
export function throughputMeasurements({ seconds, parts, concurrencies }: ThroughputOptions): Measurement[] {
  const all: Record<ThroughputPart, Measurement[]> = {
    batches: [perSecond(BATCHES, async subject => measureBatches(await subject.openLane('enqueue-batch'), seconds))],
    singles: [perSecond(SINGLES, async subject => measureSingles(await subject.openLane('enqueue-single'), seconds))],
    runs: concurrencies.map(concurrency =>
      perSecond(`${RUNS} ${concurrency}`, async subject =>
        measureRuns(await subject.openLane(`run-${concurrency}`), concurrency, seconds),
      ),
    ),
  }
  return THROUGHPUT_PARTS.filter(part => parts.includes(part)).flatMap(part => all[part])
}

/** A round's figures, and behind them each subject's better one of the concurrencies, where several were tried. */
export function withBestRuns(figures: readonly Figure[]): Figure[] {
  const runs = Map.groupBy(
    figures.filter(({ measure }) => measure.startsWith(RUNS)),
    ({ subject }) => subject,
  )
  const best = [...runs.values()].flatMap(([first, ...others]) =>
    first === undefined || others.length === 0
      ? []
      : [{ ...first, measure: BEST_RUNS, value: Math.max(first.value, ...others.map(({ value }) => value)) }],
  )
  return [...figures, ...best]
}

function perSecond(name: string, rate: (subject: Subject) => Promise<number | undefined>): Measurement {
  return {
    name,
    async measure(subject) {
      const value = await rate(subject)
      return value === undefined ? [] : [{ subject: subject.name, measure: name, value, unit: '/s' }]
    },
  }
}

function measureBatches(lane: Lane, seconds: number): Promise<number> {
  return warmPerSecondOf(seconds, async () => {
    await lane.enqueueMany(batch())
    return BATCH_SIZE
  })
}

async function measureSingles(lane: Lane, seconds: number): Promise<number> {
  await lane.enqueue(payloadSentAt(preciseNowMs()))
  const rates = Array.from({ length: CALLERS }, () =>
    warmPerSecondOf(seconds, async () => {
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
    await whileAlive(worker, drained.promise, () => `${settled} of ${backlog} were settled`)
  } finally {
    await worker.stop()
  }
  return rateOf(reports)
}

/** What the worker is expected to do; a worker that died, or does not come to it, ends the measurement. */
function whileAlive(worker: RunningWorker, done: Promise<void>, state: () => string): Promise<void> {
  const either = worker.died === undefined ? done : Promise.race([done, worker.died])
  return withDeadline(systemClock, either, DRAIN_MS_MAX, () => {
    return new ErrandError('timeout', `${state()} in ${DRAIN_MS_MAX / 1_000} s.`)
  })
}

/**
 * From the start of the first handler to the last settlement: the worker's own start is left out, and who settles many at a
 * time does not get the first of them for nothing.
 */
function rateOf(reports: readonly WorkerReport[]): number {
  const settled = reports.reduce((sum, report) => sum + report.settled, 0)
  const startedMs = Math.max(...reports.map(report => report.startedMs)) // the same in all but those before it
  return (1_000 * settled) / (Math.max(...reports.map(report => report.settledMs)) - startedMs)
}

async function warmPerSecondOf(seconds: number, call: () => Promise<number>): Promise<number> {
  await perSecondOf(Math.min(WARM_UP_SECONDS_MAX, seconds * WARM_UP_SHARE), call)
  return await perSecondOf(seconds, call)
}

/** Calls until the time is over; the last call counts with the time it took. */
async function perSecondOf(seconds: number, call: () => Promise<number>): Promise<number> {
  const startedMs = systemClock.monotonicMs()
  let done = 0
  while (systemClock.monotonicMs() - startedMs < seconds * 1_000) done += await call()
  return (1_000 * done) / (systemClock.monotonicMs() - startedMs)
}

function batch(): Payload[] {
  const nowMs = preciseNowMs()
  return Array.from({ length: BATCH_SIZE }, () => payloadSentAt(nowMs))
}
