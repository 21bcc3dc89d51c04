// A search through what is remembered, for text in ids, errors, keys, metadata and payloads. There is no index: it reads, newest
// first, so many activities or so long, and says how far it looked; the cursor goes on from there.

import type { Status } from '../core/activity.ts'
import { STATUSES } from '../core/activity.ts'
import { ErrandError } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { ActivitySummary, Storage } from '../storage/storage.ts'
import { payloadView } from './activity-view.ts'
import { briefed } from './brief-failure.ts'
import type { ResolvedConsoleOptions } from './console-options.ts'
import { redactedActivity, withRedactedError } from './redaction.ts'

/** What is searched for. */
export interface SearchParams {
  readonly text: string
  readonly type?: string | undefined
  /** @defaultValue all, one after the other */
  readonly status?: Status | undefined
  /** Ended, or else created, then or later. Unit: ms since the epoch. */
  readonly fromMs?: number | undefined
  /** The same, earlier. */
  readonly toMs?: number | undefined
  readonly cursor?: string | undefined
  readonly signal: AbortSignal
}

/** What was found, and how far it was looked. */
export interface SearchPage {
  readonly items: readonly ActivitySummary[]
  readonly cursor: string | null
  readonly lookedAt: number
  readonly fromMs: number | null
  readonly toMs: number | null
  readonly isComplete: boolean
}

type SearchOptions = Pick<ResolvedConsoleOptions, 'storage' | 'clock' | 'redactPayload' | 'logger'>

/** A place in the lists: which status, and the cursor of its page. */
interface Place {
  readonly stage: number
  readonly cursor: string | null
}

const PAGE_ITEMS = 50

/** Looks on from a place. Throws `invalid_argument` for a cursor that no search gave. */
export async function searchActivities(options: SearchOptions, params: SearchParams): Promise<SearchPage> {
  const { storage, clock } = options
  const statuses = params.status === undefined ? STATUSES : [params.status]
  const untilMs = clock.monotonicMs() + CONSOLE_LIMITS.searchMsMax
  const found = new Map<string, ActivitySummary>()
  const times: number[] = []
  let place: Place | null = params.cursor === undefined ? { stage: 0, cursor: null } : placeOf(params.cursor, statuses)
  while (place !== null && times.length < CONSOLE_LIMITS.searchLookedAtMax && clock.monotonicMs() < untilMs) {
    if (params.signal.aborted) break
    const status: Status | undefined = statuses[place.stage]
    if (status === undefined) break
    const page = await pageOf(storage, { status, type: params.type, cursor: place.cursor })
    for (const item of page.items) times.push(timeOf(item))
    for (const item of await matching(options, params, page.items)) found.set(item.id, item)
    place = nextPlace({ place, statuses, cursor: isPast(params, status, page.items) ? null : page.cursor })
  }
  return {
    items: [...found.values()].map(item => briefed(withRedactedError(options, summaryOf(item), item.type))),
    cursor: place === null ? null : Buffer.from(JSON.stringify(place)).toString('base64url'),
    lookedAt: times.length,
    fromMs: times.length === 0 ? null : Math.min(...times),
    toMs: times.length === 0 ? null : Math.max(...times),
    isComplete: place === null,
  }
}

function pageOf(
  storage: Storage,
  {
    status,
    type,
    cursor,
  }: { readonly status: Status; readonly type: string | undefined; readonly cursor: string | null },
): ReturnType<Storage['list']> {
  const params = { cursor, limit: PAGE_ITEMS, ...(type === undefined ? {} : { type }) }
  return status === 'dead_letter' ? storage.listDeadLetters(params) : storage.list({ ...params, status })
}

function nextPlace(at: { place: Place; statuses: readonly Status[]; cursor: string | null }): Place | null {
  if (at.cursor !== null) return { stage: at.place.stage, cursor: at.cursor }
  const stage = at.place.stage + 1
  return stage < at.statuses.length ? { stage, cursor: null } : null
}

/** Lists of what has ended come newest first: nothing behind this page is new enough. */
function isPast({ fromMs }: SearchParams, status: Status, items: readonly ActivitySummary[]): boolean {
  if (fromMs === undefined || items.length === 0 || status === 'scheduled' || status === 'running') return false
  return items.every(item => timeOf(item) < fromMs)
}

async function matching(
  options: SearchOptions,
  params: SearchParams,
  items: readonly ActivitySummary[],
): Promise<ActivitySummary[]> {
  const { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = params
  const inTime = items.filter(item => timeOf(item) >= fromMs && timeOf(item) < toMs)
  const verdicts: boolean[] = []
  for (let at = 0; at < inTime.length; at += CONSOLE_LIMITS.lookupsAtOnce) {
    const some = inTime.slice(at, at + CONSOLE_LIMITS.lookupsAtOnce)
    verdicts.push(...(await Promise.all(some.map(item => matches(options, params, item)))))
  }
  return inTime.filter((_, at) => verdicts[at] === true)
}

async function matches(
  options: SearchOptions,
  { text, signal }: SearchParams,
  item: ActivitySummary,
): Promise<boolean> {
  const wanted = comparable(text)
  const has = (one: string | null | undefined): boolean => one != null && comparable(one).includes(wanted)
  // What is hidden is not found either: else its letters could be guessed one by one.
  const { id, type, worker, error } = withRedactedError(options, item, item.type)
  if ([id, type, worker, error?.name, error?.message, error?.code].some(has)) return true
  if (signal.aborted) return false
  const snapshot = await options.storage.getActivity({ id })
  if (snapshot === null) return false
  const { key, metadata } = redactedActivity(options, snapshot)
  if (has(key) || Object.entries(metadata).some(entry => entry.some(has))) return true
  return has(options.redactPayload === null ? snapshot.payloadJson : JSON.stringify(payloadView(options, snapshot)))
}

/** Without case, and without white space that says nothing: `{"a": 1}` is copied from pages, `{"a":1}` is what was enqueued. */
function comparable(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{}[\]:,]) ?/g, '$1')
}

/** Dead letters say more in their own list. */
function summaryOf(item: ActivitySummary): ActivitySummary {
  const { id, type, status, priority, attempt, maxAttempts, createdAtMs, scheduledAtMs, startedAtMs } = item
  const { endedAtMs, worker, error } = item
  return {
    ...{ id, type, status, priority, attempt, maxAttempts, createdAtMs, scheduledAtMs, startedAtMs },
    ...{ endedAtMs, worker, error },
  }
}

/** What has ended goes by its end, everything else by its creation. */
function timeOf({ endedAtMs, createdAtMs }: ActivitySummary): number {
  return endedAtMs ?? createdAtMs
}

function placeOf(cursor: string, statuses: readonly Status[]): Place {
  try {
    const place: Partial<Place> = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const { stage, cursor: inner } = place
    const isStage = Number.isInteger(stage) && stage !== undefined && stage >= 0 && stage < statuses.length
    if (isStage && (inner === null || typeof inner === 'string')) return { stage, cursor: inner }
  } catch {
    // not ours: refused below
  }
  throw new ErrandError('invalid_argument', 'cursor is not one that a search gave; leave it out to begin anew.', {
    details: { field: 'cursor' },
  })
}
