// `errand list`: activities by status, newest first, a page of them or all. Pages are shown as they come, so that a list of any
// length takes the memory of one page.

import { STATUSES } from '../../core/activity.ts'
import type { Status } from '../../core/activity.ts'
import { aborted } from '../../core/clock.ts'
import { CLI_LIMITS, LIMITS } from '../../core/limits.ts'
import type { ActivitySummary, Storage } from '../../storage/storage.ts'
import { activityColumns } from '../activity-text.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { openStorage } from '../open-storage.ts'
import { typeValue, wholeNumber } from '../option-values.ts'

interface Options {
  readonly status?: Status
  readonly type?: string
  readonly limit?: number
  readonly cursor?: string
  readonly all?: boolean
}

/** A place in the lists: which status, and where in it. */
interface Place {
  readonly status: Status
  readonly cursor: string | null
}

const DEFAULT_LIMIT = 50

/** The command. */
export const listCommand = defineCommand<Options>({
  name: 'list',
  summary: 'activities by status, newest first',
  description: `Without --status: all statuses, one after the other. What waits and what has ended is read from Kafka page by page, what is
scheduled and running from Redis; a list of what moves meanwhile may lack one or show one twice.`,
  section: 'Activities',
  options: [
    { flags: '--status <status>', help: 'only these', choices: STATUSES },
    { flags: '--type <type>', help: 'only of this type', parse: typeValue },
    {
      flags: '--limit <n>',
      help: `at most so many (${DEFAULT_LIMIT})`,
      parse: wholeNumber('--limit', 1, CLI_LIMITS.listItemsMax),
    },
    { flags: '--cursor <cursor>', help: 'go on where an earlier list ended; give the same --status and --type' },
    {
      flags: '--all',
      help: `all of them, as they come; with -o json ${CLI_LIMITS.listItemsMax.toLocaleString('en-US')} at most`,
    },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ items: [{ id, type, status, priority, attempt, maxAttempts, createdAtMs, scheduledAtMs, startedAtMs, endedAtMs, worker,
error }], cursor }\`; \`cursor\` is for the next page, or null.`,
  examples: [
    'errand list --status running',
    'errand list --status dead_letter --type send-invoice --all -o jsonl | jq .error.message',
  ],
  async run(call, options) {
    if (options.all === true && options.limit !== undefined) throw usage('give --all or --limit, not both.', '--all')
    const start = placeOf(options)
    await using storage = await openStorage(call)
    const pages = pagesOf(storage, options, start)
    await (isOneDocument(call, options) ? showAtOnce(call, pages, options) : showAsTheyCome(call, pages, options))
    return EXIT_CODES.ok
  },
})

function placeOf({ status, cursor }: Options): Place {
  if (cursor === undefined) return { status: status ?? STATUSES[0], cursor: null }
  const at = cursor.indexOf(':')
  const named = STATUSES.find(each => each === cursor.slice(0, at))
  if (named === undefined || (status !== undefined && named !== status)) {
    throw usage('--cursor is not one that such a list gave; leave it out to begin at the first.', '--cursor')
  }
  return { status: named, cursor: cursor.slice(at + 1) || null }
}

interface ShownPage {
  readonly items: readonly ActivitySummary[]
  /** Where the list goes on; null: this was its end. */
  readonly cursor: string | null
}

async function* pagesOf(storage: Storage, options: Options, start: Place): AsyncGenerator<ShownPage> {
  let left = options.all === true ? Number.POSITIVE_INFINITY : (options.limit ?? DEFAULT_LIMIT)
  let place: Place | null = start
  while (place !== null && left > 0) {
    const limit = Math.min(left, LIMITS.pageItemsMax)
    const params = options.type === undefined ? { ...place, limit } : { ...place, limit, type: options.type }
    const { items, cursor } = await storage.list(params)
    left -= items.length
    place = cursor === null ? nextStatus(place, options) : { status: place.status, cursor }
    yield { items, cursor: place === null ? null : `${place.status}:${place.cursor ?? ''}` }
  }
}

function nextStatus({ status }: Place, options: Options): Place | null {
  const next = options.status === undefined ? STATUSES[STATUSES.indexOf(status) + 1] : undefined
  return next === undefined ? null : { status: next, cursor: null }
}

/** A document has a bound, and so has a table whose columns are as wide as what stands in them. */
function isOneDocument({ output }: Invocation, { all }: Options): boolean {
  return output.format === 'json' || (output.format === 'text' && all !== true)
}

async function showAtOnce(call: Invocation, pages: AsyncIterable<ShownPage>, options: Options): Promise<void> {
  const items: ActivitySummary[] = []
  let cursor: string | null = null
  for await (const page of pages) {
    if (call.terminal.signal.aborted) throw aborted(call.terminal.signal)
    items.push(...page.items)
    cursor = page.cursor
    if (items.length >= CLI_LIMITS.listItemsMax) break
  }
  const { output } = call
  await output.items(items, { columns: activityColumns(output), empty: emptyText(options), rest: { cursor } })
  sayMore(call, cursor)
}

async function showAsTheyCome(call: Invocation, pages: AsyncIterable<ShownPage>, options: Options): Promise<void> {
  const { output, terminal } = call
  const shape = { columns: activityColumns(output), empty: '' }
  let shown = 0
  for await (const page of pages) {
    if (terminal.signal.aborted) throw aborted(terminal.signal)
    if (page.items.length > 0) await output.items(page.items, shape)
    shown += page.items.length
  }
  if (shown === 0 && output.format === 'text') await output.line(null, () => emptyText(options))
}

/** On stderr, so that what reads the table is not disturbed. */
function sayMore({ output, terminal }: Invocation, cursor: string | null): void {
  if (cursor !== null && output.format === 'text') terminal.err(`There may be more: --cursor '${cursor}', or --all.\n`)
}

function emptyText({ status, type }: Options): string {
  const which = status === undefined ? 'No activities' : `No ${status} activities`
  return `${which}${type === undefined ? '' : ` of type ${type}`}.`
}
