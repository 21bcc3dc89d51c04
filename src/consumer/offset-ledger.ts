// What was delivered of one partition in one assignment epoch, and what of it is finished.
//
//        frontier                        position
//           ▼                               ▼
//   F F F F u F F u . . u F F F             (F finished, u unfinished, . gap: never delivered)
//   ◀─gone─▶◀──────── tracked ──────▶
//
// Invariant: every delivered offset below the frontier is finished, and the frontier itself is either unfinished or the
// position. So committing the frontier, and nothing else, never passes unfinished work. An offset is found by what was
// delivered, never by "last + 1": compaction and transaction markers leave gaps. A closed ledger takes no marks: a late
// completion of an earlier epoch can neither finish nor swallow what the next epoch delivers again.

import { invariant } from '../core/errors.ts'

/** Offsets from `from` up to, but not including, `to`. */
export interface OffsetRun {
  readonly from: number
  readonly to: number
}

const CAPACITY_MIN = 64

/** The ledger of one partition in one assignment epoch. O(1) per record; the one look-up across gaps is a binary search. */
export class PartitionLedger {
  // Two rings of one capacity, a power of two. Head and tail only grow; an index is taken modulo the capacity.
  #offsets = new Float64Array(CAPACITY_MIN)
  #isFinished = new Uint8Array(CAPACITY_MIN)
  #head = 0
  #tail = 0
  #position: number
  #unfinished = 0
  #isOpen = true
  #hasDelivered = false

  /** `start`: the first offset that may be delivered. */
  constructor(start: number) {
    this.#position = start
  }

  /** False once the partition was lost: from then on nothing is delivered and nothing is marked. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The next offset expected: one above the last delivered or skipped. */
  get position(): number {
    return this.#position
  }

  /** The lowest offset that is not finished; the position when everything delivered is. The only offset to commit. */
  get frontier(): number {
    return this.#head === this.#tail ? this.#position : this.#offsetAt(this.#head)
  }

  /** Delivered and not finished. */
  get unfinished(): number {
    return this.#unfinished
  }

  /** Delivered at or above the frontier, finished or not: what the ledger holds in memory. */
  get tracked(): number {
    return this.#tail - this.#head
  }

  /** Finished although something below it is not. */
  get finishedAheadCount(): number {
    return this.tracked - this.#unfinished
  }

  /** Notes one delivered offset. Offsets rise; gaps are fine. Below the position is a defect (`internal`). */
  deliver(offset: number): void {
    if (!this.#isOpen) return
    invariant(offset >= this.#position, `offset ${offset} delivered below the position ${this.#position}`)
    if (this.tracked === this.#offsets.length) this.#grow()
    const at = this.#tail & (this.#offsets.length - 1)
    this.#offsets[at] = offset
    this.#isFinished[at] = 0
    this.#tail += 1
    this.#unfinished += 1
    this.#position = offset + 1
    this.#hasDelivered = true
  }

  /** Moves the position over offsets that hold no records. Never back. */
  skipTo(position: number): void {
    if (this.#isOpen && position > this.#position) this.#position = position
  }

  /** Moves the start, while nothing was delivered. */
  startAt(offset: number): void {
    invariant(!this.#hasDelivered, 'a ledger that has delivered cannot start elsewhere')
    this.#position = offset
  }

  /** Marks a delivered offset finished. True the first time; false for what is finished, unknown, or of a closed ledger. */
  finish(offset: number): boolean {
    if (!this.#isOpen) return false
    const index = this.#indexOf(offset)
    if (index === undefined) return false
    const at = index & (this.#offsets.length - 1)
    if (this.#isFinished[at] === 1) return false
    this.#isFinished[at] = 1
    this.#unfinished -= 1
    this.#passFinished()
    return true
  }

  /** True when the offset was delivered and is not finished. */
  isUnfinished(offset: number): boolean {
    const index = this.#isOpen ? this.#indexOf(offset) : undefined
    return index !== undefined && this.#isFinished[index & (this.#offsets.length - 1)] === 0
  }

  /** What is finished ahead of the frontier, lowest first, at most `runsMax` runs. A run spans gaps between finished offsets. */
  finishedAhead(runsMax: number = Number.MAX_SAFE_INTEGER): OffsetRun[] {
    const runs: OffsetRun[] = []
    if (this.finishedAheadCount === 0) return runs
    let from: number | undefined
    let last = 0
    for (let index = this.#head; index < this.#tail && runs.length < runsMax; index += 1) {
      if (this.#isFinished[index & (this.#offsets.length - 1)] === 1) {
        last = this.#offsetAt(index)
        from ??= last
      } else if (from !== undefined) {
        runs.push({ from, to: last + 1 })
        from = undefined
      }
    }
    if (from !== undefined && runs.length < runsMax) runs.push({ from, to: last + 1 })
    return runs
  }

  /** Ends the epoch. Frontier and position stay readable. */
  close(): void {
    this.#isOpen = false
  }

  #passFinished(): void {
    const mask = this.#offsets.length - 1
    while (this.#head < this.#tail && this.#isFinished[this.#head & mask] === 1) this.#head += 1
  }

  #offsetAt(index: number): number {
    return this.#offsets[index & (this.#offsets.length - 1)] ?? 0
  }

  /** Without gaps the distance from the head is the index; with gaps the index is below it, and is searched for. */
  #indexOf(offset: number): number | undefined {
    if (this.#head === this.#tail) return undefined
    const distance = offset - this.#offsetAt(this.#head)
    if (distance < 0) return undefined
    let low = this.#head
    let high = Math.min(this.#head + distance, this.#tail - 1)
    if (this.#offsetAt(high) === offset) return high
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#offsetAt(middle) < offset) low = middle + 1
      else high = middle
    }
    return this.#offsetAt(low) === offset ? low : undefined
  }

  #grow(): void {
    const capacity = this.#offsets.length * 2
    const offsets = new Float64Array(capacity)
    const isFinished = new Uint8Array(capacity)
    const mask = this.#offsets.length - 1
    for (let index = this.#head; index < this.#tail; index += 1) {
      offsets[index - this.#head] = this.#offsetAt(index)
      isFinished[index - this.#head] = this.#isFinished[index & mask] ?? 0
    }
    this.#tail -= this.#head
    this.#head = 0
    this.#offsets = offsets
    this.#isFinished = isFinished
  }
}
