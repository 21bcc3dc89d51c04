// Attempts in Redis: claim, settle, renew, release, reap. Each takes a batch and costs one round trip per 200 items.

import { hash } from 'node:crypto'
import type { Activity, AttemptOutcome, RecordedFailure } from '../../core/activity.ts'
import { ErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { ENDED_BUCKET_MS } from './keys.ts'
import type { SideStore } from './side-store.ts'
import { batches, rows } from './side-store.ts'

/** What is asked for when an attempt is claimed. */
export interface ClaimRequest {
  readonly activity: Activity
  /** The activity record's own text. */
  readonly envelope: string
  readonly leaseId: string
}

/**
 * `held`: somebody's live lease, or being reaped · `done`: ended, or a later attempt is known · `unrestored`: Redis was
 * emptied, and nothing is claimed until it was told what has ended.
 */
export type ClaimAnswer =
  | { readonly verdict: 'claimed'; readonly deadlineMs: number; readonly startedAtMs: number }
  | { readonly verdict: 'held' | 'unrestored' }
  | { readonly verdict: 'done'; readonly status: string; readonly attempt: number }

/** The field that counts are kept by. */
export function countField(activity: Pick<Activity, 'type' | 'priority'>): string {
  return `${activity.type}|${activity.priority}`
}

/** Claims attempts for a worker. One answer per request, in order. */
export async function claim(
  store: SideStore,
  params: { readonly requests: readonly ClaimRequest[]; readonly leaseMs: number; readonly worker: string },
): Promise<ClaimAnswer[]> {
  const batched = batches(params.requests, LIMITS.scriptBatchMax, ({ envelope }) => envelope.length)
  const claiming = batched.map(batch => claimBatch(store, batch, params))
  return (await Promise.all(claiming)).flat()
}

async function claimBatch(
  store: SideStore,
  batch: readonly ClaimRequest[],
  { leaseMs, worker }: { readonly leaseMs: number; readonly worker: string },
): Promise<ClaimAnswer[]> {
  const { keys, retention } = store
  const scriptKeys = [keys.leases, keys.runningCounts, keys.unseenCounts, keys.generation]
  const envelopes: string[] = []
  const items = batch.map(({ activity, envelope, leaseId }) => {
    const { id, attempt, key } = activity
    scriptKeys.push(keys.marker(id))
    envelopes.push(envelope)
    return [id, String(attempt), leaseId, countField(activity), key?.key.toWellFormed() ?? '']
  })
  const args = [leaseMs, worker, retention.markerMs, JSON.stringify(items), ...envelopes]
  const [reply] = await store.main.run('claim', scriptKeys, args)
  if (reply === undefined) return batch.map((): ClaimAnswer => ({ verdict: 'unrestored' }))
  return rows(JSON.parse(reply) as string[], 3).map(toClaimAnswer)
}

function toClaimAnswer([verdict, first, second]: string[]): ClaimAnswer {
  if (verdict === 'claimed') return { verdict, deadlineMs: Number(first), startedAtMs: Number(second) }
  if (verdict === 'held') return { verdict }
  if (verdict === 'done') return { verdict, status: first ?? '', attempt: Number(second) }
  throw new ErrandError('internal', `claim answered ${verdict}`)
}

/** How an attempt is to end. Times are Redis's: `delayMs` is counted from the moment that Redis decides. */
export interface SettleRequest {
  readonly activity: Activity
  readonly leaseId: string
  readonly outcome: AttemptOutcome
  readonly delayMs: number
  readonly error: RecordedFailure | null
  /** The stored result's text; null for none. */
  readonly result: string | null
  /** A cancel that was asked for meanwhile comes first: then nothing is settled, and the answer says so. */
  readonly yieldsToCancel: boolean
  readonly worker: string
  readonly startedAtMs: number
  /** When it ended, where that was decided before; left out: when Redis settles it. */
  readonly endedAtMs?: number
  /** What the caller said, in full: the same again is answered the same, anything else is a conflict. */
  readonly said: string
  /** Kept for whoever publishes the end again; null for none. */
  readonly traceparent: string | null
}

/** How Redis ended it. */
export type SettleAnswer =
  | {
      readonly verdict: 'settled'
      readonly outcome: AttemptOutcome
      readonly endedAtMs: number
      readonly dueAtMs: number | null
      readonly startedAtMs: number | null
      readonly worker: string | null
    }
  | { readonly verdict: 'lease_lost' | 'conflict' }
  | { readonly verdict: 'cancel_requested'; readonly reason: string | null }

/** Settles attempts. One answer per request, in order. `restore`: tells Redis what has ended, where it must know that first. */
export async function settle(
  store: SideStore,
  requests: readonly SettleRequest[],
  restore: () => Promise<void>,
): Promise<SettleAnswer[]> {
  const { keys, retention } = store
  const answers: SettleAnswer[] = []
  for (const batch of batches(requests, LIMITS.scriptBatchMax, ({ result }) => result?.length ?? 0)) {
    const scriptKeys = [keys.leases, keys.runningCounts, keys.endedCounts(store.clock.nowMs()), keys.generation]
    const entries: string[] = []
    for (const { activity } of batch) {
      scriptKeys.push(keys.marker(activity.id))
      if (activity.key !== null) entries.push(keys.keyEntry(activity.type, activity.key.key))
    }
    scriptKeys.push(...entries)
    const items = JSON.stringify(batch.map(request => settleItem(store, request)))
    const args = [retention.markerMs, retention.resultMs, retention.keyMs, endedCountsTtlMs(store), items]
    let reply: string | undefined
    while (reply === undefined) {
      ;[reply] = await store.main.run('settle', scriptKeys, args)
      if (reply === undefined) await restore()
    }
    for (const row of rows(JSON.parse(reply) as string[], 6)) answers.push(toSettleAnswer(row))
  }
  return answers
}

function settleItem(store: SideStore, request: SettleRequest): string[] {
  const { activity, error, endedAtMs } = request
  return [
    activity.id,
    request.leaseId,
    digestOf(request.said),
    String(activity.attempt),
    request.outcome,
    request.result?.toWellFormed() ?? '', // one that the script could not read would fail all of its batch
    countField(activity),
    activity.key?.key.toWellFormed() ?? '',
    store.keys.channel(activity.id),
    request.worker.toWellFormed(),
    String(request.startedAtMs),
    String(Math.round(request.delayMs)),
    error === null ? '' : JSON.stringify(error),
    request.yieldsToCancel ? '1' : '',
    endedAtMs === undefined ? '' : String(endedAtMs),
    request.traceparent ?? '',
  ]
}

/** What is as short as a digest, and plain, stands for itself: most handlers return nothing. */
const PLAIN = /^[\w .-]{1,27}$/

function digestOf(said: string): string {
  return PLAIN.test(said) ? said : hash('sha1', said, 'base64url')
}

/** Counts of what ended outlive the longest memory of an ended activity. */
export function endedCountsTtlMs(store: SideStore): number {
  return store.retention.resultMs + ENDED_BUCKET_MS
}

function toSettleAnswer([verdict, outcome, endedAt, dueAt, startedAt, worker]: string[]): SettleAnswer {
  if (verdict === 'lease_lost' || verdict === 'conflict') return { verdict }
  if (verdict === 'cancel_requested') return { verdict, reason: worker === '' || worker === undefined ? null : worker }
  if (verdict !== 'settled') throw new ErrandError('internal', `settle answered ${verdict}`)
  return {
    verdict,
    outcome: outcome as AttemptOutcome,
    endedAtMs: Number(endedAt),
    dueAtMs: dueAt === '' ? null : Number(dueAt),
    startedAtMs: startedAt === '' ? null : Number(startedAt),
    worker: worker === '' || worker === undefined ? null : worker,
  }
}

/** Renews leases; one answer per lease, in order. */
export async function renew(
  store: SideStore,
  leases: readonly { readonly id: string; readonly leaseId: string; readonly byMs: number }[],
): Promise<({ readonly deadlineMs: number; readonly cancelRequested: boolean } | null)[]> {
  const answers: ({ readonly deadlineMs: number; readonly cancelRequested: boolean } | null)[] = []
  for (const batch of batches(leases, LIMITS.scriptBatchMax)) {
    const reply = await store.renewals.run(
      'renew',
      [store.keys.leases, ...batch.map(lease => store.keys.marker(lease.id))],
      batch.flatMap(lease => [lease.id, lease.leaseId, lease.byMs]),
    )
    for (const [deadline, cancel] of rows(reply, 2)) {
      answers.push(deadline === '' ? null : { deadlineMs: Number(deadline), cancelRequested: cancel === '1' })
    }
  }
  return answers
}

/** `cancel_requested`: not given back, since somebody asked for it to end. */
export type ReleaseAnswer = 'released' | 'lease_lost' | 'cancel_requested'

/** Releases leases. One answer per lease, in order; the same release again is answered the same until it is claimed anew. */
export async function release(
  store: SideStore,
  leases: readonly { readonly id: string; readonly leaseId: string }[],
): Promise<ReleaseAnswer[]> {
  const answers: ReleaseAnswer[] = []
  for (const batch of batches(leases, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'release',
      [store.keys.leases, store.keys.runningCounts, store.keys.due, ...batch.map(lease => store.keys.marker(lease.id))],
      [store.retention.markerMs, ...batch.flatMap(lease => [lease.id, lease.leaseId])],
    )
    answers.push(...(reply as ReleaseAnswer[]))
  }
  return answers
}

/** An expired lease that this reaper has taken over. */
export interface Reaping {
  readonly id: string
  readonly token: string
  readonly attempt: number
  /** '' when Redis has lost it. */
  readonly envelope: string
  readonly worker: string | null
  readonly startedAtMs: number | null
  readonly cancelRequested: boolean
  readonly cancelReason: string | null
  /** When it was first taken over, by Redis's clock: whoever continues says the same. */
  readonly reapedAtMs: number
}

/** Takes up to `limit` expired leases over, for `reapMs`. */
export async function takeExpired(
  store: SideStore,
  params: { readonly limit: number; readonly token: string; readonly reapMs: number },
): Promise<Reaping[]> {
  const ids = await store.main.run(
    'expired',
    [store.keys.leases, store.keys.grace, store.keys.generation],
    [params.limit],
  )
  const taken: Reaping[] = []
  for (const batch of batches(ids, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'reap',
      [store.keys.leases, store.keys.generation, ...batch.map(id => store.keys.marker(id))],
      [params.token, params.reapMs, ...batch],
    )
    rows(reply, 8).forEach(([verdict, attempt, envelope, worker, startedAt, cancel, reason, reapedAt], at) => {
      if (verdict !== 'reaping') return
      taken.push({
        id: batch[at] ?? '',
        token: params.token,
        attempt: Number(attempt),
        envelope: envelope ?? '',
        worker: worker === '' || worker === undefined ? null : worker,
        startedAtMs: startedAt === '' ? null : Number(startedAt),
        cancelRequested: cancel === '1',
        cancelReason: reason === '' || reason === undefined ? null : reason,
        reapedAtMs: Number(reapedAt),
      })
    })
  }
  return taken
}
