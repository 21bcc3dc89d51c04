// I3: an activity has one end. The first by offset counts; copies that say the same are legal, another end is not.

import type { CaseBook } from './case-book.ts'
import { isTerminal } from './case-file.ts'
import type { Ending } from './case-file.ts'
import type { Findings } from './findings.ts'

/** Checks I3. */
export function checkOneEnd(book: CaseBook, findings: Findings): void {
  for (const { id, endings } of book.files.values()) {
    const [first, ...others] = endings.filter(isTerminal)
    if (first === undefined) continue
    for (const other of others) {
      findings.judge(
        'I3',
        lossBetween(book, first, other),
        `${id} ended twice: ${told(first)}; and then ${told(other)}`,
        [id],
      )
    }
  }
}

/**
 * A Redis that was emptied, or came back older, does not know that an attempt was settled: its record may run and settle
 * again. Gives the excuse when that can have happened after the first of these began and before the other ended.
 */
export function lossBetween({ clock, windows }: CaseBook, a: Ending, b: Ending): string | null {
  const from = clock.monoOf(Math.min(a.startedAtMs ?? a.endedAtMs, b.startedAtMs ?? b.endedAtMs))
  const to = clock.monoOf(Math.max(a.endedAtMs, b.endedAtMs))
  return windows.lossDuring(from, to) ? 'Redis lost what it knew in between' : null
}

function told({ attempt, outcome, leaseId, endedAtMs, partition, offset }: Ending): string {
  const time = new Date(endedAtMs).toISOString()
  return `attempt ${attempt} ${outcome} at ${time} under lease ${leaseId ?? 'none'} (outcomes/${partition}@${offset})`
}
