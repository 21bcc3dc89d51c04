// Since when the oldest of a partition has waited. What is unfinished from the frontier on is read once and kept in a few words,
// so that a lane that stands still is asked about at Redis only, and one that is idle not at all.
//
//   frontier                     readTo            high
//      ▼                            ▼                ▼
//      r  F  r  r  w  .  w  w  r  w │  not read yet  │      (r runs, F finished ahead, w waits, . nothing there)
//                  ▲ the oldest
//
// Invariant: everything unfinished from the frontier up to `readTo` is kept, but for what was let go because too much runs; then
// the partition is read anew once its end is reached without anything that waits.

import { FIGURES_LIMITS, READING_LIMITS } from '../../core/limits.ts'
import { readyAtMs } from '../../core/ready-time.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { TopicPartition } from '../../consumer/topic-partition.ts'
import { partitionKey } from '../../consumer/topic-partition.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { inParallel } from './in-parallel.ts'
import type { Depth } from './lane-depths.ts'

/** A record in a few words. */
export interface Head {
  readonly offset: number
  readonly id: string
  readonly attempt: number
  readonly readyAtMs: number
}

/** What is kept of a partition. */
interface Kept {
  heads: Head[]
  /** Everything below was read. */
  readTo: number
  reads: number
  /** Something that runs was let go. */
  hasLetGo: boolean
  /** The look in which it was last read. */
  lookOfLastRead: number
}

/** What the looks need. */
export interface OldestWaitingParts {
  readonly read: LogReader['read']
  /** Whether each of these waits, rather than runs or has ended. */
  readonly standings: (heads: readonly Head[]) => Promise<readonly boolean[]>
}

/** The oldest that waits in each partition. */
export class OldestWaiting {
  readonly #parts: OldestWaitingParts
  readonly #kept = new Map<string, Kept>()
  #looks = 0

  constructor(parts: OldestWaitingParts) {
    this.#parts = parts
  }

  /**
   * Since when the oldest of each of these partitions has waited, by `partitionKey`; a partition whose oldest was not found within
   * the bounds of one look is absent. What is not asked for is forgotten. Rejects when Kafka or Redis is away.
   */
  async look(depths: readonly Depth[]): Promise<ReadonlyMap<string, number>> {
    this.#looks += 1
    const asked = new Set(depths.map(partitionKey))
    for (const key of this.#kept.keys()) if (!asked.has(key)) this.#kept.delete(key)
    const found = new Map<string, number>()
    const budget = { reads: FIGURES_LIMITS.readsPerLookMax }
    const waitedLongest = [...depths].sort((a, b) => this.#keptOf(a).lookOfLastRead - this.#keptOf(b).lookOfLastRead)
    await inParallel(waitedLongest, READING_LIMITS.fetchesAtOnceMax, new AbortController().signal, async depth => {
      const oldest = await this.#oldestIn(depth, budget)
      if (oldest !== undefined) found.set(partitionKey(depth), oldest.readyAtMs)
    })
    return found
  }

  async #oldestIn(depth: Depth, budget: { reads: number }): Promise<Head | undefined> {
    const kept = this.#keptOf(depth)
    keepUp(kept, depth)
    let unasked: readonly Head[] = kept.heads
    for (;;) {
      const oldest = await this.#firstWaiting(unasked)
      if (oldest !== undefined) return oldest
      if (kept.readTo >= depth.high) {
        if (kept.hasLetGo) this.#kept.delete(partitionKey(depth)) // what was let go may wait by now
        return undefined
      }
      if (budget.reads <= 0) return undefined
      budget.reads -= 1
      unasked = await this.#readOn(kept, depth)
    }
  }

  async #firstWaiting(heads: readonly Head[]): Promise<Head | undefined> {
    for (let from = 0; from < heads.length; from += FIGURES_LIMITS.standingsAtOnceMax) {
      const some = heads.slice(from, from + FIGURES_LIMITS.standingsAtOnceMax)
      const waits = await this.#parts.standings(some)
      const at = waits.indexOf(true)
      if (at >= 0) return some[at]
    }
    return undefined
  }

  async #readOn(kept: Kept, depth: Depth): Promise<readonly Head[]> {
    const { topic, partition, high } = depth
    const [few, many] = FIGURES_LIMITS.recordsPerRead
    const maxRecords = kept.reads === 0 ? few : many
    const slice = await this.#parts.read({ topic, partition, offset: kept.readTo, maxRecords })
    kept.reads += 1
    kept.lookOfLastRead = this.#looks
    // Not beyond the end that was asked about: what came since belongs to the next look. At the log's own end nothing is left.
    const readTo = slice.nextOffset >= slice.high ? high : Math.min(high, slice.nextOffset)
    kept.readTo = passFinished(Math.max(kept.readTo, readTo), depth)
    const fresh = slice.records.flatMap(record => headOf(record)).filter(head => isUnfinished(head, depth))
    kept.heads.push(...fresh)
    if (kept.heads.length > FIGURES_LIMITS.recordsKeptMax) {
      kept.heads.splice(0, kept.heads.length - FIGURES_LIMITS.recordsKeptMax)
      kept.hasLetGo = true
    }
    return fresh
  }

  #keptOf(place: TopicPartition): Kept {
    const key = partitionKey(place)
    let kept = this.#kept.get(key)
    if (kept === undefined) {
      kept = { heads: [], readTo: 0, reads: 0, hasLetGo: false, lookOfLastRead: 0 }
      this.#kept.set(key, kept)
    }
    return kept
  }
}

/** Drops what is finished by now, and begins anew where the log or the frontier is elsewhere. */
function keepUp(kept: Kept, depth: Depth): void {
  const isElsewhere = kept.readTo < depth.low || kept.readTo > depth.high
  if (isElsewhere) Object.assign(kept, { readTo: depth.low, hasLetGo: false })
  kept.heads = isElsewhere ? [] : kept.heads.filter(head => isUnfinished(head, depth))
  kept.reads = 0
  kept.readTo = passFinished(kept.readTo, depth)
}

function isUnfinished({ offset }: Head, { low, high, finishedRuns }: Depth): boolean {
  return offset >= low && offset < high && !finishedRuns.some(run => run.from <= offset && offset < run.to)
}

/** Past a run that the offset lies in: what is finished need not be read. */
function passFinished(offset: number, { finishedRuns }: Depth): number {
  return finishedRuns.find(run => run.from <= offset && offset < run.to)?.to ?? offset
}

/** Nothing for poison, which has its place in the DLQ. */
function headOf({ value, offset }: LogRecord): Head[] {
  try {
    const activity = decodeActivity(value)
    return [{ offset, id: activity.id, attempt: activity.attempt, readyAtMs: readyAtMs(activity) }]
  } catch {
    return [] // why it is poison is said by who sets it aside
  }
}
