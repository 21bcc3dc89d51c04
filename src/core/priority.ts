// The four priorities, their order and their weights.

/** Priorities from the most to the least urgent. Each is a lane (a topic) of its own. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const

/** `critical`, `high`, `normal` (the default) or `low`. */
export type Priority = (typeof PRIORITIES)[number]

/**
 * What each lane gets at least, of any 15 claims during which it is never empty.
 * Source: rule 6 of the storage contract (8 : 4 : 2 : 1).
 */
export const PRIORITY_WEIGHTS: Readonly<Record<Priority, number>> = { critical: 8, high: 4, normal: 2, low: 1 }

/** 0 for the most urgent. */
export function priorityRank(priority: Priority): number {
  return PRIORITIES.indexOf(priority)
}

/** True for one of the four words. */
export function isPriority(value: unknown): value is Priority {
  return typeof value === 'string' && (PRIORITIES as readonly string[]).includes(value)
}
