// Dead letters as several commands go through them: filtered, newest first, page by page, and how one is shown.

import { aborted } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { DeadLetterSummary, Storage } from '../storage/storage.ts'
import { usage } from './command.ts'
import type { OptionSpec } from './command.ts'
import { timeOrAgo, typeValue } from './option-values.ts'

/** Values of {@link DEAD_LETTER_FILTER}. */
export interface DeadLetterFilter {
  readonly type?: string
  readonly fingerprint?: string
  /** Ms since 1970. */
  readonly after?: number
  readonly before?: number
}

/** Options that say which dead letters. */
export const DEAD_LETTER_FILTER: readonly OptionSpec[] = [
  { flags: '--type <type>', help: 'only of this type', parse: typeValue },
  { flags: '--fingerprint <hex>', help: 'only of this group, as `dlq groups` shows it', parse: fingerprintValue },
  {
    flags: '--after <time>',
    help: 'that died then or later: a time, or how long ago, such as 2h',
    parse: timeOrAgo('--after'),
  },
  { flags: '--before <time>', help: 'that died earlier', parse: timeOrAgo('--before') },
]

/** The option that shows also those that were discarded. */
export const INCLUDE_DISCARDED: OptionSpec = {
  flags: '--include-discarded',
  help: 'also those that were discarded (`dlq discard`)',
}

/** A page of those that match. */
export interface DeadLetterPage {
  readonly items: readonly DeadLetterSummary[]
  readonly lookedAt: number
  /** Where to go on; null: at the end. */
  readonly cursor: string | null
}

/** What {@link deadLetterPages} goes through. */
export interface DeadLetterPagesParams {
  readonly filter: DeadLetterFilter
  readonly cursor: string | null
  /** At most so many that match. */
  readonly limit: number
  readonly signal: AbortSignal
  /** With their payloads; pages are small then. @defaultValue false */
  readonly withActivity?: boolean
  /** Also those that were discarded. @defaultValue false */
  readonly includeDiscarded?: boolean
}

/** Goes through dead letters. A page's cursor goes on exactly behind it. Throws `cancelled` when the signal aborts. */
export async function* deadLetterPages(
  storage: Storage,
  { filter, cursor, limit, signal, withActivity = false, includeDiscarded = false }: DeadLetterPagesParams,
): AsyncGenerator<DeadLetterPage, void, undefined> {
  const { type, after } = filter
  let left = limit
  let at = cursor
  do {
    if (signal.aborted) throw aborted(signal)
    // No more than are still wanted: were all of them to match, none is passed over.
    const limitMax = withActivity ? WHOLE_PAGE_ITEMS : LIMITS.pageItemsMax
    const params = {
      ...{ cursor: at, limit: Math.min(left, limitMax), withActivity, includeDiscarded },
      ...(type === undefined ? {} : { type }),
    }
    const page = await storage.listDeadLetters(params)
    const items = page.items.filter(letter => matches(filter, letter))
    const oldest = page.items.at(-1)
    // What follows is older still.
    const isPast = after !== undefined && oldest !== undefined && oldest.failedAtMs < after - SKEW_MS
    at = isPast ? null : page.cursor
    left -= items.length
    yield { items, lookedAt: page.items.length, cursor: at }
  } while (at !== null && left > 0)
}

/** With payloads of up to 900 KiB each. */
const WHOLE_PAGE_ITEMS = 50

/** Pages are sorted by time across partitions; within one, records may stand in another order than they died. */
const SKEW_MS = 60_000

function matches({ fingerprint, after, before }: DeadLetterFilter, letter: DeadLetterSummary): boolean {
  if (fingerprint !== undefined && letter.fingerprint !== fingerprint) return false
  if (after !== undefined && letter.failedAtMs < after) return false
  return before === undefined || letter.failedAtMs < before
}

function fingerprintValue(text: string): string {
  if (/^[0-9a-f]{16}$/.test(text)) return text
  throw usage(`--fingerprint is ${JSON.stringify(text.slice(0, 100))}; it must be 16 hex digits.`, '--fingerprint')
}
