// The verdict on a run's folder.

import { check } from './checker/check.ts'
import type { Report } from './checker/report.ts'
import { reportOf } from './checker/report.ts'
import { judgeValidity } from './checker/validity.ts'
import { readEvidence } from './evidence-folder.ts'
import type { Violation } from './evidence.ts'

/** Reads a run's evidence and judges it. Throws when there is none, or when it has holes. */
export async function judge(dir: string): Promise<Report> {
  const evidence = await readEvidence(dir)
  const judgement = check(evidence)
  const exits = (evidence.run.exits ?? []).map(({ name, why, log }): Violation => ({
    invariant: 'exit',
    message: `${name} ended by itself: ${why}\n${log}`,
    ids: [],
  }))
  return reportOf(
    evidence.run,
    { ...judgement, violations: [...judgement.violations, ...exits] },
    judgeValidity(evidence),
  )
}
