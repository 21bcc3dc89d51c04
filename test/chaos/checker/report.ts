// The judgement for people (aligned text) and for programs (JSON). The first line says how it ended.

import type { RunInfo, Violation } from '../evidence.ts'
import type { Judgement } from './check.ts'
import type { Figures, Spread } from './figures.ts'

/** Violations that are told one by one. */
const TOLD = 20

/** `valid`: nothing was broken · `violated`: a promise was · `invalid`: the run proves nothing. */
export type Verdict = 'valid' | 'violated' | 'invalid'

/** A run's judgement, whole. */
export interface Report {
  readonly run: RunInfo
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly violations: readonly Violation[]
  readonly figures: Figures
  readonly excused: Readonly<Record<string, number>>
}

/** Puts a report together. A broken promise counts, whether the run was valid or not. */
export function reportOf(run: RunInfo, judgement: Judgement, invalid: readonly string[]): Report {
  const { violations, figures, excused } = judgement
  const verdict = violations.length > 0 ? 'violated' : invalid.length > 0 ? 'invalid' : 'valid'
  return { run, verdict, reasons: invalid, violations, figures, excused }
}

/** The verdict in one line. */
export function verdictLine({ verdict, violations, reasons }: Report): string {
  if (verdict === 'valid') return 'valid, nothing lost'
  if (verdict === 'invalid') return `invalid: ${reasons.join('; ')}`
  const counts = new Map<string, number>()
  for (const { invariant } of violations) counts.set(invariant, (counts.get(invariant) ?? 0) + 1)
  return `VIOLATED: ${[...counts].map(([invariant, count]) => `${invariant} (${count})`).join(', ')}`
}

/** The report as text. */
export function reportText(report: Report): string {
  const { run, figures, violations, excused, reasons } = report
  const sections = [
    [verdictLine(report)],
    [`seed ${run.seed}, ${run.seconds} s, ${run.brokers} broker(s), ${run.rate}/s, namespace ${run.namespace}`],
    table(figureRows(figures)),
    titled('faults', table(faultRows(figures))),
    titled(
      'runs that were one too many',
      table([...countRows(figures.attemptsTwice), ...countRows(figures.effectsTwice)]),
    ),
    titled('excused', table(countRows(excused))),
    titled('violations', violationLines(violations)),
    report.verdict === 'violated' ? titled('not valid either', reasons) : [],
  ]
  return `${sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')}\n`
}

function figureRows(figures: Figures): [string, string][] {
  const { ended } = figures
  return [
    ['accepted', String(figures.accepted)],
    ['  completed', String(ended.completed)],
    ['  failed', String(ended.failed)],
    ['  dead letters', String(ended.dead_letter)],
    ['  cancelled', String(ended.cancelled)],
    ['unknown to their callers', `${figures.unknown}, of which ${figures.recovered} ended`],
    ['redriven', String(figures.redriven)],
    ['attempts claimed', String(figures.claims)],
    ['handlers started, ended', `${figures.handlerStarts}, ${figures.handlerEnds}`],
    ['attempts that started twice', String(sum(figures.attemptsTwice))],
    ['runs after an effect', String(sum(figures.effectsTwice))],
    ['copies of outcome records', String(figures.outcomeCopies)],
    ['leases expired', `${figures.leaseExpiries}, and ${figures.recoveries} attempts followed`],
    ['settlements refused', `${figures.leaseLost} (lease lost)`],
    ['longest stall', ms(figures.longestStallMs)],
    ['longest enqueue gap', ms(figures.longestEnqueueGapMs)],
    ['recovery after a death', spread(figures.recovery)],
    ['lateness of what was due', spread(figures.lateness)],
  ]
}

function faultRows({ faults }: Figures): [string, string][] {
  return Object.entries(faults)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, { injected, proven, cured }]) => [name, `${injected} injected, ${proven} proven, ${cured} cured`])
}

function countRows(counts: Readonly<Record<string, number>>): [string, string][] {
  return Object.entries(counts).map(([name, count]) => [name, String(count)])
}

function violationLines(violations: readonly Violation[]): string[] {
  const lines = violations.slice(0, TOLD).map(({ invariant, message }) => `${invariant}: ${message}`)
  return violations.length > TOLD ? [...lines, `and ${violations.length - TOLD} more`] : lines
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map(line => `  ${line}`)]
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

function spread(of: Spread | null): string {
  return of === null ? 'none' : `p50 ${ms(of.p50Ms)}, p99 ${ms(of.p99Ms)}, max ${ms(of.maxMs)} (${of.count})`
}

function ms(value: number): string {
  return `${value.toLocaleString('en-US')} ms`
}
