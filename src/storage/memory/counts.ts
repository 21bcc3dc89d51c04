// Counts by status, type and priority, kept up to date with every change of status.

import type { Status } from '../../core/activity.ts'
import { STATUSES } from '../../core/activity.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { StatusCounts, StorageStats } from '../storage.ts'

type Tally = Record<Status, number>

/** How many activities stand how. */
export class Counts {
  readonly #byLane = new Map<string, Map<Priority, Tally>>()

  /** Changes one count by 1 or -1. */
  add(lane: { readonly type: string; readonly priority: Priority }, status: Status, by: 1 | -1): void {
    let lanes = this.#byLane.get(lane.type)
    if (lanes === undefined) {
      lanes = new Map(PRIORITIES.map(priority => [priority, noCounts()]))
      this.#byLane.set(lane.type, lanes)
    }
    const tally = lanes.get(lane.priority)
    if (tally !== undefined) tally[status] += by
  }

  /** The counts of one lane. */
  of({ type, priority }: { readonly type: string; readonly priority: Priority }): StatusCounts {
    return this.#byLane.get(type)?.get(priority) ?? noCounts()
  }

  /** Types that were ever counted. */
  types(): Iterable<string> {
    return this.#byLane.keys()
  }

  /** All counts. Types that are known but empty are named too. */
  stats(knownTypes: Iterable<string>): StorageStats {
    const all = noCounts()
    const byType = new Map<string, Tally>(Array.from(knownTypes, type => [type, noCounts()]))
    const byPriority = Object.fromEntries(PRIORITIES.map(priority => [priority, noCounts()])) as Record<Priority, Tally>
    for (const [type, lanes] of this.#byLane) {
      const ofType = byType.get(type) ?? noCounts()
      byType.set(type, ofType)
      for (const [priority, tally] of lanes) for (const sum of [all, ofType, byPriority[priority]]) addAll(sum, tally)
    }
    return { ...all, byType: Object.fromEntries<StatusCounts>(byType), byPriority }
  }
}

function addAll(sum: Tally, tally: Tally): void {
  for (const status of STATUSES) sum[status] += tally[status]
}

function noCounts(): Tally {
  return { pending: 0, scheduled: 0, running: 0, completed: 0, failed: 0, dead_letter: 0, cancelled: 0 }
}
