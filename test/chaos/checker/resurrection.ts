// I16: what has ended does not start again, and what was cancelled before it started never starts. A lease counts by when it
// was granted: a worker that stood still may begin late what it was given in time, and is refused when it settles.

import type { CaseBook } from './case-book.ts'
import { terminalOf } from './case-file.ts'
import type { CaseFile } from './case-file.ts'
import { CLOCK_TOLERANCE_MS } from './bounds.ts'
import type { Findings } from './findings.ts'

/** Checks I16. */
export function checkResurrection(book: CaseBook, findings: Findings): void {
  for (const file of book.files.values()) {
    checkNoStartAfterEnd(book, file, findings)
    checkCancelled(book, file, findings)
  }
}

function checkNoStartAfterEnd(book: CaseBook, file: CaseFile, findings: Findings): void {
  const end = terminalOf(file)
  if (end === undefined) return
  for (const lease of file.leases) {
    if (lease.startedAtMs <= end.endedAtMs) continue
    const endedMono = book.clock.monoOf(end.endedAtMs)
    const beganMono = book.clock.monoOf(end.startedAtMs ?? end.endedAtMs)
    const why = book.windows.lossDuring(Math.min(beganMono, endedMono), lease.claimedMono)
      ? 'Redis lost what it knew in between'
      : end.isReaped && book.windows.hasReaperClock
        ? "a reaper's own clock may have been moved"
        : null
    findings.judge(
      'I16',
      why,
      `${file.id} ended ${end.outcome} in attempt ${end.attempt} at ${end.endedAtMs}, and attempt ${lease.attempt} was granted to ` +
        `${lease.proc} at ${lease.startedAtMs} all the same`,
      [file.id],
    )
  }
}

/** Whoever was told that it is cancelled relies on it. */
function checkCancelled(book: CaseBook, file: CaseFile, findings: Findings): void {
  const answer = file.cancels.find(({ outcome }) => outcome === 'cancelled')
  const end = terminalOf(file)
  if (answer === undefined || end === undefined || end.outcome === 'cancelled') return
  const isLoss = book.windows.lossDuring(answer.mono - CLOCK_TOLERANCE_MS, Number.POSITIVE_INFINITY)
  findings.judge(
    'I16',
    isLoss ? 'Redis lost what it knew in between' : null,
    `${file.id} was cancelled at ${Math.round(answer.mono)}, and ended ${end.outcome} all the same`,
    [file.id],
  )
}
