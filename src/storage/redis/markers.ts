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
import type { MarkerFields } from './marker-text.ts'
import { markerFields } from './marker-text.ts'
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
    readonly traceparent: string | null
  } | null
  readonly error: RecordedFailure | null
  readonly result: StoredResult | null
  readonly redrivenAs: string | null
  /** The member of the schedule's index that is this attempt's home, once it has run for long. */
  readonly home: string | null
}

/** Reads markers; null where there is none. One round trip. */
export async function readMarkers(store: SideStore, ids: readonly string[]): Promise<(Marker | null)[]> {
  const all = await readFields(store, ids)
  return ids.map((id, at) => toMarker(id, all[at] ?? null))
}

async function readFields(store: SideStore, ids: readonly string[]): Promise<(MarkerFields | null)[]> {
  if (ids.length === 0) return []
  const keys = ids.map(id => store.keys.marker(id))
  const values = await store.main.guard('markers', () => store.main.redis.mgetBuffer(...keys))
  return values.map(markerFields)
}

function toMarker(id: string, fields: MarkerFields | null): Marker | null {
  if (fields === null) return null
  const { s: status, so: outcome, l, w, e, c, k, sl, er, r, rd, h, tr } = fields
  if (status === undefined) return null
  const [type = '', priority = 'normal'] = (fields.tp ?? '').split('|')
  return {
    id,
    status,
    attempt: Number(fields.n),
    leaseId: l ?? null,
    worker: w ?? null,
    deadlineMs: numberOf(fields.d),
    startedAtMs: numberOf(fields.b),
    envelope: e ?? null,
    cancelRequested: c !== undefined,
    type,
    priority: priority as Priority,
    key: k === undefined || k === '' ? null : k,
    settled:
      outcome === undefined
        ? null
        : {
            attempt: Number(fields.sn),
            outcome: outcome as AttemptOutcome,
            endedAtMs: Number(fields.t),
            dueAtMs: numberOf(fields.sa),
            leaseId: sl ?? null,
            traceparent: tr ?? null,
          },
    error: er === undefined || er === '' ? null : (JSON.parse(er) as RecordedFailure),
    result: r === undefined ? null : parseResult(r, Number(fields.t)),
    redrivenAs: rd ?? null,
    home: h ?? null,
  }
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text)
}

/** Status and attempt only, for many ids. */
export async function readStates(
  store: SideStore,
  ids: readonly string[],
): Promise<({ status: string; attempt: number } | null)[]> {
  const all = await readFields(store, ids)
  return all.map(fields => (fields?.s === undefined ? null : { status: fields.s, attempt: Number(fields.n) }))
}

/** The stored result, or null. */
export async function readResult(store: SideStore, id: string): Promise<StoredResult | null> {
  const [fields] = await readFields(store, [id])
  return fields?.r === undefined ? null : parseResult(fields.r, Number(fields.t ?? 0))
}

/** Writes a result apart from a settlement. */
export async function writeResult(store: SideStore, id: string, result: StoredResult): Promise<void> {
  const args = [resultText(result), result.atMs, store.retention.resultMs]
  await store.main.run('result', [store.keys.marker(id)], args)
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
  const [decided] = await crossing('redrive.decided', () =>
    store.main.run('redrive', [store.keys.marker(id)], ['decide', newId, REDRIVEN_MS]),
  )
  return decided === undefined || decided === '' ? newId : decided
}

/** Remembers that the redriven activity is in Kafka. */
export async function confirmRedrive(store: SideStore, id: string): Promise<void> {
  await store.main.run('redrive', [store.keys.marker(id)], ['confirm', '', REDRIVEN_MS])
}

/** What an activity was redriven as, or null. */
export async function readRedrive(
  store: SideStore,
  id: string,
): Promise<{ readonly newId: string; readonly isProduced: boolean } | null> {
  const [fields] = await readFields(store, [id])
  return fields?.rd === undefined ? null : { newId: fields.rd, isProduced: fields.rp === '1' }
}

/** What activities were redriven as; null for what was not. Also of those that Redis remembers nothing else of. */
export async function readRedrives(store: SideStore, ids: readonly string[]): Promise<(string | null)[]> {
  return (await readFields(store, ids)).map(fields => fields?.rd ?? null)
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
  /** Where it is in the schedule's index. @defaultValue where a scheduled attempt is */
  readonly member?: string
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
      request.member ?? delayKey(activity.id, activity.attempt),
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
  const [expired] = await store.main.run('expire', [store.keys.leases, store.keys.marker(id)], [id])
  return expired === '1'
}

/** Puts a due time into the past. False when it is not scheduled. For tests. */
export async function makeDue(store: SideStore, member: string): Promise<boolean> {
  return store.main.guard('a fixture', async () => {
    if ((await store.main.redis.zscore(store.keys.due, member)) === null) return false
    await store.main.redis.zadd(store.keys.due, 'XX', 1, member)
    return true
  })
}
