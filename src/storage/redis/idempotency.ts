// Idempotency keys: reserve → (Kafka) → confirm. An entry that stays reserved has a producer that died in between; it
// holds the envelope, so that anybody can finish the enqueue.

import type { Activity, DuplicateBehavior } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import { decideKey } from '../../core/idempotency.ts'
import type { KeyState, KeyVerdict } from '../../core/idempotency.ts'
import { LIMITS } from '../../core/limits.ts'
import { parseReservationMember, reservationMember } from './keys.ts'
import type { SideStore } from './side-store.ts'
import { batches, rows } from './side-store.ts'

/** A keyed activity that wants to be enqueued. */
export interface Reservation {
  readonly activity: Activity
  readonly envelope: string
}

/** What the key says. */
export interface ReserveAnswer {
  readonly verdict: KeyVerdict
  readonly existingId: string | null
  /** True when the existing activity's own enqueue has not been confirmed yet. */
  readonly isReserved: boolean
}

const ENTRY_STATES = ['active', 'succeeded', 'unsuccessful'] as const

/** Reserves keys. One answer per reservation, in order; null when Redis must be told first what has ended. */
export async function reserve(store: SideStore, reservations: readonly Reservation[]): Promise<ReserveAnswer[] | null> {
  const nowMs = store.clock.nowMs()
  const answers: ReserveAnswer[] = []
  for (const batch of batches(reservations, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'reserve',
      [store.keys.reservations, store.keys.generation, ...batch.map(({ activity }) => entryKey(store, activity))],
      batch.flatMap(({ activity, envelope }) => [
        activity.id,
        reservationMember(activity.type, keyOf(activity)),
        envelope,
        // A key lives from the time that its activity is due, else one scheduled for next week would lose it first.
        store.retention.keyMs + Math.max(0, (activity.scheduledAtMs ?? nowMs) - nowMs),
        ...ENTRY_STATES.map(state => decideKey(behaviorOf(activity), state)),
      ]),
    )
    if (reply.length === 0) return null
    for (const [verdict, existing, state] of rows(reply, 3)) {
      answers.push({
        verdict: verdict as KeyVerdict,
        existingId: existing === '' ? null : (existing ?? null),
        isReserved: state === 'reserved',
      })
    }
  }
  return answers
}

/** Confirms reservations whose activities Kafka remembers now. */
export async function confirm(store: SideStore, activities: readonly Activity[]): Promise<void> {
  for (const batch of batches(activities, LIMITS.scriptBatchMax)) {
    await store.main.run(
      'confirm',
      [store.keys.reservations, ...batch.map(activity => entryKey(store, activity))],
      batch.flatMap(activity => [activity.id, reservationMember(activity.type, keyOf(activity))]),
    )
  }
}

/** What a key stands for now. */
export async function readKey(
  store: SideStore,
  params: { readonly type: string; readonly key: string },
): Promise<{
  readonly id: string
  readonly state: Exclude<KeyState, 'none'>
  readonly isReserved: boolean
  readonly envelope: string | null
} | null> {
  const [id, state, envelope] = await store.main.guard('an idempotency key', () =>
    store.main.redis.hmget(store.keys.keyEntry(params.type, params.key), 'id', 'st', 'e'),
  )
  if (id === null || id === undefined) return null
  const isReserved = state === 'reserved'
  return {
    id,
    state: isReserved ? 'active' : (state as Exclude<KeyState, 'none'>),
    isReserved,
    envelope: envelope ?? null,
  }
}

/** Envelopes of reservations older than `olderThanMs`: their producers have died or still wait for Kafka. */
export async function staleReservations(
  store: SideStore,
  params: { readonly limit: number; readonly olderThanMs: number },
): Promise<readonly string[]> {
  const { redis } = store.main
  return store.main.guard('stale reservations', async () => {
    const [seconds] = await redis.time()
    const before = Number(seconds) * 1_000 - params.olderThanMs
    const members = await redis.zrangebyscore(store.keys.reservations, '-inf', before, 'LIMIT', 0, params.limit)
    const envelopes: string[] = []
    for (const member of members) {
      const { type, key } = parseReservationMember(member)
      const envelope = await redis.hget(store.keys.keyEntry(type, key), 'e')
      // Expired or confirmed meanwhile: only the member is left over.
      if (envelope !== null) envelopes.push(envelope)
      else await crossing('reservation.dropped', () => redis.zrem(store.keys.reservations, member))
    }
    return envelopes
  })
}

function keyOf(activity: Activity): string {
  return activity.key?.key ?? ''
}

function behaviorOf(activity: Activity): DuplicateBehavior {
  return activity.key?.onDuplicate ?? 'return_existing'
}

function entryKey(store: SideStore, activity: Activity): string {
  return store.keys.keyEntry(activity.type, keyOf(activity))
}
