// I6: nothing starts before its time. Both times are Redis's, so nothing is allowed for.

import type { CaseBook } from './case-book.ts'
import type { CaseFile, Lease } from './case-file.ts'
import type { Findings } from './findings.ts'

/** Checks I6. */
export function checkTimes({ files }: CaseBook, findings: Findings): void {
  for (const file of files.values()) {
    for (const lease of file.leases) {
      const dueAtMs = dueOf(file, lease)
      if (dueAtMs === null || lease.startedAtMs >= dueAtMs) continue
      findings.violate(
        'I6',
        `attempt ${lease.attempt} of ${file.id} was due at ${dueAtMs} and started at ${lease.startedAtMs}, ` +
          `${dueAtMs - lease.startedAtMs} ms early (${lease.proc}, lease ${lease.leaseId})`,
        [file.id],
      )
    }
  }
}

/** When an attempt was due: as it was enqueued, or as the end of the attempt before it decided. Null: at once. */
export function dueOf({ spec, endings }: CaseFile, { attempt, claim }: Lease): number | null {
  if (attempt === 1) return spec?.dueAtMs ?? claim.dueAtMs
  // After a lease that expired it is due at once. Where an attempt ended twice, across a loss of Redis, the earlier counts.
  const decided = endings.flatMap(ending =>
    ending.attempt === attempt - 1 && ending.nextAttemptAtMs !== null ? [ending] : [],
  )
  if (decided.length === 0 || decided.some(({ outcome }) => outcome === 'lease_expired')) return null
  return Math.min(...decided.map(({ nextAttemptAtMs }) => nextAttemptAtMs ?? 0))
}
