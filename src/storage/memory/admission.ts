// What is let in: one answer per activity, decided and applied in one synchronous step.

import { refusalOf } from '../../core/activity-check.ts'
import type { Activity } from '../../core/activity.ts'
import type { KeyVerdict } from '../../core/idempotency.ts'
import { decideKey } from '../../core/idempotency.ts'
import type { CheckIdempotencyParams, EnqueueAnswer, IdempotencyAnswer } from '../storage.ts'
import type { Book } from './book.ts'

/** Lets an activity in, or says why not. */
export function admit(book: Book, activity: Activity): EnqueueAnswer {
  const refused = refusedAtOnce(book, activity)
  if (refused !== undefined) return refused
  const { id, type, key } = activity
  const nowMs = book.nowMs()
  // The id goes before the key: sent again after an unknown outcome, an activity must find itself.
  if (book.find(id) !== undefined) return { outcome: 'existing', id }
  const existing = key === null ? undefined : book.keys.find(type, key.key, nowMs)
  if (key !== null && existing !== undefined) {
    const verdict = decideKey(key.onDuplicate, book.keys.state(type, key.key, nowMs))
    const existingId = existing.activity.id
    if (verdict === 'existing') return { outcome: 'existing', id: existingId }
    if (verdict !== 'create') {
      return { outcome: 'refused', id, ...keyRefusal(verdict), message: keyMessage(activity, existingId), existingId }
    }
  }
  const entry = book.add(activity, nowMs)
  if (key !== null) book.keys.set(type, key.key, entry, nowMs)
  return { outcome: 'created', id }
}

/** What `admit` would say about a key. */
export function inquire(book: Book, { type, key, behavior }: Readonly<CheckIdempotencyParams>): IdempotencyAnswer {
  const nowMs = book.nowMs()
  const existing = book.keys.find(type, key, nowMs)
  const verdict = decideKey(behavior, book.keys.state(type, key, nowMs))
  if (existing === undefined || verdict === 'create') return { outcome: 'proceed' }
  if (verdict === 'existing') return { outcome: 'existing', id: existing.activity.id }
  return { outcome: 'refused', ...keyRefusal(verdict), existingId: existing.activity.id }
}

function keyRefusal(verdict: Exclude<KeyVerdict, 'create' | 'existing'>): {
  readonly code: 'duplicate_activity' | 'idempotency_conflict'
} {
  return { code: verdict === 'duplicate' ? 'duplicate_activity' : 'idempotency_conflict' }
}

function keyMessage({ type, key }: Activity, existingId: string): string {
  return `the key ${JSON.stringify(key?.key)} of '${type}' belongs to activity ${existingId}, and its behaviour is ${key?.onDuplicate}.`
}

/** Activities come from `newActivity`, which has checked them; this catches what was made or changed by hand. */
function refusedAtOnce(book: Book, activity: Activity): Extract<EnqueueAnswer, { outcome: 'refused' }> | undefined {
  const refused = refusalOf(activity)
  if (refused !== undefined) return refused
  const { id, type } = activity
  if (book.knownTypes.has(type)) return undefined
  const message = `type is '${type}', which is not declared; declare it before enqueueing.`
  return { outcome: 'refused', id, code: 'invalid_argument', message }
}
