// What ran more often than it had to, and why: an attempt that started twice, and an activity that ran again although its
// effect had come to its end. Each has an explanation, which names the fault; without one it breaks I7.

import type { CaseBook } from './case-book.ts'
import type { CaseFile, Lease } from './case-file.ts'
import { terminalOf } from './case-file.ts'
import type { Findings } from './findings.ts'
import { wasGivenBackAtShutdown } from './leases.ts'

/** A run too many. */
export interface Duplicate {
  readonly id: string
  /** `attempt`: the same attempt started twice · `effect`: the activity ran again after its handler had come to its end. */
  readonly kind: 'attempt' | 'effect'
  readonly attempt: number
  /** Null: there is none. */
  readonly explanation: string | null
}

/** Finds all duplicates; one without an explanation is a violation of I7. */
export function findDuplicates(book: CaseBook, findings: Findings): Duplicate[] {
  const duplicates = [...book.files.values()].flatMap(file => [...sameAttempts(book, file), ...sameEffects(book, file)])
  for (const { id, kind, attempt, explanation } of duplicates) {
    const what =
      kind === 'attempt'
        ? `attempt ${attempt} of ${id} started twice`
        : `${id} ran again in attempt ${attempt}, although its handler had come to its end before`
    findings.judge('I7', explanation, `${what}, and nothing explains it`, [id])
  }
  return duplicates
}

function sameAttempts(book: CaseBook, file: CaseFile): Duplicate[] {
  const latest = new Map<number, Lease>()
  return file.leases.flatMap(lease => {
    const before = latest.get(lease.attempt)
    latest.set(lease.attempt, lease)
    if (before === undefined) return []
    const explanation = whyTwice(book, before, lease)
    return [{ id: file.id, kind: 'attempt' as const, attempt: lease.attempt, explanation }]
  })
}

/** A lease that expires makes another attempt: it is no reason for the same one to start again. */
function whyTwice(book: CaseBook, before: Lease, lease: Lease): string | null {
  if (before.releases.some(({ outcome }) => outcome === 'released')) return 'the attempt was given back'
  if (before.releases.some(({ outcome }) => outcome === 'unknown'))
    return 'the attempt was given back, without an answer'
  if (book.windows.lossDuring(before.claimedMono, lease.claimedMono)) return 'Redis lost the lease'
  if (wasGivenBackAtShutdown(book, before, lease)) return 'given back at a shutdown'
  return null
}

/** Runs that began after a handler had come to its end, of attempts that were not settled as failed by that handler. */
function sameEffects(book: CaseBook, file: CaseFile): Duplicate[] {
  const byLease = new Map(file.leases.map(lease => [lease.leaseId, lease]))
  const done = file.ends
    .flatMap(end => {
      const lease = byLease.get(end.leaseId)
      return lease === undefined || lease.settles.some(({ invoke }) => invoke.want !== 'success')
        ? []
        : [{ end, lease }]
    })
    .sort((a, b) => a.end.mono - b.end.mono)
  const first = done[0]
  if (first === undefined) return []
  return file.starts.flatMap(start => {
    const lease = byLease.get(start.leaseId)
    if (start.mono <= first.end.mono || lease === undefined || lease === first.lease) return []
    const explanation = whyAgain(book, file, first.lease, { lease, mono: start.mono })
    // Granted after the activity's end, and without a reason, it is a resurrection: I16 says so.
    if (explanation === null && isAfterEnd(file, lease)) return []
    return [{ id: file.id, kind: 'effect' as const, attempt: start.attempt, explanation }]
  })
}

function isAfterEnd(file: CaseFile, lease: Lease): boolean {
  const end = terminalOf(file)
  return end !== undefined && lease.startedAtMs > end.endedAtMs
}

function whyAgain(
  book: CaseBook,
  file: CaseFile,
  done: Lease,
  again: { readonly lease: Lease; readonly mono: number },
): string | null {
  const { windows } = book
  if (windows.lossDuring(done.claimedMono, again.mono)) return 'Redis lost the settlement'
  if (again.lease.attempt === done.attempt) return whyTwice(book, ...inOrder(done, again.lease))
  // Whichever of the two attempts is the earlier was taken from its worker, which had done its work, or was to begin it.
  const [earlier] = inOrder(done, again.lease)
  const hasExpired = file.endings.some(({ attempt, isReaped }) => attempt === earlier.attempt && isReaped)
  const faults = windows.feltDuring(earlier.claimedMono, again.mono)
  return hasExpired && faults.length > 0 ? `its lease expired (${faults.join(', ')})` : null
}

function inOrder(a: Lease, b: Lease): [Lease, Lease] {
  return a.startedAtMs <= b.startedAtMs ? [a, b] : [b, a]
}
