// The items of an operation, page by page: what its filter matches, newest first. The same for who counts them before, and for
// who acts on them.

import type { RecordedFailure, Status } from '../core/activity.ts'
import { failureFingerprint } from '../core/failure.ts'
import { LIMITS } from '../core/limits.ts'
import type { ActivitySummary, DeadLetterSummary, Page, Storage } from '../storage/storage.ts'
import type { Operation, OperationKind, ResolvedFilter } from './operation.ts'
import { OPERATION_TYPE } from './operation.ts'
import type { Position } from './operation-progress.ts'

/** One item. */
export interface Item {
  readonly id: string
  /** Null: of an id that nothing is remembered of. */
  readonly type: string | null
  readonly status: Status | null
  readonly atMs: number | null
  readonly error: RecordedFailure | null
  /** It was redriven before; to discard, of those that are named, also discarded. */
  readonly isAlready: boolean
}

/** A page of what matches. */
export interface ItemPage {
  readonly items: readonly Item[]
  /** How many were looked at for it. */
  readonly lookedAt: number
  /** Null: this was the last. */
  readonly next: Position | null
  /** What is acted on leaves this list, and what stands behind it moves up: so the page is asked for again. */
  readonly isShifting: boolean
}

/** Ids that are looked up at the same time. */
const LOOKUPS_AT_ONCE = 16

/** Reads the page at a position. Throws what the storage says. */
export async function readItems(
  storage: Storage,
  { kind, filter }: Pick<Operation, 'kind' | 'filter'>,
  position: Position,
): Promise<ItemPage> {
  if (filter.ids !== null) return namedItems(storage, kind, filter.ids, position)
  const status = filter.statuses[position.stage]
  if (status === undefined) return { items: [], lookedAt: 0, next: null, isShifting: false }
  const page = await readPage(storage, status, filter.type, position.cursor)
  const items = page.items.filter(each => matches(filter, each)).map(itemOf)
  const isLast = page.cursor === null && position.stage + 1 >= filter.statuses.length
  const next =
    page.cursor === null ? { stage: position.stage + 1, cursor: null } : { stage: position.stage, cursor: page.cursor }
  return {
    items,
    lookedAt: page.items.length,
    next: isLast ? null : next,
    // Out of what Redis keeps, pages are counted from the first; those out of the log never shift.
    isShifting: kind === 'cancel' && (status === 'scheduled' || status === 'running'),
  }
}

function readPage(
  storage: Storage,
  status: Status,
  type: string | null,
  cursor: string | null,
): Promise<Page<ActivitySummary | DeadLetterSummary>> {
  const params = { cursor, limit: LIMITS.pageItemsMax, ...(type === null ? {} : { type }) }
  return status === 'dead_letter' ? storage.listDeadLetters(params) : storage.list({ ...params, status })
}

function matches(filter: ResolvedFilter, summary: ActivitySummary | DeadLetterSummary): boolean {
  const atMs = timeOf(summary)
  if (filter.type !== null && summary.type !== filter.type) return false
  // Operations are named, or left alone: one that cancels everything would end itself.
  if (filter.type === null && summary.type === OPERATION_TYPE) return false
  if (filter.afterMs !== null && atMs < filter.afterMs) return false
  if (filter.beforeMs !== null && atMs >= filter.beforeMs) return false
  return filter.fingerprint === null || fingerprintOf(summary) === filter.fingerprint
}

/** What has ended goes by its end, everything else by its creation. */
function timeOf(summary: ActivitySummary | DeadLetterSummary): number {
  if ('failedAtMs' in summary) return summary.failedAtMs
  return summary.endedAtMs ?? summary.createdAtMs
}

function fingerprintOf(summary: ActivitySummary | DeadLetterSummary): string | null {
  if ('fingerprint' in summary) return summary.fingerprint
  return summary.error === null ? null : failureFingerprint(summary.error)
}

function itemOf(summary: ActivitySummary | DeadLetterSummary): Item {
  const { id, type, status, error } = summary
  const isAlready = 'redrivenAs' in summary && summary.redrivenAs !== null
  return { id, type, status, atMs: timeOf(summary), error, isAlready }
}

async function namedItems(
  storage: Storage,
  kind: OperationKind,
  ids: readonly string[],
  { cursor }: Position,
): Promise<ItemPage> {
  const from = cursor === null ? 0 : Number(cursor)
  const to = Math.min(ids.length, from + LIMITS.pageItemsMax)
  const items: Item[] = []
  for (let at = from; at < to; at += LOOKUPS_AT_ONCE) {
    const some = ids.slice(at, Math.min(to, at + LOOKUPS_AT_ONCE))
    items.push(...(await Promise.all(some.map(id => namedItem(storage, kind, id)))))
  }
  const next = to < ids.length ? { stage: 0, cursor: String(to) } : null
  return { items, lookedAt: items.length, next, isShifting: false }
}

/** Of an id that nothing is remembered of, the act itself says why. */
async function namedItem(storage: Storage, kind: OperationKind, id: string): Promise<Item> {
  const snapshot = await storage.getActivity({ id })
  if (snapshot === null) return { id, type: null, status: null, atMs: null, error: null, isAlready: false }
  const { type, status, lastError, redrivenAs, discarded } = snapshot
  const isAlready = redrivenAs !== null || (kind === 'discard' && discarded !== null)
  return { id, type, status, atMs: timeOf(snapshot), error: lastError, isAlready }
}
