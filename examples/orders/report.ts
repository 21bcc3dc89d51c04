// The table at the end: a line for each type, and that the lines add up.

import type { ActivitySummary } from '../../src/index.ts'
import type { Plan, Submitted } from './plan.ts'

/** What a table is made of. */
export interface ReportParts {
  readonly plans: readonly Plan[]
  readonly submitted: readonly Submitted[]
  readonly endings: ReadonlyMap<string, ActivitySummary>
  /** Lines of the file that are no orders: each is refused once for every type. */
  readonly refusedLines: number
}

interface Row {
  readonly name: string
  readonly enqueued: number
  readonly deduplicated: number
  readonly refused: number
  readonly completed: number
  readonly failed: number
  readonly deadLettered: number
  readonly retried: number
  readonly waitsMs: readonly number[]
}

const HEAD = [
  'type',
  'enqueued',
  'deduplicated',
  'refused',
  'completed',
  'failed',
  'dead-lettered',
  'retried',
  'p50 wait',
  'p99 wait',
]

/** The table as text, with the sums below it. */
export function reportText(parts: ReportParts): string {
  const rows = parts.plans.map(({ type }) => rowOf(parts, type))
  const total = totalOf(rows)
  const table = [HEAD, ...[...rows, total].map(row => cellsOf(row))]
  const widths = HEAD.map((_, column) => Math.max(...table.map(cells => cells[column]?.length ?? 0)))
  const lines = table.map(cells =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
  )
  lines.splice(-1, 0, '-'.repeat(lines[0]?.length ?? 0))
  return `${lines.join('\n')}\n\n${sumsText(parts, total)}`
}

function rowOf({ submitted, endings, refusedLines }: ReportParts, type: string): Row {
  const ofType = submitted.filter(each => each.type === type)
  const created = ofType.filter(({ outcome }) => outcome === 'created')
  const ended = created.map(({ id }) => endings.get(id ?? '')).filter(ending => ending !== undefined)
  const countOf = (status: ActivitySummary['status']): number => ended.filter(each => each.status === status).length
  return {
    name: type,
    enqueued: created.length,
    deduplicated: ofType.filter(({ outcome }) => outcome === 'existing').length,
    refused: refusedLines + ofType.filter(({ outcome }) => outcome === 'refused').length,
    completed: countOf('completed'),
    failed: countOf('failed'),
    deadLettered: countOf('dead_letter'),
    retried: ended.filter(({ attempt }) => attempt > 1).length,
    waitsMs: ended.flatMap(ending => waitOf(ending)),
  }
}

/** From when the attempt that ended it could run to when it did. Clocks of two machines may differ by some ms. */
function waitOf({ createdAtMs, scheduledAtMs, startedAtMs }: ActivitySummary): number[] {
  return startedAtMs === null ? [] : [Math.max(0, startedAtMs - Math.max(createdAtMs, scheduledAtMs ?? 0))]
}

function totalOf(rows: readonly Row[]): Row {
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0)
  return {
    name: 'all',
    enqueued: sum(row => row.enqueued),
    deduplicated: sum(row => row.deduplicated),
    refused: sum(row => row.refused),
    completed: sum(row => row.completed),
    failed: sum(row => row.failed),
    deadLettered: sum(row => row.deadLettered),
    retried: sum(row => row.retried),
    waitsMs: rows.flatMap(row => row.waitsMs),
  }
}

function cellsOf(row: Row): string[] {
  const { name, enqueued, deduplicated, refused, completed, failed, deadLettered, retried, waitsMs } = row
  const counts = [enqueued, deduplicated, refused, completed, failed, deadLettered, retried]
  return [name, ...counts.map(count => String(count)), percentile(waitsMs, 0.5), percentile(waitsMs, 0.99)]
}

function percentile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return value === undefined ? '-' : `${Math.round(value)} ms`
}

function sumsText({ plans, submitted, refusedLines }: ReportParts, total: Row): string {
  const { enqueued, deduplicated, refused, completed, failed, deadLettered } = total
  const lines = refusedLines + submitted.length / plans.length
  return [
    `${enqueued} enqueued + ${deduplicated} deduplicated + ${refused} refused = ${enqueued + deduplicated + refused}`,
    ` = ${lines} lines × ${plans.length} types\n`,
    `${completed} completed + ${failed} failed + ${deadLettered} dead-lettered = ${completed + failed + deadLettered}`,
    ` = ${enqueued} enqueued`,
  ].join('')
}
