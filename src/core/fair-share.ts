// Which lane gives the next claim. Rule 6 of the storage contract: higher priority first, yet in any 15 claims during
// which a lane is never empty it gets at least its weight (8 : 4 : 2 : 1).
//
// Think of each claim as a slot. A lane of weight w that is not empty always holds w jobs with deadlines: one that just
// became non-empty owes w jobs within the next 15 slots, and a job done in slot t is owed again by slot t + 15. The weights
// add up to 15, so the jobs can always be done in time as long as no slot is wasted on a job that could wait while another
// could not. So: find the nearest deadline d by which every slot is spoken for; only lanes with a job due by then may be
// chosen; among those that may, the highest priority wins. Without such a d, priority alone decides.

import type { Priority } from './priority.ts'
import { PRIORITIES, PRIORITY_WEIGHTS } from './priority.ts'

/** Claims in a window: the sum of the weights. */
export const SHARE_WINDOW: number = PRIORITIES.reduce((sum, priority) => sum + PRIORITY_WEIGHTS[priority], 0)

/** Chooses lanes, claim by claim. */
export class FairShare {
  /** Per lane, the slots by which its owed jobs are due, nearest first; empty while the lane is. */
  readonly #owed = new Map<Priority, number[]>(PRIORITIES.map(priority => [priority, []]))
  #slot = 0

  /** The lane of the next claim, of those that have something; undefined when none has. Counts the claim as made. */
  next(hasWork: (priority: Priority) => boolean): Priority | undefined {
    const candidates = PRIORITIES.filter(priority => this.#refresh(priority, hasWork(priority)))
    const tight = this.#tightDeadline(candidates)
    const chosen = candidates.find(priority => (this.#jobs(priority)[0] ?? 0) <= tight)
    if (chosen === undefined) return undefined
    const jobs = this.#jobs(chosen)
    jobs.shift()
    jobs.push(this.#slot + SHARE_WINDOW)
    this.#slot += 1
    return chosen
  }

  #jobs(priority: Priority): number[] {
    return this.#owed.get(priority) ?? []
  }

  #refresh(priority: Priority, isWaiting: boolean): boolean {
    const jobs = this.#jobs(priority)
    if (!isWaiting) jobs.length = 0
    else if (jobs.length === 0) {
      jobs.push(...Array.from({ length: PRIORITY_WEIGHTS[priority] }, () => this.#slot + SHARE_WINDOW - 1))
    }
    return isWaiting
  }

  /** The nearest slot by which every slot from now on is owed to somebody; Infinity when there is room. */
  #tightDeadline(lanes: readonly Priority[]): number {
    const due = Array.from({ length: SHARE_WINDOW }, () => 0)
    for (const lane of lanes) {
      for (const deadline of this.#jobs(lane)) {
        const at = Math.max(0, deadline - this.#slot)
        due[at] = (due[at] ?? 0) + 1
      }
    }
    let owed = 0
    for (let ahead = 0; ahead < SHARE_WINDOW; ahead++) {
      owed += due[ahead] ?? 0
      if (owed > ahead) return this.#slot + ahead
    }
    return Number.POSITIVE_INFINITY
  }
}

/**
 * Chooses among types that have work in the same lane: the oldest head first, but a type that was passed over
 * `2 * types` times (8 at least) in a row is next, so that a noisy type cannot starve a quiet one.
 */
export class TypeTurns {
  readonly #passedOver = new Map<string, number>()

  /** The index of the chosen head, or -1 for none. `heads` need not be in order; `isOlder` compares their ages. */
  next<T extends { readonly type: string }>(heads: readonly T[], isOlder: (a: T, b: T) => boolean): number {
    if (heads.length <= 1) return heads.length - 1
    const patience = Math.max(8, heads.length * 2)
    let chosen = 0
    for (let at = 1; at < heads.length; at++) {
      const [head, best] = [heads[at], heads[chosen]]
      if (head !== undefined && best !== undefined && this.#goesFirst(head, best, patience, isOlder)) chosen = at
    }
    heads.forEach((head, at) =>
      this.#passedOver.set(head.type, at === chosen ? 0 : (this.#passedOver.get(head.type) ?? 0) + 1),
    )
    return chosen
  }

  #goesFirst<T extends { readonly type: string }>(
    head: T,
    best: T,
    patience: number,
    isOlder: (a: T, b: T) => boolean,
  ): boolean {
    const starved = this.#passedOver.get(head.type) ?? 0
    const bestStarved = this.#passedOver.get(best.type) ?? 0
    if (starved >= patience || bestStarved >= patience) return starved > bestStarved
    return isOlder(head, best)
  }
}
