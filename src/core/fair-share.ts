// Which lane gives the next claim. Rule 6 of the storage contract: higher priority first, yet in any 15 claims during
// which a lane is never empty it gets at least its weight (8 : 4 : 2 : 1).
//
// Think of each claim as a slot. A lane of weight w that is not empty always holds w jobs with deadlines: one that just
// became non-empty owes w jobs within the next 15 slots, and a job done in slot t is owed again by slot t + 15. The weights
// add up to 15, so the jobs can always be done in time as long as no slot is wasted on a job that could wait while another
// could not. So: find the nearest deadline d by which every slot is spoken for; only lanes with a job due by then may be
// chosen; among those that may, the highest priority wins. Without such a d, priority alone decides.

import { CONSUMER_LIMITS } from './limits.ts'
import type { Priority } from './priority.ts'
import { PRIORITIES, PRIORITY_WEIGHTS } from './priority.ts'

/** Claims in a window: the sum of the weights. */
export const SHARE_WINDOW: number = PRIORITIES.reduce((sum, priority) => sum + PRIORITY_WEIGHTS[priority], 0)

/** What a lane owes: the slots by which its jobs are due, a ring that begins with the nearest. */
interface Debt {
  readonly priority: Priority
  readonly dueBy: Float64Array
  first: number
  isWaiting: boolean
}

/** Chooses lanes, claim by claim. */
export class FairShare {
  /** Most urgent first. */
  readonly #debts: readonly Debt[] = PRIORITIES.map(priority => ({
    priority,
    dueBy: new Float64Array(PRIORITY_WEIGHTS[priority]),
    first: 0,
    isWaiting: false,
  }))
  /** Jobs by how many slots ahead they are due; made once, since a choice is made for every claim. */
  readonly #ahead: Uint8Array = new Uint8Array(SHARE_WINDOW)
  #slot = 0

  /** The lane of the next claim, of those that have something; undefined when none has. Counts the claim as made. */
  next(hasWork: (priority: Priority) => boolean): Priority | undefined {
    let waiting = 0
    for (const debt of this.#debts) {
      this.#refresh(debt, hasWork(debt.priority))
      if (debt.isWaiting) waiting += 1
    }
    if (waiting === 0) return undefined
    const tight = waiting === 1 ? Number.POSITIVE_INFINITY : this.#tightDeadline()
    const chosen = this.#debts.find(debt => debt.isWaiting && nearest(debt) <= tight)
    if (chosen === undefined) return undefined
    chosen.dueBy[chosen.first] = this.#slot + SHARE_WINDOW
    chosen.first = (chosen.first + 1) % chosen.dueBy.length
    this.#slot += 1
    return chosen.priority
  }

  /** A lane that just became non-empty owes its weight within the next window. */
  #refresh(debt: Debt, isWaiting: boolean): void {
    if (isWaiting && !debt.isWaiting) debt.dueBy.fill(this.#slot + SHARE_WINDOW - 1)
    debt.isWaiting = isWaiting
  }

  /** The nearest slot by which every slot from now on is owed to somebody; Infinity when there is room. */
  #tightDeadline(): number {
    this.#ahead.fill(0)
    for (const { isWaiting, dueBy } of this.#debts) {
      if (!isWaiting) continue
      for (const slot of dueBy) {
        const at = slot > this.#slot ? slot - this.#slot : 0
        this.#ahead[at] = (this.#ahead[at] ?? 0) + 1
      }
    }
    let owed = 0
    for (let at = 0; at < SHARE_WINDOW; at++) {
      owed += this.#ahead[at] ?? 0
      if (owed > at) return this.#slot + at
    }
    return Number.POSITIVE_INFINITY
  }
}

function nearest(debt: Debt): number {
  return debt.dueBy[debt.first] ?? 0
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

/** What waits, as one set of types sees it. */
export interface WaitingLanes<T extends { readonly type: string }> {
  readonly hasAny: (priority: Priority) => boolean
  /** The oldest of each type that waits at this priority. */
  readonly heads: (priority: Priority) => readonly T[]
  readonly isOlder: (a: T, b: T) => boolean
}

/** Whose turn it is: the lane by its share, within it the type. */
export class Turns {
  readonly #share = new FairShare()
  readonly #types: Readonly<Record<Priority, TypeTurns>> = {
    critical: new TypeTurns(),
    high: new TypeTurns(),
    normal: new TypeTurns(),
    low: new TypeTurns(),
  }

  /** The head of the next claim, or undefined when nothing waits. Counts the claim as made. */
  next<T extends { readonly type: string }>(lanes: WaitingLanes<T>): T | undefined {
    const priority = this.#share.next(lanes.hasAny)
    if (priority === undefined) return undefined
    const heads = lanes.heads(priority)
    return heads[this.#types[priority].next(heads, lanes.isOlder)]
  }
}

/** A lane is empty or not only in the eyes of one set of types, so each set that is asked for has turns of its own. */
export class TurnsByTypes {
  readonly #sets = new Map<string, Turns>()

  /** The turns of this set of types. */
  of(types: readonly string[]): Turns {
    const name = types.join(',')
    const turns = this.#sets.get(name) ?? new Turns()
    this.#sets.delete(name)
    this.#sets.set(name, turns)
    const [longestUnused] = this.#sets.keys()
    if (this.#sets.size > CONSUMER_LIMITS.typeSetsMax && longestUnused !== undefined) this.#sets.delete(longestUnused)
    return turns
  }
}
