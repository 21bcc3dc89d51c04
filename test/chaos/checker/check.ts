// Judges a run from its evidence: one file for each promise, all of them on the same case files. Nothing here looks anywhere
// but into the evidence, so that a run can be judged again whenever a check has got better.

import type { Evidence, Violation } from '../evidence.ts'
import { checkAttempts } from './attempts.ts'
import { openCaseBook } from './case-book.ts'
import { checkCounts } from './counts.ts'
import { checkDeadLetters } from './dead-letters.ts'
import type { Duplicate } from './duplicates.ts'
import { findDuplicates } from './duplicates.ts'
import type { Figures } from './figures.ts'
import { figuresOf } from './figures.ts'
import { Findings } from './findings.ts'
import { checkKeys } from './keys.ts'
import { checkLeases } from './leases.ts'
import { checkLiveRecords } from './live-record.ts'
import { checkLiveness } from './liveness.ts'
import { checkLost } from './lost.ts'
import { checkOffsets } from './offsets.ts'
import { checkOneEnd } from './one-end.ts'
import { checkOrder } from './order.ts'
import { lanePositions } from './positions.ts'
import { checkReaping, deathsOf } from './reaping.ts'
import { checkResults } from './results.ts'
import { checkResurrection } from './resurrection.ts'
import { checkSettlements } from './settlements.ts'
import { checkTimelines } from './timelines.ts'
import { checkTimes } from './times.ts'

/** What became of a run's promises. */
export interface Judgement {
  readonly violations: readonly Violation[]
  readonly figures: Figures
  /** What looked broken and had an excuse, by `invariant: excuse`. */
  readonly excused: Readonly<Record<string, number>>
  /** Every run that was one too many, with its explanation. */
  readonly duplicates: readonly Duplicate[]
}

/** Checks every promise. */
export function check(evidence: Evidence): Judgement {
  const book = openCaseBook(evidence)
  const findings = new Findings()
  const positions = lanePositions(book)
  const deaths = deathsOf(book)
  checkLost(book, findings)
  checkLiveRecords(book, positions, findings)
  checkOneEnd(book, findings)
  checkSettlements(book, findings)
  checkKeys(book, findings)
  checkTimes(book, findings)
  checkAttempts(book, findings)
  const duplicates = findDuplicates(book, findings)
  checkDeadLetters(book, findings)
  checkResults(book, findings)
  checkOrder(book, findings)
  checkLeases(book, findings)
  checkReaping(book, deaths, findings)
  checkTimelines(book, findings)
  checkOffsets(book, positions, findings)
  checkResurrection(book, findings)
  checkCounts(book, findings)
  checkLiveness(book, findings)
  return {
    violations: findings.violations(),
    figures: figuresOf(book, duplicates, deaths),
    excused: findings.excused(),
    duplicates,
  }
}
