// Whether one long activity holds up those behind it. All stand in one partition, so that everything is behind it, and a
// measurement goes on until more have passed it than a partition's ledger may track, or it has taken four times its time.

import { CONSUMER_LIMITS } from '../src/core/limits.ts'
import { Client, ErrandError } from '../src/index.ts'
import { KafkaStorage } from '../src/storage/kafka/index.ts'
import type { Figure } from './figures.ts'
import { fill, measuredActivity } from './measure/measured-activity.ts'
import { startMeasured } from './measure/measured-process.ts'
import type { MeasuredWorkerSettings } from './measure/measured-worker-settings.ts'
import { Progress } from './measure/progress.ts'
import { payloadSentAt } from './subject.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'
import { preciseNowMs } from './wall-clock.ts'

const CONCURRENCY = 100
const HOUR_MS = 3_600_000
/** More than one partition gives. */
const BACKLOG_PER_SECOND = 25_000
/** Shorter ones show only that this works. */
const REAL_SECONDS_MIN = 1
/** What is behind the head and has passed it by then has passed every bound. */
const PASSED_MIN = 1.2 * CONSUMER_LIMITS.ledgerRecordsMax
const EXTRA_TIMES_MAX = 3
const ROUNDS = 2
const GATE_MS_MAX = 60_000
/** What passes shows at the end: what was ahead of any bound is through by then. */
const LATE_SHARE = 0.25

interface Rates {
  readonly whole: number
  readonly late: number
  readonly settled: number
  readonly cpuMsPerThousand: number
}

/**
 * The rate of the others with and without an activity of an hour at the head of their partition, in turns, over all of the time
 * and over its last quarter, and how many passed it. The share of the processor time is the steadier figure where others use
 * the machine: a rate is also what they leave.
 */
export async function measureHeadOfLine(
  place: ErrandKafkaOptions,
  { seconds }: { readonly seconds: number },
): Promise<Figure[]> {
  await using storage = await KafkaStorage.open({ ...place, partitions: 1 })
  const client = new Client({ storage })
  const free: Rates[] = []
  const held: Rates[] = []
  for (let round = 1; round <= (seconds < REAL_SECONDS_MIN ? 1 : ROUNDS); round += 1) {
    for (const hasHead of round % 2 === 0 ? [true, false] : [false, true]) {
      const type = `head-${hasHead ? 'held' : 'free'}-${round}`
      await storage.declareTypes({ types: [type] })
      const rates = await ratesOf(place, client, { type, hasHead, seconds })
      if (hasHead) held.push(rates)
      else free.push(rates)
    }
  }
  const mean = (of: readonly Rates[], what: keyof Rates): number =>
    of.reduce((sum, each) => sum + each[what], 0) / of.length
  const share = (what: keyof Rates): number => (100 * mean(held, what)) / Math.max(1, mean(free, what))
  return [
    figure('one partition, no-ops', mean(free, 'whole'), '/s'),
    figure('one partition, no-ops behind an activity of an hour', mean(held, 'whole'), '/s'),
    figure('behind an activity of an hour: share of the rate', share('whole'), '%'),
    figure('behind an activity of an hour: share of the rate, last quarter', share('late'), '%'),
    figure('behind an activity of an hour: share of the CPU for each', share('cpuMsPerThousand'), '%'),
    figure('behind an activity of an hour: passed it', mean(held, 'settled'), 'count'),
  ]
}

async function ratesOf(
  place: ErrandKafkaOptions,
  client: Client,
  { type, hasHead, seconds }: { readonly type: string; readonly hasHead: boolean; readonly seconds: number },
): Promise<Rates> {
  const isReal = seconds >= REAL_SECONDS_MIN
  const backlog = Math.max(isReal ? PASSED_MIN : 1_000, Math.round(seconds * BACKLOG_PER_SECOND))
  const progress = new Progress()
  if (hasHead) await client.enqueue(measuredActivity(type), { ...payloadSentAt(preciseNowMs()), holdMs: HOUR_MS })
  await fill(client, type, backlog)
  const settings: MeasuredWorkerSettings = { types: [type], concurrency: CONCURRENCY, handlerMs: 0, isGated: true }
  await using worker = await startMeasured({ program: 'measured-worker.ts', settings, place, onRan: progress.add })
  // The oldest is claimed first, so the one at the head is among them.
  if (!(await progress.until(() => progress.holding >= CONCURRENCY, GATE_MS_MAX))) {
    throw new ErrandError('timeout', 'what is at the head of the partition did not start.')
  }
  const before = await worker.sample()
  const fromMs = preciseNowMs()
  worker.tell({ kind: 'go' })
  await progress.until(() => progress.settled >= backlog, 1_000 * seconds)
  if (isReal) await progress.until(() => progress.settled >= PASSED_MIN, EXTRA_TIMES_MAX * 1_000 * seconds)
  const toMs = preciseNowMs()
  const { cpuMs } = await worker.sample()
  return {
    whole: progress.perSecond(fromMs, toMs),
    late: progress.perSecond(toMs - LATE_SHARE * (toMs - fromMs), toMs),
    settled: progress.settled,
    cpuMsPerThousand: (1_000 * (cpuMs - before.cpuMs)) / Math.max(1, progress.settled),
  }
}

function figure(measure: string, value: number, unit: Figure['unit']): Figure {
  return { subject: 'errand', measure, value, unit }
}
