// Which of two activities is older: the order within a lane (rule 6 of the storage contract).

/** Negative when `a` is older. By creation time, then by id: UUIDv7s of one process sort by when they were made. */
export function compareAge(
  a: { readonly createdAtMs: number; readonly id: string },
  b: { readonly createdAtMs: number; readonly id: string },
): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs
  // Shorter first, so that `batch-2` comes before `batch-10`.
  if (a.id.length !== b.id.length) return a.id.length - b.id.length
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
