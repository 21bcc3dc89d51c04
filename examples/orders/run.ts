// One run, from the file to what became of every activity. Nothing is printed here but progress.

import { systemClock, withSignal } from '../../src/core/clock.ts'
import type { ActivitySummary, StorageStats } from '../../src/index.ts'
import { Client, ErrandError } from '../../src/index.ts'
import { readEndings } from './evidence.ts'
import type { Fleet } from './fleet.ts'
import type { Order } from './order.ts'
import type { Place } from './place.ts'
import type { Plan, Submitted } from './plan.ts'
import { Progress } from './progress.ts'
import { say } from './say.ts'
import type { RunFacts } from './verify.ts'
import { acceptedIds, findProblems, findResultProblems } from './verify.ts'

/** Orders in one step: five enqueues of so many activities each go side by side. */
const BATCH_ORDERS = 500
const LOOK_MS = 100
/** Workers report at once; the storage itself is asked less often. */
const STATS_MS = 1_000
/** A killed worker's attempts are taken over within some 20 s; when nothing ends for longer, something is wrong. */
const STALLED_MS_MAX = 45_000

/** What a run leaves. */
export interface RunResult {
  readonly submitted: readonly Submitted[]
  readonly endings: ReadonlyMap<string, ActivitySummary>
  readonly problems: readonly string[]
}

/** Runs the orders. Rejects when it does not come to an end, or with `cancelled` when the signal aborts. */
export async function runOrders(
  place: Place,
  orders: readonly Order[],
  plans: readonly Plan[],
  signal: AbortSignal,
): Promise<RunResult> {
  const client = new Client({ storage: place.storage })
  const fleet = place.startFleet()
  try {
    await withSignal(fleet.ready, signal)
    say('two workers are ready')
    const before = await client.inspect.stats()
    const submitted = await enqueueAll(client, orders, plans, signal)
    const created = submitted.filter(({ outcome }) => outcome === 'created').length
    const look = (): Promise<StorageStats> => client.inspect.stats()
    const after = await waitForEnd({ fleet, look, before, count: created, signal })
    const endings = await readEndings(client, acceptedIds(submitted), signal)
    const facts: RunFacts = { submitted, endings, before, after }
    const problems = [...findProblems(facts, plans), ...(await findResultProblems(client, facts, plans))]
    return { submitted, endings, problems }
  } finally {
    await fleet.stop()
  }
}

async function enqueueAll(
  client: Client,
  orders: readonly Order[],
  plans: readonly Plan[],
  signal: AbortSignal,
): Promise<Submitted[]> {
  const startedMs = systemClock.monotonicMs()
  const submitted: Submitted[] = []
  for (let at = 0; at < orders.length && !signal.aborted; at += BATCH_ORDERS) {
    const batch = orders.slice(at, at + BATCH_ORDERS)
    submitted.push(...(await Promise.all(plans.map(plan => plan.enqueue(client, batch)))).flat())
  }
  const seconds = ((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)
  say(`${submitted.length} enqueues answered in ${seconds} s`)
  return submitted
}

/** Waits until the storage counts as many endings as there were enqueued, and nothing is left; answers its counts. */
async function waitForEnd(parts: {
  readonly fleet: Fleet
  readonly look: () => Promise<StorageStats>
  readonly before: StorageStats
  readonly count: number
  readonly signal: AbortSignal
}): Promise<StorageStats> {
  const { fleet, look, before, count, signal } = parts
  const progress = new Progress(count + leftOf(before), fleet.tally)
  const losses = new Set<string>()
  let ended = 0
  let endedMs = systemClock.monotonicMs()
  let lookedMs = Number.NEGATIVE_INFINITY
  try {
    for (;;) {
      const nowMs = systemClock.monotonicMs()
      if (fleet.tally.ended >= count || nowMs - lookedMs >= STATS_MS) {
        lookedMs = nowMs
        const stats = await look()
        const endedNow = endedOf(stats) - endedOf(before)
        if (endedNow !== ended) [ended, endedMs] = [endedNow, nowMs]
        if (endedNow >= count && leftOf(stats) === 0) return stats
      }
      if (nowMs - endedMs > STALLED_MS_MAX) {
        throw new ErrandError('timeout', `nothing ended for ${STALLED_MS_MAX / 1_000} s, after ${ended} of ${count}.`)
      }
      tellLosses(fleet, losses)
      progress.show(ended)
      await systemClock.sleep(LOOK_MS, { signal })
    }
  } finally {
    progress.close(ended)
  }
}

function tellLosses({ lost, tally }: Fleet, told: Set<string>): void {
  if (lost.size === tally.endedBy.size) {
    const all = [...lost].map(([worker, how]) => `${worker} (${how})`).join(', ')
    throw new ErrandError('unavailable', `every worker died: ${all}.`)
  }
  for (const [worker, how] of lost) {
    if (!told.has(worker))
      say(`\n${worker} died (${how}); what it ran is taken over when its leases end, within some 20 s`)
    told.add(worker)
  }
}

function leftOf(stats: StorageStats): number {
  return stats.pending + stats.scheduled + stats.running
}

function endedOf(stats: StorageStats): number {
  return stats.completed + stats.failed + stats.dead_letter + stats.cancelled
}
