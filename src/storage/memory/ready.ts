// What is ready, per type and priority, oldest first, and the choice of what is claimed next.

import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import { FairShare, TypeTurns } from '../../core/fair-share.ts'
import type { Entry } from './entry.ts'
import { compareEntries } from './entry.ts'
import { Heap } from './heap.ts'

/** Turns are remembered for so many different sets of types; beyond that the longest unused set starts anew. */
const FILTERS_MAX = 64

/** Fair turns among priorities and types. */
interface Turns {
  readonly priorities: FairShare
  readonly types: ReadonlyMap<Priority, TypeTurns>
}

/** The ready entries. */
export class Ready {
  readonly #lanes = new Map<string, Heap<Entry>>()
  readonly #turns = new Map<string, Turns>()

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
    const turns = this.#turnsFor(types)
    const priority = turns.priorities.next(candidate => types.some(type => this.#head(type, candidate) !== undefined))
    if (priority === undefined) return undefined
    const heads = types.flatMap(type => {
      const entry = this.#head(type, priority)
      return entry === undefined ? [] : [{ type, entry }]
    })
    const chosen = turns.types.get(priority)?.next(heads, (a, b) => compareEntries(a.entry, b.entry) < 0) ?? 0
    const entry = heads[chosen]?.entry
    if (entry !== undefined) this.remove(entry)
    return entry
  }

  #head(type: string, priority: Priority): Entry | undefined {
    return this.#lanes.get(laneOf(type, priority))?.peek()
  }

  /** A lane is empty or not only in the eyes of one set of types, so each set has its own turns. */
  #turnsFor(types: readonly string[]): Turns {
    const name = types.join(',')
    const turns = this.#turns.get(name) ?? {
      priorities: new FairShare(),
      types: new Map(PRIORITIES.map(priority => [priority, new TypeTurns()])),
    }
    this.#turns.delete(name)
    this.#turns.set(name, turns)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > FILTERS_MAX && oldest !== undefined) this.#turns.delete(oldest)
    return turns
  }
}

/** Injective: a type holds no `.`. */
function laneOf(type: string, priority: Priority): string {
  return `${type}.${priority}`
}
