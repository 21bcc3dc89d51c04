// What a worker costs that has nothing to do, and how soon it is there: every type is a consumer group of its own.

import { systemClock } from '../src/core/clock.ts'
import { KafkaStorage } from '../src/storage/kafka/index.ts'
import type { Figure } from './figures.ts'
import { startMeasured } from './measure/measured-process.ts'
import type { MeasuredWorkerSettings } from './measure/measured-worker-settings.ts'
import { cpuPercent } from './measure/process-sample.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'

const CONCURRENCY = 50
/** What a start leaves to do (compiling, collecting garbage, the first commits) is done by then. */
const SETTLE_SECONDS = 3

/**
 * For each number of types: how long a worker takes to join all their groups, its processor time while idle as a share of a
 * core, and its RSS. The topics are there before.
 */
export async function measureIdle(
  place: ErrandKafkaOptions,
  { seconds, types }: { readonly seconds: number; readonly types: readonly number[] },
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const count of types) figures.push(...(await measureTypes(place, count, seconds)))
  return figures
}

async function measureTypes(place: ErrandKafkaOptions, count: number, seconds: number): Promise<Figure[]> {
  const types = Array.from({ length: count }, (_, at) => `idle-${count}-${at}`)
  {
    await using storage = await KafkaStorage.open(place)
    await storage.declareTypes({ types })
  }
  const settings: MeasuredWorkerSettings = { types, concurrency: CONCURRENCY, handlerMs: 0, isGated: false }
  const onRan = (): void => undefined
  await using worker = await startMeasured({ program: 'measured-worker.ts', settings, place, onRan })
  await systemClock.sleep(1_000 * Math.min(seconds, SETTLE_SECONDS))
  const earlier = await worker.sample()
  await systemClock.sleep(1_000 * seconds)
  const later = await worker.sample()
  const measure = `idle worker, ${count} ${count === 1 ? 'type' : 'types'}`
  return [
    { subject: 'errand', measure: `${measure}: until it has joined`, value: worker.startMs, unit: 'ms' },
    { subject: 'errand', measure: `${measure}: CPU, of a core`, value: cpuPercent(earlier, later), unit: '%' },
    { subject: 'errand', measure: `${measure}: RSS`, value: later.rssMb, unit: 'MB' },
  ]
}
