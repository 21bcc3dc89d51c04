// I14: a committed offset is never above unfinished work, and within the log.
// That it moves back is no harm: a frontier that is late is still true. So each look is held against the work, not against
// the look before.

import type { OffsetSample } from '../evidence.ts'
import { CLOCK_TOLERANCE_MS } from './bounds.ts'
import type { CaseBook } from './case-book.ts'
import type { Findings } from './findings.ts'
import type { PartitionPositions } from './positions.ts'

/** Checks I14. */
export function checkOffsets(
  book: CaseBook,
  positions: ReadonlyMap<string, PartitionPositions>,
  findings: Findings,
): void {
  for (const [place, samples] of samplesByPlace(book.evidence.offsets)) {
    const lane = positions.get(place)
    if (lane !== undefined) checkFrontier(place, samples, lane, findings)
    checkBounds(place, samples, findings)
  }
}

/** Looks at each partition, in their order. */
export function samplesByPlace(samples: readonly OffsetSample[]): Map<string, OffsetSample[]> {
  const places = new Map<string, OffsetSample[]>()
  for (const sample of [...samples].sort((a, b) => a.mono - b.mono)) {
    const place = `${sample.topic}/${sample.partition}`
    const known = places.get(place)
    if (known === undefined) places.set(place, [sample])
    else known.push(sample)
  }
  return places
}

function checkFrontier(
  place: string,
  samples: readonly OffsetSample[],
  lane: PartitionPositions,
  findings: Findings,
): void {
  for (const { mono, committed } of samples) {
    const last = lane.lastToEndBelow(committed)
    if (last === undefined || last.endedMono <= mono + CLOCK_TOLERANCE_MS) continue
    const ended = Number.isFinite(last.endedMono) ? `ended at ${Math.round(last.endedMono)}` : 'never ended'
    findings.violate(
      'I14',
      `${place}: ${committed} was committed at ${Math.round(mono)}, above offset ${last.offset}, whose attempt ` +
        `${last.attempt} of ${last.id} ${ended}`,
      [last.id],
    )
    return // one for each partition: the looks that follow say the same
  }
}

function checkBounds(place: string, samples: readonly OffsetSample[], findings: Findings): void {
  // The end may have been read before the commit; by the next look it is not.
  const beyond = samples.find(
    ({ committed, high }, at) => committed > Math.max(high, samples[at + 1]?.high ?? Infinity),
  )
  if (beyond !== undefined) {
    const { committed, high, mono } = beyond
    findings.violate(
      'I14',
      `${place}: ${committed} was committed at ${Math.round(mono)}, and the log ended at ${high}`,
      [],
    )
  }
  // Lanes are cut off below what was committed. The cut may be seen before the commit that allowed it, and where a commit has
  // moved back since, the one that allowed it may never have been seen.
  const hasMovedBack = samples.some(({ committed }, at) => committed < (samples[at - 1]?.committed ?? committed))
  if (hasMovedBack) return
  const cut = samples.findIndex(({ low }, at) => low > Math.max(0, samples[at + 1]?.committed ?? low))
  const sample = samples[cut]
  if (sample === undefined || !isLane(place)) return
  const committed = samples[cut + 1]?.committed ?? sample.committed
  findings.violate(
    'I14',
    `${place}: the log begins at ${sample.low}, and only ${committed} was committed by the next look`,
    [],
  )
}

/** The schedule is compacted and never cut off; only lanes are. */
function isLane(place: string): boolean {
  return place.split('/')[0]?.split('.').length === 3
}
