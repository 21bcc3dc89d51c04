// `errand workers`: who holds what. Workers are known by what they run; those that only wait are counted as members of a type.

import { aborted, systemClock } from '../../core/clock.ts'
import { CLI_LIMITS, LIMITS } from '../../core/limits.ts'
import type { ActivitySummary, LaneFigures, Storage } from '../../storage/storage.ts'
import type { Invocation } from '../command.ts'
import { defineCommand } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { openStorage } from '../open-storage.ts'
import { oneLine, tableText } from '../output/table.ts'
import type { Output } from '../output/output.ts'
import { spanText } from '../output/time-text.ts'

/** A worker and what it runs. */
interface WorkerRow {
  readonly worker: string | null
  readonly running: number
  readonly types: Readonly<Record<string, number>>
  /** Its activity that runs longest, since when, and until when its lease lasts; a worker renews all of its leases together. */
  readonly longestId: string
  readonly longestSinceMs: number | null
  readonly leaseDeadlineMs: number | null
}

/** A type and who subscribes to it. */
interface TypeRow {
  readonly type: string
  readonly members: number | null
  readonly running: number
  readonly pending: number
}

interface Report {
  readonly workers: readonly WorkerRow[]
  readonly types: readonly TypeRow[]
  /** False: more run than were looked at. */
  readonly isComplete: boolean
}

/** The command. */
export const workersCommand = defineCommand({
  name: 'workers',
  summary: 'who runs what, and who subscribes to which type',
  description: `Workers are known by the leases that they hold: one that runs nothing is only counted among the members of its types.`,
  section: 'Activities',
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ workers: [{ worker, running, types: { <type>: n }, longestId, longestSinceMs, leaseDeadlineMs }], types: [{ type, members, running,
pending }], isComplete }\`; \`-o jsonl\`: a worker a line.`,
  async run(call) {
    const { output, terminal } = call
    await using storage = await openStorage(call)
    const { items, isComplete } = await runningOf(storage, call)
    const [workers, lanes] = await Promise.all([workersOf(storage, items), storage.laneFigures()])
    const report: Report = { workers, types: typesOf(lanes), isComplete }
    if (output.format === 'jsonl') for (const worker of workers) await output.line(worker, () => '')
    else await output.document(report, () => reportText(report, output))
    if (!isComplete) terminal.err(`Only the first ${items.length.toLocaleString('en-US')} that run were looked at.\n`)
    return EXIT_CODES.ok
  },
})

async function runningOf(
  storage: Storage,
  { terminal }: Invocation,
): Promise<{ items: ActivitySummary[]; isComplete: boolean }> {
  // Pages of what Redis keeps are counted from the first: what ends meanwhile moves the rest up.
  const items = new Map<string, ActivitySummary>()
  let cursor: string | null = null
  do {
    if (terminal.signal.aborted) throw aborted(terminal.signal)
    const page = await storage.list({ status: 'running', cursor, limit: LIMITS.pageItemsMax })
    for (const item of page.items) items.set(item.id, item)
    cursor = page.cursor
  } while (cursor !== null && items.size < CLI_LIMITS.runningMax)
  return { items: [...items.values()], isComplete: cursor === null }
}

async function workersOf(storage: Storage, running: readonly ActivitySummary[]): Promise<WorkerRow[]> {
  const rows: WorkerRow[] = []
  for (const [worker, items] of Map.groupBy(running, each => each.worker)) {
    const since = (item: ActivitySummary): number => item.startedAtMs ?? Number.POSITIVE_INFINITY
    const longest = items.reduce((before, item) => (since(item) < since(before) ? item : before))
    const snapshot = await storage.getActivity({ id: longest.id })
    rows.push({
      worker,
      running: items.length,
      types: countsByType(items),
      longestId: longest.id,
      longestSinceMs: longest.startedAtMs,
      leaseDeadlineMs: snapshot?.leaseDeadlineMs ?? null,
    })
  }
  return rows.sort((a, b) => b.running - a.running || String(a.worker).localeCompare(String(b.worker)))
}

function countsByType(items: readonly ActivitySummary[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(items, ({ type }) => type)].map(([type, ofType]) => [type, ofType.length]))
}

function typesOf(lanes: readonly LaneFigures[]): TypeRow[] {
  return [...Map.groupBy(lanes, ({ type }) => type)].map(([type, ofType]) => ({
    type,
    members: ofType[0]?.consumers ?? null,
    running: ofType.reduce((sum, { running }) => sum + running, 0),
    pending: ofType.reduce((sum, { pending }) => sum + pending, 0),
  }))
}

function reportText({ workers, types }: Report, output: Output): string {
  const nowMs = systemClock.nowMs()
  const holding = tableText(
    workers,
    [
      { head: 'WORKER', text: ({ worker }) => worker ?? '–' },
      { head: 'RUNNING', text: ({ running }) => String(running), isNumber: true },
      {
        head: 'TYPES',
        text: row =>
          Object.entries(row.types)
            .map(([type, count]) => `${type} ${count}`)
            .join(', '),
      },
      {
        head: 'LONGEST',
        text: row => (row.longestSinceMs === null ? '–' : spanText(nowMs - row.longestSinceMs)),
        isNumber: true,
      },
      { head: 'LEASE LEFT', text: row => leaseLeft(row, nowMs), isNumber: true },
      { head: 'LONGEST RUNNING', text: ({ longestId }) => longestId },
    ],
    output.style,
  )
  const members = tableText(
    types,
    [
      { head: 'TYPE', text: ({ type }) => type },
      { head: 'MEMBERS', text: row => String(row.members ?? '–'), isNumber: true },
      { head: 'RUNNING', text: row => String(row.running), isNumber: true },
      { head: 'PENDING', text: row => String(row.pending), isNumber: true },
    ],
    output.style,
  )
  const alone = types.filter(({ members: count, pending }) => count === 0 && pending > 0)
  return [
    workers.length === 0 ? 'Nothing runs.' : holding,
    types.length === 0 ? 'There are no types yet.' : members,
    ...alone.map(({ type, pending }) => `${pending} pending, and nobody subscribes to ${oneLine(type)}.`),
  ].join('\n\n')
}

function leaseLeft({ leaseDeadlineMs }: WorkerRow, nowMs: number): string {
  if (leaseDeadlineMs === null) return '–'
  return leaseDeadlineMs > nowMs ? spanText(leaseDeadlineMs - nowMs) : 'expired'
}
