// What is ready, per type and priority, oldest first, and the choice of what is claimed next.

import type { Priority } from '../../core/priority.ts'
import { TurnsByTypes } from '../../core/fair-share.ts'
import type { Entry } from './entry.ts'
import { compareEntries } from './entry.ts'
import { Heap } from './heap.ts'

/** The ready entries. */
export class Ready {
  readonly #lanes = new Map<string, Heap<Entry>>()
  readonly #turns = new TurnsByTypes()

  add(entry: Entry): void {
    const { type, priority } = entry.activity
    const name = laneOf(type, priority)
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = new Heap(compareEntries)
      this.#lanes.set(name, lane)
    }
    lane.push(entry)
  }

  remove(entry: Entry): void {
    this.#lanes.get(laneOf(entry.activity.type, entry.activity.priority))?.delete(entry)
  }

  /** Takes the entry whose turn it is among those of the given types. */
  take(types: readonly string[]): Entry | undefined {
    const head = this.#turns.of(types).next({
      hasAny: priority => types.some(type => this.#head(type, priority) !== undefined),
      heads: priority =>
        types.flatMap(type => {
          const entry = this.#head(type, priority)
          return entry === undefined ? [] : [{ type, entry }]
        }),
      isOlder: (a, b) => compareEntries(a.entry, b.entry) < 0,
    })
    if (head !== undefined) this.remove(head.entry)
    return head?.entry
  }

  #head(type: string, priority: Priority): Entry | undefined {
    return this.#lanes.get(laneOf(type, priority))?.peek()
  }
}

/** Injective: a type holds no `.`. */
function laneOf(type: string, priority: Priority): string {
  return `${type}.${priority}`
}
