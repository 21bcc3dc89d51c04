// What is finished ahead of a committed offset, as the text that rides in the commit's metadata. It lets whoever gets the
// partition next leave out what is done, and lets anybody compute what is really pending.
//
//   text   = "" | "e1:" pair *( "." pair )
//   pair   = gap "." length          base-36 numbers without a sign
//   gap    = unfinished offsets between the end of the run before (at first: the committed offset) and the run; >= 1
//   length = offsets in the run; >= 1
//
// Example: committed 100, finished 103..105 and 110: "e1:3.3.4.1". What does not fit is left out: it is only looked at again.

import { CONSUMER_LIMITS } from '../core/limits.ts'
import type { OffsetRun } from './offset-ledger.ts'

const PREFIX = 'e1:'
const NUMBER = /^[0-9a-z]{1,11}$/

/** More runs than this cannot fit: a pair with its separator takes four bytes or more. */
export const METADATA_RUNS_MAX: number = Math.floor(CONSUMER_LIMITS.commitMetadataBytesMax / 4)

/** The text for runs above `frontier`, which must rise. At most `bytesMax` bytes (ASCII); empty when there is nothing to say. */
export function encodeFinishedAhead(
  frontier: number,
  runs: readonly OffsetRun[],
  bytesMax: number = CONSUMER_LIMITS.commitMetadataBytesMax,
): string {
  let text = ''
  let end = frontier
  for (const { from, to } of runs) {
    const pair = `${text === '' ? PREFIX : '.'}${(from - end).toString(36)}.${(to - from).toString(36)}`
    if (text.length + pair.length > bytesMax) break
    text += pair
    end = to
  }
  return text
}

/** The runs that a commit's metadata names. Anything but a text of this grammar gives none: they are only a saving. */
export function decodeFinishedAhead(frontier: number, metadata: string | null | undefined): OffsetRun[] {
  if (typeof metadata !== 'string' || !metadata.startsWith(PREFIX)) return []
  if (metadata.length > CONSUMER_LIMITS.commitMetadataBytesMax || !(frontier >= 0)) return []
  const parts = metadata.slice(PREFIX.length).split('.')
  if (parts.length % 2 !== 0 || !parts.every(part => NUMBER.test(part))) return []
  const runs: OffsetRun[] = []
  let end = frontier
  for (let index = 0; index < parts.length; index += 2) {
    const from = end + Number.parseInt(parts[index] ?? '', 36)
    const to = from + Number.parseInt(parts[index + 1] ?? '', 36)
    if (from <= end || to <= from || !Number.isSafeInteger(to)) return []
    runs.push({ from, to })
    end = to
  }
  return runs
}
