// I11: a lease is for one attempt and known by an id of its own; leases of one activity never overlap by Redis's clock; a
// renewal never shortens one.

import type { CaseBook } from './case-book.ts'
import type { CaseFile, Lease } from './case-file.ts'
import { acceptedSettles, knownDeadlineMs } from './case-file.ts'
import type { Findings } from './findings.ts'

const LOSS = 'Redis lost a lease in between'

/** Checks I11. */
export function checkLeases(book: CaseBook, findings: Findings): void {
  for (const { leaseId, id, attempt, proc } of book.reusedLeases) {
    findings.violate('I11', `lease ${leaseId} was granted again, to ${proc} for attempt ${attempt} of ${id}`, [id])
  }
  for (const file of book.files.values()) {
    for (const lease of file.leases) {
      checkRepeats(book, lease, findings)
      checkRenewals(book, lease, findings)
    }
    checkOverlaps(book, file, findings)
  }
}

/** A claim that is asked for again under the same lease is answered the same. */
function checkRepeats(book: CaseBook, lease: Lease, findings: Findings): void {
  for (const repeat of lease.repeats) {
    if (repeat.startedAtMs === lease.startedAtMs) continue
    const isLoss = book.windows.lossDuring(lease.claimedMono, repeat.mono)
    findings.judge(
      'I11',
      isLoss ? LOSS : null,
      `lease ${lease.leaseId} of ${lease.id} was granted at ${lease.startedAtMs}, and again at ${repeat.startedAtMs}`,
      [lease.id],
    )
  }
}

function checkRenewals(book: CaseBook, lease: Lease, findings: Findings): void {
  let deadlineMs = lease.claim.deadlineMs
  for (const { outcome, deadlineMs: renewedMs, mono } of lease.renewals) {
    if (outcome !== 'renewed' || renewedMs === null) continue
    if (renewedMs < deadlineMs) {
      findings.judge(
        'I11',
        book.windows.lossDuring(lease.claimedMono, mono) ? LOSS : null,
        `a renewal shortened lease ${lease.leaseId} of ${lease.id} from ${deadlineMs} to ${renewedMs}`,
        [lease.id],
      )
    }
    deadlineMs = renewedMs
  }
}

function checkOverlaps(book: CaseBook, file: CaseFile, findings: Findings): void {
  file.leases.forEach((lease, at) => {
    const next = file.leases[at + 1]
    if (next === undefined) return
    const end = endOf(file, lease)
    if (end === null || next.startedAtMs >= end.atMs) return
    const isLoss = book.windows.lossDuring(lease.claimedMono, next.claimedMono)
    const isShutdown = next.attempt === lease.attempt && wasGivenBackAtShutdown(book, lease, next)
    findings.judge(
      'I11',
      isLoss ? LOSS : isShutdown ? 'given back at a shutdown' : null,
      `lease ${next.leaseId} of ${file.id} (attempt ${next.attempt}, ${next.proc}) was granted at ${next.startedAtMs}, while ` +
        `lease ${lease.leaseId} (attempt ${lease.attempt}, ${lease.proc}) ${end.why} ${end.atMs}`,
      [file.id],
    )
  })
}

/** When a lease was over at the earliest, by Redis's clock; null: it was given back, nobody knows when. */
function endOf({ endings }: CaseFile, lease: Lease): { readonly atMs: number; readonly why: string } | null {
  if (lease.releases.some(({ outcome }) => outcome !== 'lease_lost')) return null
  const settled = endings.find(({ leaseId }) => leaseId === lease.leaseId)
  if (settled !== undefined) return { atMs: settled.endedAtMs, why: 'was settled only at' }
  if (acceptedSettles(lease).length > 0) return null
  return { atMs: knownDeadlineMs(lease), why: 'was good until' }
}

/** A storage that is closed gives back what it holds, by no call that a history would have. */
export function wasGivenBackAtShutdown({ windows }: CaseBook, lease: Lease, next: Lease): boolean {
  return next.proc !== lease.proc && windows.shutdownDuring(lease.proc, lease.claimedMono, next.claimedMono)
}
