// Pages out of the log, newest first: per partition from the end backwards in windows, merged by time. The cursor is the
// list of offsets per partition, so a page never shifts under new records.

import { ErrandError } from '../../core/errors.ts'
import { READING_LIMITS } from '../../core/limits.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'

/** A stretch of a partition: from `low` (included) to `high` (not). */
export interface Stretch {
  readonly topic: string
  readonly partition: number
  readonly low: number
  readonly high: number
}

/** Something to show, with the time that it is sorted by. */
export interface Dated<T> {
  readonly atMs: number
  readonly item: T
}

interface Column<T> {
  readonly stretch: Stretch
  /** Everything from here on was shown or passed over. */
  upTo: number
  /** Read below it and not shown yet, newest first. */
  waiting: (Dated<T> & { readonly offset: number })[]
  /** Where the window read so far begins. */
  readFrom: number
}

/** One page. `select` turns a window's records into what is shown, null for what is not. */
export async function backwardPage<T>(
  reader: LogReader,
  params: {
    readonly stretches: readonly Stretch[]
    readonly cursor: string | null
    readonly limit: number
    readonly select: (records: readonly LogRecord[]) => Promise<readonly (Dated<T> | null)[]>
  },
): Promise<{ items: T[]; cursor: string | null }> {
  const offsets = params.cursor === null ? null : parseCursor(params.cursor, params.stretches)
  const columns = params.stretches.map((stretch): Column<T> => {
    const known = offsets === null ? stretch.high : (offsets.get(nameOf(stretch)) ?? stretch.low)
    const upTo = Math.min(stretch.high, Math.max(stretch.low, known))
    return { stretch, upTo, waiting: [], readFrom: upTo }
  })
  const items: T[] = []
  for (let round = 0; round < READING_LIMITS.windowsMax && items.length < params.limit; round++) {
    const hungry = columns.filter(column => column.waiting.length === 0 && column.readFrom > column.stretch.low)
    await Promise.all(
      hungry.map(column =>
        fill(reader, column, Math.max(READING_LIMITS.windowRecordsMin, params.limit), params.select),
      ),
    )
    merge(columns, items, params.limit)
    if (columns.every(column => column.waiting.length === 0 && column.readFrom <= column.stretch.low)) break
  }
  const isOver = columns.every(column => column.upTo <= column.stretch.low)
  return { items, cursor: isOver ? null : cursorOf(columns) }
}

async function fill<T>(
  reader: LogReader,
  column: Column<T>,
  window: number,
  select: (records: readonly LogRecord[]) => Promise<readonly (Dated<T> | null)[]>,
): Promise<void> {
  const { topic, partition, low } = column.stretch
  const from = Math.max(low, column.readFrom - window)
  const records: LogRecord[] = []
  await reader.scan({
    topic,
    partition,
    from,
    to: column.readFrom,
    maxRecords: column.readFrom - from,
    onRecord: record => void records.push(record),
  })
  const selected = await select(records)
  column.waiting = records
    .flatMap((record, at) => {
      const dated = selected[at]
      return dated === null || dated === undefined ? [] : [{ ...dated, offset: record.offset }]
    })
    .reverse()
  column.readFrom = from
  if (column.waiting.length === 0) column.upTo = from
}

// Takes the newest head as long as every partition that could hold a newer one has been read.
function merge<T>(columns: readonly Column<T>[], items: T[], limit: number): void {
  while (items.length < limit) {
    if (columns.some(column => column.waiting.length === 0 && column.readFrom > column.stretch.low)) return
    let newest: Column<T> | undefined
    for (const column of columns) {
      const [head] = column.waiting
      const best = newest?.waiting[0]
      if (head !== undefined && (best === undefined || head.atMs > best.atMs)) newest = column
    }
    const head = newest?.waiting.shift()
    if (newest === undefined || head === undefined) return
    items.push(head.item)
    newest.upTo = newest.waiting.length === 0 ? newest.readFrom : head.offset
  }
}

function cursorOf<T>(columns: readonly Column<T>[]): string {
  const offsets = Object.fromEntries(columns.map(({ stretch, upTo }) => [nameOf(stretch), upTo]))
  return Buffer.from(JSON.stringify(offsets)).toString('base64url')
}

function nameOf({ topic, partition }: Stretch): string {
  return `${topic}/${partition}`
}

/** One that names none of the partitions is of another list, or of nobody: as a page it would be an empty last one. */
function parseCursor(cursor: string, stretches: readonly Stretch[]): ReadonlyMap<string, number> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      const offsets = new Map(Object.entries(parsed))
      const isOurs = stretches.length === 0 || stretches.some(stretch => offsets.has(nameOf(stretch)))
      if (isOurs && [...offsets.values()].every(offset => Number.isSafeInteger(offset) && offset >= 0)) return offsets
    }
  } catch {
    // not ours: refused below
  }
  throw new ErrandError(
    'invalid_argument',
    'cursor is not one that a page gave; leave it out to begin at the newest.',
    {
      details: { field: 'cursor' },
    },
  )
}
