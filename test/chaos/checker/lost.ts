// I1: nothing accepted is lost, and nothing ends that nobody enqueued.
// An activity that has not ended is lost when Kafka has no live record of it either; with one it is stuck (see `liveness.ts`
// and `live-record.ts`).

import type { CaseBook } from './case-book.ts'
import type { CaseFile } from './case-file.ts'
import { terminalOf } from './case-file.ts'
import type { Findings } from './findings.ts'

/** Checks I1. */
export function checkLost({ files, unansweredRedrives }: CaseBook, findings: Findings): void {
  let redrivesLeft = unansweredRedrives
  for (const file of files.values()) {
    if (isUnended(file) && file.live.length === 0) {
      findings.violate(
        'I1',
        `${file.id} was accepted at ${at(file)} and is lost: no outcome ends it, and no live record is left; ${lastSeen(file)}`,
        [file.id],
      )
    } else if (isUnexpected(file)) {
      const isRedriven = redrivesLeft > 0
      if (isRedriven) redrivesLeft -= 1
      findings.judge(
        'I1',
        isRedriven ? 'made by a redrive whose answer was lost' : null,
        `${file.id} has records in Kafka, and nobody enqueued it`,
        [file.id],
      )
    }
  }
}

/** Accepted, and not ended. */
export function isUnended(file: CaseFile): boolean {
  return file.acceptedMono !== null && terminalOf(file) === undefined
}

function isUnexpected(file: CaseFile): boolean {
  return file.spec === null && file.redriveOf === null && (file.endings.length > 0 || file.deadLetters.length > 0)
}

/** What is known last of an activity, for messages. */
export function lastSeen({ leases, endings, live }: CaseFile): string {
  const ending = endings.at(-1)
  const lease = leases.at(-1)
  const said = [
    ending === undefined ? 'no outcome at all' : `last outcome: attempt ${ending.attempt} ${ending.outcome}`,
    lease === undefined
      ? 'never claimed'
      : `last claim: attempt ${lease.attempt} by ${lease.proc} at ${Math.round(lease.claimedMono)}`,
    ...live.map(record => `attempt ${record.attempt} waits at ${record.topic}/${record.partition}@${record.offset}`),
  ]
  return said.join(', ')
}

function at({ acceptedMono }: CaseFile): string {
  return String(Math.round(acceptedMono ?? 0))
}
