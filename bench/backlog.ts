// What many waiting activities cost, and whether those of high priority pass them: they are enqueued without a worker, then
// one works on them while activities of high priority are enqueued behind them, one after another.

import { systemClock } from '../src/core/clock.ts'
import { Client, ErrandError } from '../src/index.ts'
import { KafkaStorage } from '../src/storage/kafka/index.ts'
import type { Figure } from './figures.ts'
import { percentile } from './figures.ts'
import { fill, measuredActivity } from './measure/measured-activity.ts'
import type { MeasuredProcess } from './measure/measured-process.ts'
import { startMeasured, watch } from './measure/measured-process.ts'
import type { MeasuredWorkerSettings } from './measure/measured-worker-settings.ts'
import { Progress } from './measure/progress.ts'
import { openRedisView } from './measure/redis-view.ts'
import { payloadSentAt } from './subject.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'
import { preciseNowMs } from './wall-clock.ts'

const TYPE = 'backlog'
const CONCURRENCY = 50
/** Two workers, one after the other: one that is busy with its handlers, one that is busy with claiming and settling. */
const HANDLERS_MS = [20, 0]
/** Of high priority, for each worker. */
const URGENT_COUNT = 20
const URGENT_MS_MAX = 60_000
/** The worker is at its work by then. */
const WARM_UP_COUNT = 500
const WARM_UP_MS_MAX = 1_000
const LOOK_MS = 100
/** What is fetched ahead is bounded for each partition, so the same number in more types is the harder case. */
const SPREAD_TYPES = 10
/** Of each type, at most: its buffers hold less. */
const SPREAD_COUNT_MAX = 12_000
const SPREAD_MS_MAX = 8_000

/**
 * Redis's growth for so many waiting activities, the largest RSS of a worker that works on them, and how long activities of
 * high priority take from enqueue to the start of their handler meanwhile.
 */
export async function measureBacklog(
  place: ErrandKafkaOptions,
  { activities }: { readonly activities: number },
): Promise<Figure[]> {
  await using redis = await openRedisView(place.redisUrl)
  await using storage = await KafkaStorage.open(place)
  const client = new Client({ storage })
  await storage.declareTypes({ types: [TYPE] })
  const emptyMb = await redis.usedMb()
  const startedMs = systemClock.monotonicMs()
  await fill(client, TYPE, activities)
  const filledMs = systemClock.monotonicMs() - startedMs
  const waiting = `${activities.toLocaleString('en-US')} waiting`
  const figures = [
    figure(`enqueue, until ${waiting}`, (1_000 * activities) / filledMs, '/s'),
    figure(`${waiting}: growth of Redis`, (await redis.usedMb()) - emptyMb, 'MB'),
  ]
  for (const handlerMs of HANDLERS_MS) figures.push(...(await measureWorker(place, client, waiting, handlerMs)))
  const types = Array.from({ length: SPREAD_TYPES }, (_, at) => `${TYPE}-${at}`)
  await storage.declareTypes({ types })
  return [...figures, await measureSpread(place, client, types, Math.ceil(activities / SPREAD_TYPES))]
}

/** The largest RSS of a worker of several types, all of which have more waiting than their buffers hold. */
async function measureSpread(
  place: ErrandKafkaOptions,
  client: Client,
  types: readonly string[],
  perType: number,
): Promise<Figure> {
  const count = Math.min(perType, SPREAD_COUNT_MAX)
  for (const type of types) await fill(client, type, count)
  const settings: MeasuredWorkerSettings = { types, concurrency: CONCURRENCY, handlerMs: 20, isGated: false }
  const progress = new Progress()
  await using worker = await startMeasured({ program: 'measured-worker.ts', settings, place, onRan: progress.add })
  const isOver = new AbortController()
  const watched = watch(worker, { everyMs: LOOK_MS, signal: isOver.signal })
  await progress.until(() => progress.settled >= count, SPREAD_MS_MAX)
  isOver.abort()
  const rssMb = Math.max(...(await watched).map(sample => sample.rssMb))
  const waiting = `${(count * types.length).toLocaleString('en-US')} waiting in ${types.length} types`
  return figure(`${waiting}, handlers of 20 ms: RSS of the worker, at most`, rssMb, 'MB')
}

async function measureWorker(
  place: ErrandKafkaOptions,
  client: Client,
  waiting: string,
  handlerMs: number,
): Promise<Figure[]> {
  const settings: MeasuredWorkerSettings = { types: [TYPE], concurrency: CONCURRENCY, handlerMs, isGated: false }
  const progress = new Progress()
  await using worker = await startMeasured({ program: 'measured-worker.ts', settings, place, onRan: progress.add })
  const isOver = new AbortController()
  const watched = watch(worker, { everyMs: LOOK_MS, signal: isOver.signal })
  await passThem(client, progress, worker).finally(() => isOver.abort())
  const rssMb = Math.max(...(await watched).map(sample => sample.rssMb))
  const waitsMs = progress.highWaitsMs
  const handlers = handlerMs === 0 ? 'no-op handlers' : `handlers of ${handlerMs} ms`
  const named = (what: string): string => `${waiting}, ${handlers}: ${what}`
  return [
    figure(named('RSS of the worker, at most'), rssMb, 'MB'),
    figure(named('high priority, enqueue to handler start, first'), waitsMs[0] ?? Number.NaN, 'ms'),
    figure(named('high priority, enqueue to handler start, median'), percentile(waitsMs, 0.5), 'ms'),
    figure(named('high priority, enqueue to handler start, longest'), Math.max(...waitsMs), 'ms'),
  ]
}

/** Enqueues those of high priority, the next when the one before has started. */
async function passThem(client: Client, progress: Progress, worker: MeasuredProcess): Promise<void> {
  await progress.until(() => progress.settled >= WARM_UP_COUNT, WARM_UP_MS_MAX)
  for (let at = 0; at < URGENT_COUNT; at += 1) {
    await client.enqueue(measuredActivity(TYPE), payloadSentAt(preciseNowMs()), { priority: 'high' })
    if (await progress.until(() => progress.highWaitsMs.length > at, URGENT_MS_MAX)) continue
    const { heapMb } = await worker.sample() // tells a dead worker from a slow one
    throw new ErrandError('timeout', `an activity of high priority did not start; the worker's heap is ${heapMb} MB.`)
  }
}

function figure(measure: string, value: number, unit: Figure['unit']): Figure {
  return { subject: 'errand', measure, value, unit }
}
