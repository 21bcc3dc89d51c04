// L1: once the faults are gone, all accepted work ends within a minute, and nobody restarts anything by hand.

import { IDS_SHOWN, REST_MS_MAX } from './bounds.ts'
import type { CaseBook } from './case-book.ts'
import type { Findings } from './findings.ts'
import { isUnended, lastSeen } from './lost.ts'

/** Checks L1. */
export function checkLiveness({ evidence: { run }, files }: CaseBook, findings: Findings): void {
  if (run.restedMono !== null) {
    const tookMs = Math.round(run.restedMono - run.healedMono)
    if (tookMs <= REST_MS_MAX) return
    findings.violate('L1', `it took ${tookMs} ms after the last fault to come to rest; allowed are ${REST_MS_MAX}`, [])
    return
  }
  const stuck = [...files.values()].filter(file => isUnended(file) && file.live.length > 0)
  findings.violate(
    'L1',
    `it did not come to rest: ${stuck.length} activities are stuck`,
    stuck.map(({ id }) => id),
  )
  for (const file of stuck.slice(0, IDS_SHOWN))
    findings.violate('L1', `${file.id} is stuck: ${lastSeen(file)}`, [file.id])
}
