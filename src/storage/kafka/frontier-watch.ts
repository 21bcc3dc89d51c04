// How long frontiers have stood. Nobody writes down when a frontier moved, so whoever asks again and again remembers what it was.

import type { Clock } from '../../core/clock.ts'
import { partitionKey } from '../../consumer/topic-partition.ts'
import type { Depth } from './lane-depths.ts'
import { unfinishedIn } from './lane-depths.ts'

/** Remembers where frontiers stand, and since when. */
export class FrontierWatch {
  readonly #clock: Clock
  #stands = new Map<string, { readonly frontier: number; readonly sinceMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * For how many ms each partition with unfinished records has not moved, by `partitionKey`: 0 where it was not seen like that
   * before. Takes all partitions there are; one that is not named is forgotten.
   */
  look(depths: readonly Depth[]): ReadonlyMap<string, number> {
    const nowMs = this.#clock.monotonicMs()
    const stands = new Map<string, { frontier: number; sinceMs: number }>()
    for (const depth of depths) {
      if (unfinishedIn(depth) === 0) continue
      const key = partitionKey(depth)
      const before = this.#stands.get(key)
      const sinceMs = before?.frontier === depth.low ? before.sinceMs : nowMs
      stands.set(key, { frontier: depth.low, sinceMs })
    }
    this.#stands = stands
    return new Map([...stands].map(([key, { sinceMs }]) => [key, nowMs - sinceMs]))
  }
}
