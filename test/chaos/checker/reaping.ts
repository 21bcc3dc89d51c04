// I12, both sides of reaping: a lease that was renewed in time is not taken away, and what a dead worker held runs again soon.

import { CLOCK_TOLERANCE_MS, FAULT_LINGER_MS, PICKUP_MS, REAP_BATCH } from './bounds.ts'
import type { CaseBook } from './case-book.ts'
import type { Lease } from './case-file.ts'
import { acceptedSettles, knownDeadlineMs } from './case-file.ts'
import type { Findings } from './findings.ts'
import { namesOf } from './windows.ts'

/** Checks I12. */
export function checkReaping(book: CaseBook, deaths: readonly Death[], findings: Findings): void {
  checkNotTooEarly(book, findings)
  for (const death of deaths) checkNotTooLate(book, death, findings)
}

function checkNotTooEarly(book: CaseBook, findings: Findings): void {
  for (const { id, endings, leases } of book.files.values()) {
    for (const ending of endings) {
      if (!ending.isReaped) continue
      const lease = leases.findLast(
        ({ attempt, startedAtMs }) => attempt === ending.attempt && startedAtMs <= ending.endedAtMs,
      )
      if (lease === undefined || ending.endedAtMs >= knownDeadlineMs(lease)) continue
      const why = book.windows.hasReaperClock
        ? "a reaper's own clock may have been moved"
        : book.windows.lossDuring(lease.claimedMono, book.clock.monoOf(ending.endedAtMs))
          ? 'Redis lost the lease'
          : null
      findings.judge(
        'I12',
        why,
        `attempt ${ending.attempt} of ${id} was taken back at ${ending.endedAtMs}, although ${lease.proc} had its lease ` +
          `${lease.leaseId} until ${knownDeadlineMs(lease)}`,
        [id],
      )
    }
  }
}

/** A worker that was killed, and what became of the attempts that it held. */
export interface Death {
  readonly proc: string
  readonly mono: number
  readonly held: readonly { readonly lease: Lease; readonly recoveredMono: number | null }[]
}

/** The deaths of workers, from the faults that are proven. */
export function deathsOf(book: CaseBook): Death[] {
  const byProc = new Map<string, Lease[]>()
  for (const lease of book.leases.values()) {
    const held = byProc.get(lease.proc) ?? []
    byProc.set(lease.proc, held)
    held.push(lease)
  }
  const kills = book.windows.proven.filter(({ fault }) => fault === 'worker.kill')
  return kills.flatMap(({ target, fromMono }) =>
    namesOf(target).flatMap(proc => {
      const leases = byProc.get(proc)?.filter(lease => isHeld(lease))
      if (leases === undefined) return []
      const held = leases.map(lease => ({ lease, recoveredMono: recoveredMono(book, lease) }))
      // What had gone on elsewhere before the death was no longer its.
      return [{ proc, mono: fromMono, held: held.filter(each => (each.recoveredMono ?? Infinity) >= fromMono) }]
    }),
  )
}

function isHeld(lease: Lease): boolean {
  const isOver = lease.settles.some(({ answer }) => answer !== null && answer.outcome !== 'unknown')
  return !isOver && acceptedSettles(lease).length === 0 && !lease.releases.some(({ outcome }) => outcome === 'released')
}

/** When the activity was claimed again or ended, whichever came first. */
function recoveredMono({ files, clock }: CaseBook, lease: Lease): number | null {
  const file = files.get(lease.id)
  const again = file?.leases.find(({ startedAtMs }) => startedAtMs > lease.startedAtMs)
  const end = file?.endings.find(
    ({ outcome, attempt }) => attempt >= lease.attempt && outcome !== 'retrying' && outcome !== 'lease_expired',
  )
  const times = [again?.claimedMono, end === undefined ? undefined : clock.monoOf(end.endedAtMs)]
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? null : Math.min(...known)
}

function checkNotTooLate(book: CaseBook, { proc, mono, held }: Death, findings: Findings): void {
  const { leaseMs, reapIntervalMs, sessionTimeoutMs } = book.evidence.run
  // The next attempt's record stands in the dead worker's partition until its session is over.
  const boundMs =
    Math.max(leaseMs, sessionTimeoutMs) +
    reapIntervalMs * Math.ceil(held.length / REAP_BATCH) +
    PICKUP_MS +
    CLOCK_TOLERANCE_MS
  for (const { lease, recoveredMono: recovered } of held) {
    // What never comes back is lost or stuck, and said so there.
    if (recovered === null || recovered <= mono + boundMs) continue
    const isDisturbed = book.windows.proven.some(
      fault =>
        !namesOf(fault.target).includes(proc) && fault.fromMono <= recovered && fault.toMono + FAULT_LINGER_MS >= mono,
    )
    findings.judge(
      'I12',
      isDisturbed ? 'another fault was felt meanwhile' : null,
      `${proc} died at ${Math.round(mono)} with attempt ${lease.attempt} of ${lease.id}, which went on only at ` +
        `${Math.round(recovered)}, after ${Math.round(recovered - mono)} ms; allowed are ${boundMs}`,
      [lease.id],
    )
  }
}
