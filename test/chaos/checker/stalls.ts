// How long everything stood still: no claim although something was due, and no enqueue that was accepted.

import type { CaseBook } from './case-book.ts'
import type { CaseFile, Lease } from './case-file.ts'

/**
 * The longest time without any claim while something that was claimed later was due already. Per gap between two claims:
 * from its beginning, or from when the first of all that was claimed later became due.
 */
export function longestStallMs(book: CaseBook): number {
  const claims = [...book.files.values()]
    .flatMap(file => file.leases.map(lease => ({ at: lease.claimedMono, ready: readyMono(book, file, lease) })))
    .sort((a, b) => a.at - b.at)
  let longestMs = 0
  let firstReady = Number.POSITIVE_INFINITY
  for (let at = claims.length - 1; at >= 0; at--) {
    const claim = claims[at]
    if (claim === undefined) continue
    firstReady = Math.min(firstReady, claim.ready)
    const before = claims[at - 1]?.at ?? Number.NEGATIVE_INFINITY
    longestMs = Math.max(longestMs, claim.at - Math.max(before, firstReady))
  }
  return Math.round(longestMs)
}

/** When what a lease was granted for could have been claimed. */
function readyMono({ clock }: CaseBook, file: CaseFile, lease: Lease): number {
  const acceptedMono = file.acceptedMono ?? lease.claimedMono
  if (lease.attempt === 1) {
    const isFirst = file.leases[0] === lease
    if (!isFirst) return lease.claimedMono // given back or lost: nobody knows since when it waits
    const dueAtMs = file.spec?.dueAtMs ?? null
    return dueAtMs === null ? acceptedMono : Math.max(acceptedMono, clock.monoOf(dueAtMs))
  }
  const before = file.endings.find(({ attempt }) => attempt === lease.attempt - 1)
  if (before === undefined || before.isReaped) return lease.claimedMono
  return clock.monoOf(before.nextAttemptAtMs ?? before.endedAtMs)
}

/** The longest time between two enqueues that were accepted, from the first to the last of the run. */
export function longestPauseMs({ files }: CaseBook): number {
  const times = [...files.values()]
    .flatMap(({ acceptedMono }) => (acceptedMono === null ? [] : [acceptedMono]))
    .sort((a, b) => a - b)
  return Math.round(times.reduce((longest, time, at) => Math.max(longest, time - (times[at - 1] ?? time)), 0))
}
