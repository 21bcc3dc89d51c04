// Records that wait for a request, in their order. A call whose deadline passes leaves its records here until they are taken,
// which can be a while: a broker that does not answer keeps every slot for 10 s. So they are dropped, but not one by one, since
// finding any takes a look at all: only once so much has come that it is worth the look.
//
// Invariant: at most `queueRecordsMax` and `givenUpRecordsMax` records together, and bytes alike, as long as the calls that wait
// keep to the former. A look leaves only what is theirs, and the next one comes before more than `givenUp…` has been added.

import { PRODUCER_LIMITS } from '../core/limits.ts'
import type { Entry } from './write-call.ts'

const { givenUpRecordsMax, givenUpBytesMax } = PRODUCER_LIMITS

/** What waits. */
export class EntryQueue {
  #entries: Entry[] = []
  #bytes = 0
  /** With more than this it is looked for what was given up. */
  #lookAt: { readonly records: number; readonly bytes: number } = { records: givenUpRecordsMax, bytes: givenUpBytesMax }

  /** Records that wait, and some that were given up. */
  get records(): number {
    return this.#entries.length
  }

  /** Bytes of {@link EntryQueue.records}. */
  get bytes(): number {
    return this.#bytes
  }

  /** Puts records behind those that wait. */
  push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#entries.push(entry)
      this.#bytes += entry.bytes
    }
    if (this.#entries.length > this.#lookAt.records || this.#bytes > this.#lookAt.bytes) this.#dropGivenUp()
  }

  /** Hands out records in their order until one is not taken; that one stays, and all behind it. */
  take(isTaken: (entry: Entry) => boolean): void {
    let taken = 0
    for (const entry of this.#entries) {
      if (!entry.call.isDone && !isTaken(entry)) break
      this.#bytes -= entry.bytes
      taken++
    }
    if (taken === this.#entries.length) this.#entries = []
    else this.#entries.splice(0, taken)
  }

  #dropGivenUp(): void {
    this.#entries = this.#entries.filter(({ call }) => !call.isDone)
    this.#bytes = this.#entries.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#lookAt = { records: this.#entries.length + givenUpRecordsMax, bytes: this.#bytes + givenUpBytesMax }
  }
}
