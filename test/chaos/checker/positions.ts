// Where lane records stand, and when the attempts that they were for had ended: what committed offsets and log starts are
// held against. Records that were trimmed meanwhile are known from their claims.

import { isTerminal } from './case-file.ts'
import type { CaseBook } from './case-book.ts'
import type { CaseFile } from './case-file.ts'

/** A lane record, and when its attempt had ended. */
export interface Position {
  readonly offset: number
  readonly id: string
  readonly attempt: number
  /** Infinity: it never did. -Infinity: it did, and nobody who can be trusted says when. */
  readonly endedMono: number
}

/** Positions of one partition, by offset. */
export class PartitionPositions {
  /** Per position the last to end of all up to it. */
  readonly #latest: Position[] = []
  readonly #offsets: number[] = []

  constructor(positions: readonly Position[]) {
    for (const position of [...positions].sort((a, b) => a.offset - b.offset)) {
      const before = this.#latest.at(-1)
      this.#offsets.push(position.offset)
      this.#latest.push(before !== undefined && before.endedMono >= position.endedMono ? before : position)
    }
  }

  /** Of all records below this offset, the one whose attempt ended last. */
  lastToEndBelow(offset: number): Position | undefined {
    let low = 0
    let high = this.#offsets.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#offsets[middle] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low === 0 ? undefined : this.#latest[low - 1]
  }
}

/** Positions by `topic/partition`. */
export function lanePositions(book: CaseBook): Map<string, PartitionPositions> {
  const places = new Map<string, Map<number, Position>>()
  const add = (place: string, offset: number, file: CaseFile | undefined, attempt: number): void => {
    if (file === undefined) return
    const known = places.get(place) ?? new Map<number, Position>()
    places.set(place, known)
    if (!known.has(offset))
      known.set(offset, { offset, id: file.id, attempt, endedMono: endedMono(book, file, attempt) })
  }
  for (const { topic, partition, offset, id, attempt } of book.records.lanes) {
    add(`${topic}/${partition}`, offset, book.files.get(id), attempt)
  }
  for (const { claim } of book.leases.values()) {
    if (claim.topic === null || claim.partition === null || claim.offset === null) continue
    add(`${claim.topic}/${claim.partition}`, Number(claim.offset), book.files.get(claim.id), claim.attempt)
  }
  return new Map([...places].map(([place, known]) => [place, new PartitionPositions([...known.values()])]))
}

/** When Kafka knew that this attempt was over: its own end, a later attempt's, or the activity's. */
function endedMono({ clock, windows }: CaseBook, { endings }: CaseFile, attempt: number): number {
  let earliest = Number.POSITIVE_INFINITY
  for (const ending of endings) {
    if (ending.attempt < attempt && !isTerminal(ending)) continue
    const isUntrusted = ending.isReaped && windows.hasReaperClock
    earliest = Math.min(earliest, isUntrusted ? Number.NEGATIVE_INFINITY : clock.monoOf(ending.endedAtMs))
  }
  return earliest
}
