// Who holds what: running activities by worker, those that run longest first, and who subscribes to which type.

import { CONSOLE_LIMITS, LIMITS } from '../core/limits.ts'
import type { ActivitySummary, LaneFigures, Storage } from '../storage/storage.ts'

interface WorkerItem extends Pick<ActivitySummary, 'id' | 'type' | 'attempt' | 'priority' | 'startedAtMs'> {
  readonly leaseDeadlineMs: number | null
}

interface WorkerRow {
  readonly worker: string | null
  readonly running: number
  readonly types: Readonly<Record<string, number>>
  readonly items: readonly WorkerItem[]
}

interface TypeRow {
  readonly type: string
  readonly members: number | null
  readonly running: number
  readonly pending: number
}

/** What the page of workers shows. */
export interface WorkersView {
  readonly workers: readonly WorkerRow[]
  readonly types: readonly TypeRow[]
  /** False: more run than were looked at. */
  readonly isComplete: boolean
}

/** Leases are looked up of the longest running, and of no more workers than these. */
const LEASES_OF_WORKERS_MAX = 50

/** Reads it. */
export async function workersView(storage: Storage, lanes: readonly LaneFigures[]): Promise<WorkersView> {
  const { items, isComplete } = await runningOf(storage)
  const groups = [...Map.groupBy(items, ({ worker }) => worker)].toSorted(([, a], [, b]) => b.length - a.length)
  const shown = groups.slice(0, CONSOLE_LIMITS.workersMax)
  const workers: WorkerRow[] = []
  for (let at = 0; at < shown.length; at += CONSOLE_LIMITS.lookupsAtOnce) {
    const some = shown.slice(at, at + CONSOLE_LIMITS.lookupsAtOnce)
    const hasLeases = at < LEASES_OF_WORKERS_MAX
    workers.push(...(await Promise.all(some.map(([worker, held]) => rowOf(storage, worker, held, hasLeases)))))
  }
  return { workers, types: typesOf(lanes), isComplete: isComplete && shown.length === groups.length }
}

async function runningOf(storage: Storage): Promise<{ items: ActivitySummary[]; isComplete: boolean }> {
  // Pages of what Redis keeps are counted from the first: what ends meanwhile moves the rest up.
  const items = new Map<string, ActivitySummary>()
  let cursor: string | null = null
  do {
    const page = await storage.list({ status: 'running', cursor, limit: LIMITS.pageItemsMax })
    for (const item of page.items) items.set(item.id, item)
    cursor = page.cursor
  } while (cursor !== null && items.size < CONSOLE_LIMITS.runningMax)
  return { items: [...items.values()], isComplete: cursor === null }
}

async function rowOf(
  storage: Storage,
  worker: string | null,
  held: readonly ActivitySummary[],
  hasLeases: boolean,
): Promise<WorkerRow> {
  const longest = held.toSorted((a, b) => sinceOf(a) - sinceOf(b)).slice(0, CONSOLE_LIMITS.runningOfWorkerMax)
  // A worker renews all its leases together: one tells of the others.
  const [first] = longest
  const snapshot = hasLeases && first !== undefined ? await storage.getActivity({ id: first.id }) : null
  return {
    worker,
    running: held.length,
    types: Object.fromEntries([...Map.groupBy(held, ({ type }) => type)].map(([type, all]) => [type, all.length])),
    items: longest.map(({ id, type, attempt, priority, startedAtMs }) => ({
      ...{ id, type, attempt, priority, startedAtMs },
      leaseDeadlineMs: snapshot?.id === id ? snapshot.leaseDeadlineMs : null,
    })),
  }
}

function sinceOf({ startedAtMs }: ActivitySummary): number {
  return startedAtMs ?? Number.POSITIVE_INFINITY
}

function typesOf(lanes: readonly LaneFigures[]): TypeRow[] {
  return [...Map.groupBy(lanes, ({ type }) => type)].map(([type, ofType]) => ({
    type,
    members: ofType[0]?.consumers ?? null,
    running: ofType.reduce((sum, { running }) => sum + running, 0),
    pending: ofType.reduce((sum, { pending }) => sum + pending, 0),
  }))
}
