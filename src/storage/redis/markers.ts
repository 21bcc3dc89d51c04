// Markers as they are read: what Redis knows of an activity, and the counts beside them.

import type { Activity, AttemptOutcome, ErrorResultType, RecordedFailure, StoredResult } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import type { ErrorResultParts } from '../../core/error-result.ts'
import { errorResult } from '../../core/error-result.ts'
import { ErrandError } from '../../core/errors.ts'
import type { Priority } from '../../core/priority.ts'
import { delayKey } from '../../core/topics.ts'
import { countField, endedCountsTtlMs } from './attempts.ts'
import { ENDED_BUCKET_MS } from './keys.ts'
import type { SideStore } from './side-store.ts'

/** A marker. */
export interface Marker {
  readonly id: string
  /** `running`, `reaping`, `pending`, `scheduled` or a terminal status. */
  readonly status: string
  readonly attempt: number
  /** The live lease: a worker's, or a reaper's token. */
  readonly leaseId: string | null
  readonly worker: string | null
  readonly deadlineMs: number | null
  readonly startedAtMs: number | null
  readonly envelope: string | null
  readonly cancelRequested: boolean
  readonly type: string
  readonly priority: Priority
  readonly key: string | null
  /** How the latest settled attempt ended. */
  readonly settled: {
    readonly attempt: number
    readonly outcome: AttemptOutcome
    readonly endedAtMs: number
    readonly dueAtMs: number | null
    readonly leaseId: string | null
  } | null
  readonly error: RecordedFailure | null
  readonly result: StoredResult | null
  readonly redrivenAs: string | null
}

const FIELDS = [
  's',
  'n',
  'l',
  'w',
  'd',
  'b',
  'e',
  'c',
  'tp',
  'k',
  'sn',
  'so',
  't',
  'sa',
  'sl',
  'er',
  'r',
  'rd',
] as const

/** Reads markers; null where there is none. One round trip. */
export async function readMarkers(store: SideStore, ids: readonly string[]): Promise<(Marker | null)[]> {
  if (ids.length === 0) return []
  const pipeline = store.main.redis.pipeline()
  for (const id of ids) pipeline.hmget(store.keys.marker(id), ...FIELDS)
  const replies = await store.main.guard('markers', () => pipeline.exec())
  return ids.map((id, at) => {
    const [error, values] = replies?.[at] ?? [new Error('no reply'), null]
    if (error !== null) throw store.main.translate(error, 'markers')
    return toMarker(id, values as (string | null)[])
  })
}

function toMarker(id: string, values: readonly (string | null)[]): Marker | null {
  const field = (name: (typeof FIELDS)[number]): string | null => values[FIELDS.indexOf(name)] ?? null
  const status = field('s')
  if (status === null) return null
  const [type = '', priority = 'normal'] = (field('tp') ?? '').split('|')
  const outcome = field('so')
  return {
    id,
    status,
    attempt: Number(field('n')),
    leaseId: field('l'),
    worker: field('w'),
    deadlineMs: numberOf(field('d')),
    startedAtMs: numberOf(field('b')),
    envelope: field('e'),
    cancelRequested: field('c') !== null,
    type,
    priority: priority as Priority,
    key: field('k') === '' ? null : field('k'),
    settled:
      outcome === null
        ? null
        : {
            attempt: Number(field('sn')),
            outcome: outcome as AttemptOutcome,
            endedAtMs: Number(field('t')),
            dueAtMs: numberOf(field('sa')),
            leaseId: field('sl'),
          },
    error: parseFailure(field('er')),
    result: field('r') === null ? null : parseResult(field('r') ?? '', Number(field('t'))),
    redrivenAs: field('rd'),
  }
}

function parseFailure(text: string | null): RecordedFailure | null {
  return text === null || text === '' ? null : (JSON.parse(text) as RecordedFailure)
}

function numberOf(text: string | null): number | null {
  return text === null || text === '' ? null : Number(text)
}

/** Status and attempt only, for many ids. */
export async function readStates(
  store: SideStore,
  ids: readonly string[],
): Promise<({ status: string; attempt: number } | null)[]> {
  if (ids.length === 0) return []
  const pipeline = store.main.redis.pipeline()
  for (const id of ids) pipeline.hmget(store.keys.marker(id), 's', 'n')
  const replies = await store.main.guard('markers', () => pipeline.exec())
  return ids.map((_, at) => {
    const [error, values] = replies?.[at] ?? [new Error('no reply'), null]
    if (error !== null) throw store.main.translate(error, 'markers')
    const [status, attempt] = values as (string | null)[]
    return status === null || status === undefined ? null : { status, attempt: Number(attempt) }
  })
}

/** The stored result, or null. */
export async function readResult(store: SideStore, id: string): Promise<StoredResult | null> {
  const [text, endedAt] = await store.main.guard('a result', () =>
    store.main.redis.hmget(store.keys.marker(id), 'r', 't'),
  )
  return text === null || text === undefined ? null : parseResult(text, Number(endedAt ?? 0))
}

/** Writes a result apart from a settlement. */
export async function writeResult(store: SideStore, id: string, result: StoredResult): Promise<void> {
  const key = store.keys.marker(id)
  await store.main.guard('a result', async () => {
    // No status: it says nothing about the activity, which may well be waiting for its claim.
    const fields = store.main.redis.multi().hset(key, 'r', resultText(result), 't', result.atMs)
    if (!(await store.main.redis.hexists(key, 's'))) fields.pexpire(key, store.retention.resultMs)
    await fields.exec()
  })
}

/** A result as it is kept: state and JSON text. Its time is the marker's, by Redis's clock. */
export function resultText(result: Pick<StoredResult, 'state' | 'dataJson'>): string {
  return `${result.state}|${result.dataJson}`
}

/**
 * The result that waiters get for an outcome without one; null for an outcome that does not end the activity. It is made
 * without its time, which Redis decides when it is kept, so that it is the same again when it is restored from the log.
 */
export function errorResultText(end: {
  readonly outcome: AttemptOutcome
  readonly failure: RecordedFailure
  readonly attempts: number
}): string | null {
  const { outcome, failure, attempts } = end
  if (outcome !== 'failed' && outcome !== 'dead_letter' && outcome !== 'cancelled') return null
  const type: ErrorResultType = outcome === 'failed' ? 'non_retryable' : outcome
  return `end|${JSON.stringify({ type, attempts, failure })}`
}

function parseResult(text: string, atMs: number): StoredResult {
  const bar = text.indexOf('|')
  const [state, json] = [text.slice(0, bar), text.slice(bar + 1)]
  if (state !== 'end') return { state: state === 'ok' ? 'ok' : 'err', dataJson: json, atMs }
  return errorResult({ ...(JSON.parse(json) as Omit<ErrorResultParts, 'failedAtMs'>), failedAtMs: atMs })
}

/** As long as dead letters are kept: whoever finds one again must find what it was redriven as. */
export const REDRIVEN_MS = 30 * 86_400_000

/** Decides, once for all who ask, which id an activity is redriven as. */
export async function decideRedrive(store: SideStore, id: string, newId: string): Promise<string> {
  const key = store.keys.marker(id)
  return store.main.guard('a redrive', async () => {
    const ttlMs = await store.main.redis.pttl(key)
    await crossing('redrive.decided', () => store.main.redis.hsetnx(key, 'rd', newId))
    // Without a time limit (-1) it keeps a cancelled activity from running until its lane record is seen: that stays so.
    if (ttlMs !== -1) await crossing('redrive.kept', () => store.main.redis.pexpire(key, REDRIVEN_MS))
    return (await store.main.redis.hget(key, 'rd')) ?? newId
  })
}

/** Remembers that the redriven activity is in Kafka. */
export async function confirmRedrive(store: SideStore, id: string): Promise<void> {
  await store.main.guard('a redrive', () => store.main.redis.hset(store.keys.marker(id), 'rp', '1'))
}

/** What an activity was redriven as, or null. */
export async function readRedrive(
  store: SideStore,
  id: string,
): Promise<{ readonly newId: string; readonly isProduced: boolean } | null> {
  const [newId, produced] = await store.main.guard('a redrive', () =>
    store.main.redis.hmget(store.keys.marker(id), 'rd', 'rp'),
  )
  return newId === null || newId === undefined ? null : { newId, isProduced: produced === '1' }
}

/** Ids with a lease, next to expire first, from a rank on. */
export async function runningIds(store: SideStore, from: number, count: number): Promise<string[]> {
  return store.main.guard('leases', () =>
    store.main.redis.zrange(store.keys.leases, String(from), String(from + count - 1)),
  )
}

/** Scheduled members, next due first, from a rank on. */
export async function scheduledMembers(
  store: SideStore,
  from: number,
  count: number,
): Promise<{ member: string; dueAtMs: number; value: string }[]> {
  return store.main.guard('the schedule', async () => {
    const flat = await store.main.redis.zrange(store.keys.due, String(from), String(from + count - 1), 'WITHSCORES')
    const members = flat.filter((_, at) => at % 2 === 0)
    if (members.length === 0) return []
    const values = await store.main.redis.hmget(store.keys.delayed, ...members)
    return members.map((member, at) => ({ member, dueAtMs: Number(flat[at * 2 + 1]), value: values[at] ?? '' }))
  })
}

/** Counts by `type|priority`, and of what ended by `type|priority|outcome`. */
export interface Counts {
  readonly running: ReadonlyMap<string, number>
  readonly scheduled: ReadonlyMap<string, number>
  /** Cancelled while pending, their lane records not seen yet. */
  readonly unseen: ReadonlyMap<string, number>
  readonly ended: ReadonlyMap<string, number>
}

/** Reads all counts. */
export async function readCounts(store: SideStore): Promise<Counts> {
  const { keys } = store
  const nowMs = store.clock.nowMs()
  const pipeline = store.main.redis.pipeline()
  for (const key of [keys.runningCounts, keys.scheduledCounts, keys.unseenCounts]) pipeline.hgetall(key)
  // One bucket ahead, should this clock be behind the one of who counted.
  for (let at = nowMs + ENDED_BUCKET_MS; at > nowMs - endedCountsTtlMs(store); at -= ENDED_BUCKET_MS) {
    pipeline.hgetall(keys.endedCounts(at))
  }
  const replies = (await store.main.guard('counts', () => pipeline.exec())) ?? []
  const maps = replies.map(([error, value]) => {
    if (error !== null) throw store.main.translate(error, 'counts')
    return toCounts(value)
  })
  const [running, scheduled, unseen, ...buckets] = maps
  if (running === undefined || scheduled === undefined || unseen === undefined) {
    throw new ErrandError('internal', 'counts answered too little')
  }
  const ended = new Map<string, number>()
  for (const bucket of buckets) for (const [field, count] of bucket) ended.set(field, (ended.get(field) ?? 0) + count)
  return { running, scheduled, unseen, ended }
}

function toCounts(value: unknown): Map<string, number> {
  const entries = Object.entries((value ?? {}) as Record<string, string>)
  return new Map(entries.map(([field, count]) => [field, Math.max(0, Number(count))]))
}

/** What {@link cancel} needs to know. */
export interface CancelRequest {
  readonly activity: Pick<Activity, 'id' | 'attempt' | 'type' | 'priority'>
  readonly key: string | null
  readonly reason: string
  readonly error: RecordedFailure
  readonly result: string
  /** The caller has seen its lane record, so it exists. */
  readonly isKnown: boolean
  readonly token: string
}

const CANCEL_VERDICTS = ['requested', 'ended', 'moved', 'unknown', 'unrestored'] as const

/** Cancels what does not run, asks what runs. `value`: of the delay index, when it was scheduled. */
export async function cancel(
  store: SideStore,
  request: CancelRequest,
): Promise<{ verdict: (typeof CANCEL_VERDICTS)[number] } | { verdict: 'cancelled'; endedAtMs: number; value: string }> {
  const { keys } = store
  const { activity } = request
  const marker = keys.marker(activity.id)
  const [verdict, endedAt, value] = await store.main.run(
    'cancel',
    [
      marker,
      request.key === null ? marker : keys.keyEntry(activity.type, request.key),
      keys.due,
      keys.delayed,
      keys.scheduledCounts,
      keys.unseenCounts,
      keys.endedCounts(store.clock.nowMs()),
      keys.generation,
    ],
    [
      activity.id,
      activity.attempt,
      delayKey(activity.id, activity.attempt),
      countField(activity),
      request.reason,
      JSON.stringify(request.error),
      request.result,
      store.retention.resultMs,
      endedCountsTtlMs(store),
      keys.channel(activity.id),
      request.key ?? '',
      request.isKnown ? '1' : '',
      request.token,
    ],
  )
  if (verdict === 'cancelled') return { verdict, endedAtMs: Number(endedAt), value: value ?? '' }
  const known = CANCEL_VERDICTS.find(each => each === verdict)
  if (known !== undefined) return { verdict: known }
  throw new ErrandError('internal', `cancel answered ${verdict}`)
}

/** Puts a lease's (or a reaper's) deadline into the past. False when there is none. For tests. */
export async function expireLease(store: SideStore, id: string): Promise<boolean> {
  const marker = store.keys.marker(id)
  return store.main.guard('a fixture', async () => {
    const status = await store.main.redis.hget(marker, 's')
    if (status !== 'running' && status !== 'reaping') return false
    await store.main.redis.multi().hset(marker, 'd', 1).zadd(store.keys.leases, 'XX', 1, id).exec()
    return true
  })
}

/** Puts a due time into the past. False when it is not scheduled. For tests. */
export async function makeDue(store: SideStore, member: string): Promise<boolean> {
  return store.main.guard('a fixture', async () => {
    if ((await store.main.redis.zscore(store.keys.due, member)) === null) return false
    await store.main.redis.zadd(store.keys.due, 'XX', 1, member)
    return true
  })
}
