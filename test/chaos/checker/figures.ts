// The figures of a run: how much happened, how often things had to be done again, and how long it stood still.

import type { CaseBook } from './case-book.ts'
import type { CaseFile } from './case-file.ts'
import { isTerminal, terminalOf } from './case-file.ts'
import type { Duplicate } from './duplicates.ts'
import type { Death } from './reaping.ts'
import { lostSettles } from './settlements.ts'
import { longestPauseMs, longestStallMs } from './stalls.ts'
import { dueOf } from './times.ts'

/** Of durations in ms; null: there were none. */
export interface Spread {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** What a run amounts to. */
export interface Figures {
  readonly seconds: number
  /** Activities that somebody was told are accepted. */
  readonly accepted: number
  /** Enqueued, and nobody was ever told whether. */
  readonly unknown: number
  /** Of the unknown, those that were accepted all the same: they ended. */
  readonly recovered: number
  readonly ended: Readonly<Record<'completed' | 'failed' | 'dead_letter' | 'cancelled', number>>
  readonly redriven: number
  readonly claims: number
  readonly handlerStarts: number
  readonly handlerEnds: number
  /** Attempts that started twice, by explanation. */
  readonly attemptsTwice: Readonly<Record<string, number>>
  /** Runs after a handler of the activity had come to its end, by explanation. */
  readonly effectsTwice: Readonly<Record<string, number>>
  /** Outcome records that say what another says. */
  readonly outcomeCopies: number
  readonly leaseExpiries: number
  /** Attempts that followed an expired lease. */
  readonly recoveries: number
  /** Settlements that were refused since another had the lease. */
  readonly leaseLost: number
  /** Longest time without any claim while something was due and waited. */
  readonly longestStallMs: number
  /** Longest time between two accepted enqueues. */
  readonly longestEnqueueGapMs: number
  /** From a worker's death until what it held went on. */
  readonly recovery: Spread | null
  /** From the time that an attempt was due until it started. */
  readonly lateness: Spread | null
  readonly faults: Readonly<
    Record<string, { readonly injected: number; readonly proven: number; readonly cured: number }>
  >
}

/** Counts a run. */
export function figuresOf(book: CaseBook, duplicates: readonly Duplicate[], deaths: readonly Death[]): Figures {
  const { evidence, leases, windows } = book
  const files = [...book.files.values()]
  const endings = files.flatMap(file => file.endings)
  const unknown = files.filter(isUnknown)
  const held = deaths.flatMap(death => death.held.map(({ recoveredMono }) => ({ from: death.mono, to: recoveredMono })))
  return {
    seconds: evidence.run.seconds,
    accepted: count(files, ({ acceptedMono }) => acceptedMono !== null),
    unknown: unknown.length,
    recovered: count(unknown, file => terminalOf(file) !== undefined),
    ended: endedOf(files),
    redriven: count(files, ({ redriveOf }) => redriveOf !== null),
    claims: leases.size,
    handlerStarts: count(evidence.ledger, ({ what }) => what === 'start'),
    handlerEnds: count(evidence.ledger, ({ what }) => what === 'end'),
    attemptsTwice: explained(duplicates, 'attempt'),
    effectsTwice: explained(duplicates, 'effect'),
    outcomeCopies: endings.reduce((sum, { copies }) => sum + copies - 1, 0),
    leaseExpiries: count(endings, ({ outcome }) => outcome === 'lease_expired'),
    recoveries: files.reduce((sum, file) => sum + recoveriesOf(file), 0),
    leaseLost: [...leases.values()].reduce((sum, lease) => sum + lostSettles(lease).length, 0),
    longestStallMs: longestStallMs(book),
    longestEnqueueGapMs: longestPauseMs(book),
    recovery: spreadOf(held.flatMap(({ from, to }) => (to === null ? [] : [to - from]))),
    lateness: spreadOf(files.flatMap(latenessOf)),
    faults: faultsOf(evidence.faults, fault => windows.proven.includes(fault)),
  }
}

function count<T>(items: readonly T[], test: (item: T) => boolean): number {
  return items.reduce((sum, item) => (test(item) ? sum + 1 : sum), 0)
}

function isUnknown(file: CaseFile): boolean {
  if (file.acceptedMono !== null || file.enqueues.length === 0) return false
  return file.enqueues.some(
    ({ answer }) => answer === null || answer.outcome === 'unavailable' || answer.outcome === 'unknown',
  )
}

function endedOf(files: readonly CaseFile[]): Figures['ended'] {
  const ended = { completed: 0, failed: 0, dead_letter: 0, cancelled: 0 }
  for (const file of files) {
    const outcome = terminalOf(file)?.outcome
    if (outcome !== undefined && outcome !== 'retrying' && outcome !== 'lease_expired') ended[outcome] += 1
  }
  return ended
}

function explained(duplicates: readonly Duplicate[], kind: Duplicate['kind']): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const duplicate of duplicates) {
    if (duplicate.kind !== kind) continue
    const name = duplicate.explanation ?? 'unexplained'
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function recoveriesOf({ endings, leases }: CaseFile): number {
  const expired = new Set(endings.flatMap(({ outcome, attempt }) => (outcome === 'lease_expired' ? [attempt + 1] : [])))
  return [...expired].filter(
    next =>
      leases.some(({ attempt }) => attempt === next) || endings.some(end => end.attempt === next && isTerminal(end)),
  ).length
}

function latenessOf(file: CaseFile): number[] {
  return file.leases.flatMap(lease => {
    const dueAtMs = dueOf(file, lease)
    return dueAtMs === null ? [] : [lease.startedAtMs - dueAtMs]
  })
}

/** Percentiles of durations, by nearest rank. */
function spreadOf(durationsMs: readonly number[]): Spread | null {
  if (durationsMs.length === 0) return null
  const sorted = [...durationsMs].sort((a, b) => a - b)
  const at = (share: number): number => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0)
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

type FaultLines = CaseBook['evidence']['faults']

function faultsOf(faults: FaultLines, isProven: (fault: FaultLines[number]) => boolean): Figures['faults'] {
  const counts: Record<string, { injected: number; proven: number; cured: number }> = {}
  for (const fault of faults) {
    const known = (counts[fault.fault] ??= { injected: 0, proven: 0, cured: 0 })
    known.injected += 1
    if (isProven(fault)) known.proven += 1
    if (isProven(fault) && fault.cure !== null) known.cured += 1
  }
  return counts
}
