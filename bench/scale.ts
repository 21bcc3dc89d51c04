// How the rate grows with worker processes of one type. They join a filled lane and wait at a gate, so that all of them begin
// at one time, each with its partitions.

import { Client } from '../src/index.ts'
import { KafkaStorage } from '../src/storage/kafka/index.ts'
import type { Figure } from './figures.ts'
import { fill } from './measure/measured-activity.ts'
import { startMeasured } from './measure/measured-process.ts'
import type { MeasuredWorkerSettings } from './measure/measured-worker-settings.ts'
import { Progress } from './measure/progress.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'
import { preciseNowMs } from './wall-clock.ts'

const CONCURRENCY = 100
/** With fewer partitions than processes some have nothing to wait with. */
const GATE_MS_MAX = 3_000
/** More than any number of processes runs here. */
const BACKLOG_PER_SECOND = 25_000
/** At the end partitions run dry one by one; that is no rate. */
const SHARE_MEASURED = 0.8

/** The rate of each number of worker processes, and what an activity costs them in processor time. */
export async function measureScale(
  place: ErrandKafkaOptions,
  { seconds, workers }: { readonly seconds: number; readonly workers: readonly number[] },
): Promise<Figure[]> {
  await using storage = await KafkaStorage.open(place)
  const client = new Client({ storage })
  const figures: Figure[] = []
  for (const count of workers) {
    const type = `scale-${count}`
    const backlog = Math.max(1_000, Math.round(seconds * BACKLOG_PER_SECOND))
    await storage.declareTypes({ types: [type] })
    await fill(client, type, backlog)
    const { perSecond, cpuMsPerThousand } = await runWith(place, type, { count, backlog, seconds })
    const measure = `run and settle no-ops, ${count} worker ${count === 1 ? 'process' : 'processes'}`
    figures.push(
      { subject: 'errand', measure, value: perSecond, unit: '/s' },
      { subject: 'errand', measure: `${measure}: their CPU for 1,000`, value: cpuMsPerThousand, unit: 'ms' },
    )
  }
  return figures
}

async function runWith(
  place: ErrandKafkaOptions,
  type: string,
  { count, backlog, seconds }: { readonly count: number; readonly backlog: number; readonly seconds: number },
): Promise<{ readonly perSecond: number; readonly cpuMsPerThousand: number }> {
  const settings: MeasuredWorkerSettings = { types: [type], concurrency: CONCURRENCY, handlerMs: 0, isGated: true }
  const progress = new Progress()
  const start = (): ReturnType<typeof startMeasured> =>
    startMeasured({ program: 'measured-worker.ts', settings, place, onRan: progress.add })
  await using started = new AsyncDisposableStack()
  const processes = await Promise.all(Array.from({ length: count }, async () => started.use(await start())))
  // Their buffers are filled then, and what was fetched first is decoded.
  await progress.until(() => progress.holding >= count * CONCURRENCY, GATE_MS_MAX)
  const cpuMs = async (): Promise<number> => {
    const samples = await Promise.all(processes.map(each => each.sample()))
    return samples.reduce((sum, sample) => sum + sample.cpuMs, 0)
  }
  const cpuBeforeMs = await cpuMs()
  const fromMs = preciseNowMs()
  for (const each of processes) each.tell({ kind: 'go' })
  await progress.until(() => progress.settled >= SHARE_MEASURED * backlog, 1_000 * seconds)
  const perSecond = progress.perSecond(fromMs)
  const cpuMsPerThousand = (1_000 * ((await cpuMs()) - cpuBeforeMs)) / Math.max(1, progress.settled)
  return { perSecond, cpuMsPerThousand }
}
