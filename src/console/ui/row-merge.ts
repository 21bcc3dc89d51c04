// What a list shows when a newer answer comes while somebody points at it: nothing under the pointer moves. Rows that are there are
// brought up to date where they stand, those that the answer lacks stay and are marked, and new ones wait to be asked for. Pure.

/** A row of a list. */
export interface Row<T> {
  readonly item: T
  /** The newest answer does not have it: it does not match any more, or has moved to another page. */
  readonly isGone: boolean
}

/** A list, and how many rows wait. */
export interface Merged<T> {
  readonly rows: readonly Row<T>[]
  readonly waiting: number
}

/** Merges; `isHeld`: somebody points at the list, or has chosen rows of it. */
export function mergeRows<T extends { readonly id: string }>(
  shown: readonly Row<T>[],
  fetched: readonly T[],
  isHeld: boolean,
): Merged<T> {
  if (!isHeld || shown.length === 0) return { rows: fetched.map(item => ({ item, isGone: false })), waiting: 0 }
  const byId = new Map(fetched.map(item => [item.id, item]))
  const rows = shown.map(({ item }) => {
    const newer = byId.get(item.id)
    byId.delete(item.id)
    return { item: newer ?? item, isGone: newer === undefined }
  })
  return { rows, waiting: byId.size }
}
