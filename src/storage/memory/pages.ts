// Pages by cursor, newest first. A cursor names the last item that was given, not a position, so that what comes in
// between two pages neither repeats nor hides anything.

import type { Status } from '../../core/activity.ts'
import { STATUSES, isTerminal } from '../../core/activity.ts'
import { ErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkType } from '../../core/names.ts'
import { checkInteger, describe } from '../../core/text.ts'
import type { ListParams, Page } from '../storage.ts'
import type { Entry } from './entry.ts'

/** A page unless the caller says otherwise. */
const PAGE_ITEMS_DEFAULT = 50
const CURSOR = /^(\d{1,16}):([A-Za-z0-9._:~-]{1,128})$/

interface Place {
  readonly atMs: number
  readonly id: string
}

/** One page of the entries of a status. Throws `invalid_argument` naming `limit`, `type` or `cursor`. */
export function pageOf<T>(
  entries: Iterable<Entry>,
  params: Readonly<Omit<ListParams, 'status'>>,
  show: (entry: Entry) => T,
): Page<T> {
  const { limit: given = PAGE_ITEMS_DEFAULT, type } = params
  const limit = checkInteger('limit', given, 1, LIMITS.pageItemsMax)
  if (type !== undefined) checkType(type)
  const after = params.cursor === undefined || params.cursor === null ? null : parseCursor(params.cursor)
  const found: { readonly entry: Entry; readonly place: Place }[] = []
  for (const entry of entries) {
    if (type !== undefined && entry.activity.type !== type) continue
    const place = placeOf(entry)
    if (after === null || comparePlaces(place, after) > 0) found.push({ entry, place })
  }
  found.sort((a, b) => comparePlaces(a.place, b.place))
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(({ entry }) => show(entry)),
    cursor: last === undefined || shown.length === found.length ? null : formatCursor(last.place),
  }
}

/** What has ended is listed by its end, everything else by its creation. */
function placeOf(entry: Entry): Place {
  const atMs = isTerminal(entry.status) ? entry.endedAtMs : null
  return { atMs: atMs ?? entry.activity.createdAtMs, id: entry.activity.id }
}

function comparePlaces(a: Place, b: Place): number {
  if (a.atMs !== b.atMs) return b.atMs - a.atMs
  return a.id === b.id ? 0 : a.id > b.id ? -1 : 1
}

function formatCursor(place: Place): string {
  return Buffer.from(`${place.atMs}:${place.id}`, 'utf8').toString('base64url')
}

function parseCursor(cursor: unknown): Place {
  const text = typeof cursor === 'string' ? cursor.slice(0, 512) : ''
  const match = CURSOR.exec(Buffer.from(text, 'base64url').toString('utf8'))
  const [, atMs, id] = match ?? []
  if (atMs === undefined || id === undefined) {
    throw new ErrandError(
      'invalid_argument',
      'cursor is not one that a page before gave; leave it out to begin anew.',
      {
        details: { field: 'cursor' },
      },
    )
  }
  return { atMs: Number(atMs), id }
}

/** Checks a status. Throws `invalid_argument` naming `status`. */
export function checkStatus(value: Status): Status {
  if (STATUSES.includes(value)) return value
  throw new ErrandError('invalid_argument', `status is ${describe(value)}; it must be one of ${STATUSES.join(', ')}.`, {
    details: { field: 'status', received: describe(value), allowed: STATUSES },
  })
}
