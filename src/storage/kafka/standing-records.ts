// What stands of one partition of `ns.delay`, however much that is. Of a record only what comes later tells whether it stands, so
// the log is read twice: first for where what stands is, then for what it says. Only the former is held, and no more of it than
// a bound: once there are too many, half of the members are left for later, chosen by their hash, as often as it takes.

import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import { murmur2 } from '../../core/murmur2.ts'
import { StandingOffsets, memberOf } from './delay-log.ts'
import type { LogStretch } from './log-pages.ts'
import { readPages } from './log-pages.ts'

/** A part of the members: those whose hash leaves this rest. */
interface Share {
  readonly rest: number
  readonly of: number
}

/** Hashes have 32 bits: members that are still together then have the same, and are held however many they are. */
const SHARES_MAX = 2 ** 32

/** What stands of a part of the members. */
export interface Standing {
  readonly offsets: StandingOffsets
  /** What was read for it. */
  readonly stretch: LogStretch
}

/**
 * What stands, in as many parts as it takes for no more than `membersMax` at once. `stretch` is asked for each part: later ones
 * have the tombstones of what was dispatched meanwhile. Rejects with `cancelled` when the signal aborts.
 */
export async function* standingParts(params: {
  readonly reader: LogReader
  readonly stretch: () => Promise<LogStretch>
  readonly membersMax: number
  readonly signal: AbortSignal
}): AsyncGenerator<Standing> {
  const shares: Share[] = [{ rest: 0, of: 1 }]
  for (let share = shares.pop(); share !== undefined; share = shares.pop()) {
    const offsets = new StandingOffsets(isOf(share))
    const stretch = await params.stretch()
    for await (const { records } of readPages(params.reader, stretch, params.signal)) {
      for (const record of records) offsets.add(record)
      while (offsets.size > params.membersMax && share.of < SHARES_MAX) {
        const [now, later] = halves(share)
        shares.push(later)
        share = now
        offsets.narrow(isOf(share))
      }
    }
    yield { offsets, stretch }
  }
}

/** The records that stand, page by page in the order of the log. Rejects as {@link standingParts}. */
export async function* standingRecords(
  reader: LogReader,
  { offsets, stretch }: Standing,
  signal: AbortSignal,
): AsyncGenerator<readonly LogRecord[]> {
  if (offsets.size === 0) return
  for await (const { records } of readPages(reader, stretch, signal)) {
    const standing = records.filter(record => offsets.get(memberOf(record)) === record.offset)
    if (standing.length > 0) yield standing
  }
}

/** What stands of some members. Rejects as {@link standingParts}. */
export async function standingOf(
  reader: LogReader,
  stretch: LogStretch,
  members: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Standing> {
  const offsets = new StandingOffsets(member => members.has(member))
  for await (const { records } of readPages(reader, stretch, signal)) for (const record of records) offsets.add(record)
  return { offsets, stretch }
}

function halves({ rest, of }: Share): [Share, Share] {
  return [
    { rest, of: of * 2 },
    { rest: rest + of, of: of * 2 },
  ]
}

function isOf({ rest, of }: Share): (member: string) => boolean {
  if (of === 1) return () => true
  return member => (murmur2(Buffer.from(member, 'latin1')) >>> 0) % of === rest
}
