// I18: at rest nothing waits, nothing runs, and what `stats()` counts as ended is what the topics say.

import type { CaseBook } from './case-book.ts'
import { terminalOf } from './case-file.ts'
import type { Findings } from './findings.ts'

const WAITING = ['pending', 'scheduled', 'running'] as const
const ENDED = ['completed', 'failed', 'dead_letter', 'cancelled'] as const

/** Checks I18. */
export function checkCounts(book: CaseBook, findings: Findings): void {
  const { run, stats, redis } = book.evidence
  // Not come to rest: L1 says so, and what waits is counted rightly as waiting.
  if (run.restedMono === null) return
  for (const status of WAITING) {
    if (stats[status] !== 0) findings.violate('I18', `at rest stats() counts ${stats[status]} ${status}`, [])
  }
  const left = {
    leases: redis.leases,
    'due times': redis.due,
    schedules: redis.delayed,
    reservations: redis.reservations,
  }
  for (const [what, count] of Object.entries(left)) {
    if (count !== 0) findings.violate('I18', `at rest Redis has ${count} ${what}`, [])
  }
  checkSchedule(book, findings)
  checkEnded(book, findings)
}

/** Whatever was scheduled has its tombstone once it is over. */
function checkSchedule({ files, evidence }: CaseBook, findings: Findings): void {
  const delay = `${evidence.run.namespace}.delay`
  for (const file of files.values()) {
    const left = file.live.find(({ topic }) => topic === delay)
    if (left === undefined || terminalOf(file) === undefined) continue
    findings.violate(
      'I18',
      `at rest the schedule still has attempt ${left.attempt} of ${file.id} (delay/${left.partition}@${left.offset}), which has ended`,
      [file.id],
    )
  }
}

function checkEnded({ files, evidence, windows }: CaseBook, findings: Findings): void {
  const ended = { completed: 0, failed: 0, dead_letter: 0, cancelled: 0 }
  for (const file of files.values()) {
    const outcome = terminalOf(file)?.outcome
    if (outcome !== undefined && outcome !== 'retrying' && outcome !== 'lease_expired') ended[outcome] += 1
  }
  const { startedMono, restedMono } = evidence.run
  const isLoss = windows.lossDuring(startedMono, restedMono ?? Number.POSITIVE_INFINITY)
  for (const status of ENDED) {
    if (evidence.stats[status] === ended[status]) continue
    findings.judge(
      'I18',
      isLoss ? 'Redis lost its counts' : null,
      `stats() counts ${evidence.stats[status]} ${status}; the topics say ${ended[status]}`,
      [],
    )
  }
}
