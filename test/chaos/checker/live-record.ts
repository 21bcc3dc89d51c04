// I2: an activity that was accepted and has not ended has a live record. At rest that means: nothing is unended. While it
// runs: no lane is cut off above a record whose attempt had not ended.

import { CLOCK_TOLERANCE_MS } from './bounds.ts'
import type { CaseBook } from './case-book.ts'
import type { Findings } from './findings.ts'
import { isUnended, lastSeen } from './lost.ts'
import { samplesByPlace } from './offsets.ts'
import type { PartitionPositions } from './positions.ts'

/** Checks I2. */
export function checkLiveRecords(
  book: CaseBook,
  positions: ReadonlyMap<string, PartitionPositions>,
  findings: Findings,
): void {
  // Not come to rest: then that is the violation, and these are its stuck activities (L1).
  if (book.evidence.run.restedMono !== null) {
    for (const file of book.files.values()) {
      if (!isUnended(file) || file.live.length === 0) continue
      findings.violate('I2', `all is at rest, but ${file.id} has not ended: ${lastSeen(file)}`, [file.id])
    }
  }
  for (const [place, samples] of samplesByPlace(book.evidence.offsets)) {
    for (const { mono, low } of samples) {
      const last = positions.get(place)?.lastToEndBelow(low)
      if (last === undefined || last.endedMono <= mono + CLOCK_TOLERANCE_MS) continue
      findings.violate(
        'I2',
        `${place}: the log began at ${low} at ${Math.round(mono)}, and the record of attempt ${last.attempt} of ${last.id} at ` +
          `${last.offset} was gone before it had ended`,
        [last.id],
      )
      break
    }
  }
}
