// Whether anything grows while a producer and a worker run for long at full speed: their heaps, their buffers, Redis. The
// producer enqueues as much as was run, so the backlog stays as it is.

import { systemClock } from '../src/core/clock.ts'
import { ErrandError } from '../src/index.ts'
import { KafkaStorage } from '../src/storage/kafka/index.ts'
import type { Figure } from './figures.ts'
import type { MeasuredProcess } from './measure/measured-process.ts'
import { startMeasured, watch } from './measure/measured-process.ts'
import type { MeasuredWorkerSettings } from './measure/measured-worker-settings.ts'
import type { ProcessSample } from './measure/process-sample.ts'
import { Progress } from './measure/progress.ts'
import { openRedisView } from './measure/redis-view.ts'
import { trendOf } from './measure/trend.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'
import { preciseNowMs } from './wall-clock.ts'

const TYPE = 'soak'
const CONCURRENCY = 100
/** Enqueued and not yet settled: buffers are full of it, and nothing more. */
const BACKLOG = 20_000
/** Left out: caches are filled and code is compiled then. */
const WARM_UP_SHARE = 0.2
/** A look collects garbage, so there are few. */
const LOOKS = 150
const LOOK_MS_MIN = 1_000
const FIRST_MS_MAX = 60_000
const BYTES_PER_MB = 1_000_000

/**
 * The trend of both processes' heaps (after a collection), buffers and RSS, what was run, and how Redis grew. Redis keeps what
 * ended as long as `retention` says, so until then it grows with every activity.
 */
export async function measureSoak(
  place: ErrandKafkaOptions,
  { seconds }: { readonly seconds: number },
): Promise<Figure[]> {
  {
    await using storage = await KafkaStorage.open(place)
    await storage.declareTypes({ types: [TYPE] })
  }
  await using redis = await openRedisView(place.redisUrl)
  const before = { usedMb: await redis.usedMb(), keys: await redis.keys() }
  const progress = new Progress()
  const settings: MeasuredWorkerSettings = { types: [TYPE], concurrency: CONCURRENCY, handlerMs: 0, isGated: false }
  await using producer = await startMeasured({ program: 'soak-producer.ts', settings: { type: TYPE }, place, onRan })
  await using worker = await startMeasured({
    program: 'measured-worker.ts',
    settings,
    place,
    onRan: report => {
      progress.add(report)
      producer.tell({ kind: 'more', count: report.settled })
    },
  })
  producer.tell({ kind: 'more', count: BACKLOG })
  if (!(await progress.until(() => progress.settled > 0, FIRST_MS_MAX))) {
    throw new ErrandError('timeout', `nothing was run in the first ${FIRST_MS_MAX / 1_000} s.`)
  }
  const fromMs = preciseNowMs()
  const [ofProducer, ofWorker] = await watchBoth([producer, worker], seconds)
  const perSecond = progress.perSecond(fromMs)
  const grownMb = (await redis.usedMb()) - before.usedMb
  return [
    figure('soak: activities run', progress.settled, 'count'),
    figure('soak: run and settle no-ops while enqueuing', perSecond, '/s'),
    ...figuresOf('producer', ofProducer, fromMs + 1_000 * WARM_UP_SHARE * seconds),
    ...figuresOf('worker', ofWorker, fromMs + 1_000 * WARM_UP_SHARE * seconds),
    figure('soak: growth of Redis', grownMb, 'MB'),
    figure(
      'soak: growth of Redis, bytes for each run',
      (BYTES_PER_MB * grownMb) / Math.max(1, progress.settled),
      'count',
    ),
    figure('soak: growth of Redis, keys', (await redis.keys()) - before.keys, 'count'),
  ]
}

function onRan(): void {
  // A producer runs nothing.
}

async function watchBoth(
  [producer, worker]: readonly [MeasuredProcess, MeasuredProcess],
  seconds: number,
): Promise<readonly [readonly ProcessSample[], readonly ProcessSample[]]> {
  const isOver = new AbortController()
  const everyMs = Math.max(LOOK_MS_MIN, (1_000 * seconds) / LOOKS)
  const options = { everyMs, signal: isOver.signal, isCollected: true }
  const watched = Promise.all([watch(producer, options), watch(worker, options)])
  // A process that dies ends the soak: its look fails.
  const slept = systemClock.sleep(1_000 * seconds, { signal: isOver.signal })
  await Promise.race([slept, watched]).finally(() => isOver.abort())
  return watched
}

/** What is left of the samples behind the warm-up, as figures. */
function figuresOf(name: string, samples: readonly ProcessSample[], warmAtMs: number): Figure[] {
  const warm = samples.filter(({ atMs }) => atMs >= warmAtMs)
  const trend = (of: (sample: ProcessSample) => number): ReturnType<typeof trendOf> =>
    trendOf(warm.map(sample => ({ atMs: sample.atMs, value: of(sample) })))
  const heap = trend(({ heapMb }) => heapMb)
  const external = trend(({ externalMb }) => externalMb)
  const rss = trend(({ rssMb }) => rssMb)
  return [
    figure(`soak, ${name}: heap after the warm-up`, heap.first, 'MB'),
    figure(`soak, ${name}: heap at the end`, heap.last, 'MB'),
    figure(`soak, ${name}: growth of the heap`, heap.growthPercent, '%'),
    figure(`soak, ${name}: growth of the heap in a minute`, heap.perMinute, 'MB'),
    figure(`soak, ${name}: buffers after the warm-up`, external.first, 'MB'),
    figure(`soak, ${name}: buffers at the end`, external.last, 'MB'),
    figure(`soak, ${name}: RSS after the warm-up`, rss.first, 'MB'),
    figure(`soak, ${name}: RSS at the end`, rss.last, 'MB'),
  ]
}

function figure(measure: string, value: number, unit: Figure['unit']): Figure {
  return { subject: 'errand', measure, value, unit }
}
