// Lines of input as activities to enqueue: what a line may say, and batches of lines that are bounded in number and bytes.
//
//   {"payload": …, "key": "a", "priority": "high"}     or, raw: the payload itself

import type { EnqueueItem } from '../client/client.ts'
import type { EnqueueOptions } from '../client/submission.ts'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { ErrandError, fromUnknown, saidBy } from '../core/errors.ts'
import { isDeeperThan } from '../core/json-text.ts'
import { CLI_LIMITS, LIMITS } from '../core/limits.ts'
import { checkType } from '../core/names.ts'
import { describe } from '../core/text.ts'
import { readLines } from './driver-lines.ts'
import { parseExact } from '../core/exact-json.ts'
import { timeValue } from './option-values.ts'

/** An activity of a line. */
export interface LineItem {
  readonly type: string
  readonly item: EnqueueItem<unknown>
}

/** A line of input: what it asks for, or why that cannot be. */
export type Line = { readonly number: number } & (LineItem | { readonly error: ErrandError })

/** What holds for lines that do not say otherwise. */
export interface LineDefaults {
  readonly type: string
  /** Each line is the payload. */
  readonly isRaw: boolean
  readonly options: EnqueueOptions
}

/** What a line may say beside its payload and its type. */
const OPTION_FIELDS = [
  'key',
  'onDuplicate',
  'priority',
  'delayMs',
  'scheduledAt',
  'maxAttempts',
  'timeoutMs',
  'metadata',
  'id',
]
const FIELDS = ['payload', 'type', ...OPTION_FIELDS]
/** Between the brackets of a line and its payload's. */
const DEPTH_MAX = LIMITS.jsonDepthMax + 2

/** So long a line waits at most for others to travel with: input that comes slowly must not stand still. */
const BATCH_WAIT_MS = 100

/**
 * Batches of lines, as they come: as many as may travel at once, or as many bytes, or what came in a tenth of a second. Blank lines
 * are passed over. Whoever ends early destroys the input.
 */
export async function* lineBatches(
  input: AsyncIterable<Uint8Array>,
  defaults: LineDefaults,
  clock: Clock = systemClock,
): AsyncGenerator<readonly Line[]> {
  const lines = numberedLines(input)
  let next = lines.next()
  for (;;) {
    const first = await next
    if (first.done === true) return
    const batch = new LineBatch(defaults)
    batch.add(first.value)
    next = lines.next()
    const done = new AbortController()
    const late = clock.sleep(BATCH_WAIT_MS, { signal: done.signal }).catch(() => undefined) // the batch is full, or the input over
    while (!batch.isFull) {
      const more = await Promise.race([next, late])
      if (more === undefined || more.done === true) break
      batch.add(more.value)
      next = lines.next()
    }
    done.abort()
    // Its failure is told by the turn that waits for it.
    next.catch(() => undefined)
    yield batch.lines
  }
}

type Numbered = { readonly number: number } & ({ readonly text: string } | { readonly error: ErrandError })

async function* numberedLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Numbered, undefined> {
  let number = 0
  for await (const read of readLines(input)) {
    number += 1
    if ('error' in read) yield { number, error: read.error }
    else {
      // A byte order mark belongs to the file, not to its first line.
      const text = number === 1 ? read.text.replace(/^\uFEFF/, '') : read.text
      if (text.trim() !== '') yield { number, text }
    }
  }
  return undefined
}

class LineBatch {
  readonly lines: Line[] = []
  readonly #defaults: LineDefaults
  #chars = 0

  constructor(defaults: LineDefaults) {
    this.#defaults = defaults
  }

  get isFull(): boolean {
    return this.lines.length >= CLI_LIMITS.enqueueLinesMax || this.#chars >= CLI_LIMITS.enqueueBytesMax
  }

  add(read: Numbered): void {
    const { number } = read
    if ('error' in read) this.lines.push({ number, error: read.error })
    else this.lines.push({ number, ...readLine(read.text, this.#defaults) })
    if ('text' in read) this.#chars += read.text.length
  }
}

/** What a line asks for. Never throws. */
export function readLine(text: string, defaults: LineDefaults): LineItem | { readonly error: ErrandError } {
  try {
    const value = parsed(text)
    if (defaults.isRaw)
      return { type: defaults.type, item: { input: value, options: withoutIdleDuplicate(defaults.options) } }
    return itemOf(value, defaults)
  } catch (error) {
    return { error: fromUnknown(error, 'invalid_argument') }
  }
}

function parsed(text: string): unknown {
  // Parsing what is nested without end would end in an overflow of the stack.
  if (isDeeperThan(text, DEPTH_MAX))
    throw refusal('line', `the line is nested more than ${LIMITS.jsonDepthMax} levels deep; flatten it.`)
  try {
    return parseExact(text)
  } catch (error) {
    throw new ErrandError('invalid_argument', `the line is not JSON: ${saidBy(error)}`, {
      details: { field: 'line' },
      cause: error,
    })
  }
}

function itemOf(value: unknown, defaults: LineDefaults): LineItem {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, 'payload')) {
    throw refusal('payload', 'the line must be an object with a payload; with --raw each line is the payload.')
  }
  const given: Readonly<Record<string, unknown>> = { ...value }
  const strange = Object.keys(given).find(name => !FIELDS.includes(name))
  if (strange !== undefined) {
    throw refusal(strange, `there is no field ${describe(strange)}; known are ${FIELDS.join(', ')}.`)
  }
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => OPTION_FIELDS.includes(name)))
  const type = given['type'] === undefined ? defaults.type : checkType(given['type'])
  return { type, item: { input: given['payload'], options: merged(defaults.options, own) } }
}

/** What the line says goes before what holds for all; one way of saying when replaces the other. Values are checked where all are. */
function merged(defaults: EnqueueOptions, own: Readonly<Record<string, unknown>>): EnqueueOptions {
  const { delayMs, scheduledAt, ...rest } = defaults
  const saysWhen = own['delayMs'] !== undefined || own['scheduledAt'] !== undefined
  const when = saysWhen ? {} : { delayMs, scheduledAt }
  const metadata = own['metadata'] === undefined ? rest.metadata : own['metadata']
  const ownWhen = own['scheduledAt'] === undefined ? {} : { scheduledAt: dateOf(own['scheduledAt']) }
  // What JSON holds is what callers without types hand in: the client checks each.
  return withoutIdleDuplicate({ ...rest, ...when, ...own, ...ownWhen, metadata } as EnqueueOptions)
}

/** What to do with duplicates is said for all lines, and holds for those with a key. */
function withoutIdleDuplicate({ onDuplicate, ...options }: EnqueueOptions): EnqueueOptions {
  return options.key === undefined ? options : { ...options, onDuplicate }
}

/** Ms since 1970, as answers show times, or ISO 8601. */
function dateOf(value: unknown): Date {
  if (typeof value === 'number') return new Date(value)
  if (typeof value === 'string') return new Date(timeValue('scheduledAt')(value))
  throw refusal(
    'scheduledAt',
    `scheduledAt is ${describe(value)}; it must be a time such as 2026-11-29T14:03:57Z, or ms since 1970.`,
  )
}

function refusal(field: string, text: string): ErrandError {
  return new ErrandError('invalid_argument', text, { details: { field } })
}
