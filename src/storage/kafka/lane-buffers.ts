// What was fetched and waits for a free slot: a priority queue per lane, over all partitions. Prefetch inverts priority
// unless the buffer is such a queue.

import type { Activity } from '../../core/activity.ts'
import { compareAge } from '../../core/age.ts'
import type { WaitingLanes } from '../../core/fair-share.ts'
import { TurnsByTypes } from '../../core/fair-share.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { FetchedRecord } from '../../consumer/fetched-record.ts'

/** A fetched record that waits for a claim, is claimed, or is held. */
export interface LaneEntry {
  readonly record: FetchedRecord
  readonly activity: Activity
  /** The record's own text. */
  readonly envelope: string
  /** Made once per entry, so that a claim whose reply was lost can be repeated. */
  leaseId: string | null
  /** How often it was found held: the wait until the next look grows with it. */
  heldLooks: number
}

/** Fetched attempts of one type. */
export interface TypeBuffer {
  readonly type: string
  readonly lanes: Readonly<Record<Priority, AgeHeap>>
}

/** Buffers of all subscribed types, and the order in which they give. */
export class LaneBuffers {
  readonly #types = new Map<string, TypeBuffer>()
  readonly #turns = new TurnsByTypes()

  add(type: string): void {
    if (this.#types.has(type)) return
    this.#types.set(type, {
      type,
      lanes: { critical: new AgeHeap(), high: new AgeHeap(), normal: new AgeHeap(), low: new AgeHeap() },
    })
  }

  push(entry: LaneEntry): void {
    this.#types.get(entry.activity.type)?.lanes[entry.activity.priority].push(entry)
  }

  /** Takes up to `limit` entries of these types: higher priority first within its share, then older first. */
  take(types: readonly string[], limit: number): LaneEntry[] {
    const buffers = types.map(type => this.#types.get(type)).filter(buffer => buffer !== undefined)
    const turns = this.#turns.of(types)
    const waiting: WaitingLanes<Head> = {
      hasAny: priority => buffers.some(({ lanes }) => lanes[priority].peek() !== undefined),
      heads: priority => buffers.flatMap(({ type, lanes }) => headOf(type, lanes[priority])),
      isOlder: (a, b) => compareAge(a.entry.activity, b.entry.activity) < 0,
    }
    const taken: LaneEntry[] = []
    while (taken.length < limit) {
      const head = turns.next(waiting)
      if (head === undefined) break
      head.heap.pop()
      taken.push(head.entry)
    }
    return taken
  }

  /** Lets go of what came from partitions that are lost: it comes again, and while nothing is taken it would pile up. */
  dropLost(type: string): void {
    const buffer = this.#types.get(type)
    if (buffer !== undefined) for (const priority of PRIORITIES) buffer.lanes[priority].dropLost()
  }

  /** True when any of the types has something. */
  hasAny(types: readonly string[]): boolean {
    return types.some(type => {
      const buffer = this.#types.get(type)
      return buffer !== undefined && PRIORITIES.some(priority => buffer.lanes[priority].peek() !== undefined)
    })
  }
}

interface Head {
  readonly type: string
  readonly heap: AgeHeap
  readonly entry: LaneEntry
}

function headOf(type: string, heap: AgeHeap): Head[] {
  const entry = heap.peek()
  return entry === undefined ? [] : [{ type, heap, entry }]
}

/** A binary heap by age. Entries whose partition was lost fall out when they come to the top. */
export class AgeHeap {
  #entries: LaneEntry[] = []

  /** Entries in memory, of lost partitions too. */
  get size(): number {
    return this.#entries.length
  }

  dropLost(): void {
    const entries = this.#entries
    this.#entries = []
    for (const entry of entries) if (entry.record.epoch.isOpen) this.push(entry)
  }

  peek(): LaneEntry | undefined {
    let top = this.#entries[0]
    while (top !== undefined && !top.record.epoch.isOpen) {
      this.#removeTop()
      top = this.#entries[0]
    }
    return top
  }

  pop(): LaneEntry | undefined {
    const top = this.peek()
    if (top !== undefined) this.#removeTop()
    return top
  }

  push(entry: LaneEntry): void {
    const entries = this.#entries
    let at = entries.length
    entries.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = entries[parent]
      if (above === undefined || !goesBefore(entry, above)) break
      entries[at] = above
      at = parent
    }
    entries[at] = entry
  }

  #removeTop(): void {
    const entries = this.#entries
    const last = entries.pop()
    if (last === undefined || entries.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      const [left, right] = [entries[child], entries[child + 1]]
      if (left === undefined) break
      if (right !== undefined && goesBefore(right, left)) child += 1
      const below = entries[child]
      if (below === undefined || !goesBefore(below, last)) break
      entries[at] = below
      at = child
    }
    entries[at] = last
  }
}

function goesBefore(a: LaneEntry, b: LaneEntry): boolean {
  return compareAge(a.activity, b.activity) < 0
}
