// Enqueue. Without a key: one produce, and Redis is not touched. With a key: reserve (Redis decides) → produce (Kafka
// remembers) → confirm; a producer that dies in between is finished by the reaper, from the envelope in the reservation.

import { refusalOf } from '../../core/activity-check.ts'
import type { Activity } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import { ErrandError, fromUnknown } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { WriteAnswer, WriteRecord } from '../../producer/topic-writer.ts'
import { decodeActivity, encodeActivity } from '../../wire/activity-record.ts'
import type { Reservation, ReserveAnswer } from '../redis/idempotency.ts'
import { confirm, readKey, reserve } from '../redis/idempotency.ts'
import type { IndexEntry } from '../redis/schedule.ts'
import { index } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { EnqueueAnswer, EnqueueManyParams } from '../storage.ts'
import type { Publisher } from './publisher.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** How long an enqueue may take unless the caller says otherwise. */
const DEFAULT_DEADLINE_MS = 30_000
/** How long a second enqueue of a key waits for the first to be confirmed before it helps. */
const CONFIRM_WAIT_MS = 500
const CONFIRM_LOOK_MS = 10
/** How long an enqueue of something due waits for Redis's time. */
const CLOCK_WAIT_MS = 1_000

/** Accepts activities. */
export class Enqueuer {
  readonly #store: SideStore
  readonly #publisher: Publisher
  readonly #catalog: TopicCatalog
  readonly #restore: () => Promise<void>
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(parts: {
    store: SideStore
    publisher: Publisher
    catalog: TopicCatalog
    restore: () => Promise<void>
    clock: Clock
    logger: Logger
  }) {
    this.#restore = parts.restore
    this.#store = parts.store
    this.#publisher = parts.publisher
    this.#catalog = parts.catalog
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  async enqueue({
    activities,
    deadlineMs = DEFAULT_DEADLINE_MS,
  }: Readonly<EnqueueManyParams>): Promise<EnqueueAnswer[]> {
    const answers: (EnqueueAnswer | undefined)[] = activities.map(activity => this.#refuse(activity))
    const wanted = activities.flatMap((activity, at) => (answers[at] === undefined ? [{ activity, at }] : []))
    const keyed = wanted.filter(({ activity }) => activity.key !== null)
    const plain = wanted.filter(({ activity }) => activity.key === null)
    await Promise.all([
      this.#produce(
        plain.map(({ activity }) => activity),
        deadlineMs,
      ).then(produced => plain.forEach(({ at }, nth) => (answers[at] = produced[nth]))),
      this.#enqueueKeyed(
        keyed.map(({ activity }) => activity),
        deadlineMs,
      ).then(produced => keyed.forEach(({ at }, nth) => (answers[at] = produced[nth]))),
    ])
    return activities.map((activity, at) => answers[at] ?? unavailable(activity, 'no answer'))
  }

  #refuse(activity: Activity): EnqueueAnswer | undefined {
    const refused = refusalOf(activity)
    if (refused !== undefined) return refused
    const { id, type } = activity
    if (this.#catalog.isDeclared(type)) return undefined
    const message = `type '${type}' is not known to this storage; declare it before enqueueing.`
    return { outcome: 'refused', id, code: 'invalid_argument', message }
  }

  /** Writes ready attempts to their lanes and later ones to the delay topic. */
  async #produce(activities: readonly Activity[], deadlineMs: number): Promise<EnqueueAnswer[]> {
    if (activities.length === 0) return []
    const leftMs = this.#countdown(deadlineMs)
    const nowMs = await this.#dueUntilMs(activities)
    const entries: IndexEntry[] = []
    const records = activities.map((activity): WriteRecord => {
      const envelope = encodeActivity(activity)
      if (activity.scheduledAtMs === null || activity.scheduledAtMs <= nowMs)
        return this.#publisher.lane(activity, envelope)
      const record = this.#publisher.delay(activity, activity.scheduledAtMs)
      entries.push(this.#publisher.indexEntry(activity, activity.scheduledAtMs, envelope))
      return record
    })
    const written = await crossing('enqueue.produced', () => this.#publisher.write(records, leftMs()))
    const accepted = new Set(activities.filter((_, at) => written[at]?.ok === true))
    const delayed = entries.filter(entry => accepted.has(entry.record.activity))
    await this.#index(delayed, leftMs())
    return activities.map((activity, at) => toAnswer(activity, written[at], records[at]))
  }

  // Due by this process's clock may be early by Redis's, which counts. A Redis that does not say leaves it to who dispatches.
  async #dueUntilMs(activities: readonly Activity[]): Promise<number> {
    const nowMs = this.#clock.nowMs()
    if (!activities.some(({ scheduledAtMs }) => scheduledAtMs !== null && scheduledAtMs <= nowMs)) return nowMs
    return this.#within(CLOCK_WAIT_MS, this.#store.nowMs()).catch((error: unknown) => {
      this.#logger.debug('Redis did not tell the time', { error: String(error) })
      return Number.NEGATIVE_INFINITY
    })
  }

  // The schedule's log is what counts; who reads it will index what this could not. So a Redis that is away is no failure.
  async #index(entries: readonly IndexEntry[], leftMs: number): Promise<void> {
    if (entries.length === 0) return
    const indexing = crossing('schedule.indexed', () => index(this.#store, entries))
    await this.#within(leftMs, indexing).catch((error: unknown) =>
      this.#logger.warn('the schedule could not be indexed at once', { error: String(error) }),
    )
  }

  async #enqueueKeyed(activities: readonly Activity[], deadlineMs: number): Promise<EnqueueAnswer[]> {
    if (activities.length === 0) return []
    const leftMs = this.#countdown(deadlineMs)
    let reserved: ReserveAnswer[]
    try {
      const reservations = activities.map(activity => ({ activity, envelope: encodeActivity(activity) }))
      reserved = await this.#within(deadlineMs, this.#reserve(reservations))
    } catch (error) {
      const failure = fromUnknown(error, 'unavailable')
      return activities.map(activity => unavailable(activity, failure.message, failure))
    }
    const created = activities.filter((_, at) => reserved[at]?.verdict === 'create')
    const produced = await this.#produce(created, leftMs())
    const accepted = created.filter((_, at) => produced[at]?.outcome === 'created')
    await this.#confirm(accepted, leftMs())
    const byActivity = new Map(created.map((activity, at) => [activity, produced[at]]))
    return Promise.all(
      activities.map((activity, at) => byActivity.get(activity) ?? this.#known(activity, reserved[at], leftMs())),
    )
  }

  // A Redis that has forgotten its keys would give one of them away anew.
  async #reserve(reservations: readonly Reservation[]): Promise<ReserveAnswer[]> {
    for (;;) {
      const answers = await crossing('enqueue.reserved', () => reserve(this.#store, reservations))
      if (answers !== null) return answers
      await this.#restore()
    }
  }

  async #confirm(activities: readonly Activity[], leftMs: number): Promise<void> {
    if (activities.length === 0) return
    // Accepted all the same: an unconfirmed reservation is confirmed by the reaper.
    const confirming = crossing('enqueue.confirmed', () => confirm(this.#store, activities))
    await this.#within(leftMs, confirming).catch((error: unknown) =>
      this.#logger.warn('keys could not be confirmed at once', { error: String(error) }),
    )
  }

  async #known(activity: Activity, answer: ReserveAnswer | undefined, deadlineMs: number): Promise<EnqueueAnswer> {
    const existingId = answer?.existingId
    if (answer === undefined || existingId === null || existingId === undefined)
      return unavailable(activity, 'no answer')
    const key = activity.key?.key ?? ''
    switch (answer.verdict) {
      case 'existing':
        return answer.isReserved
          ? this.#reserved(activity, existingId, deadlineMs)
          : { outcome: 'existing', id: existingId }
      case 'duplicate':
        return {
          outcome: 'refused',
          id: activity.id,
          code: 'duplicate_activity',
          message: `key '${key}' of type '${activity.type}' is in use by ${existingId}.`,
          existingId,
        }
      case 'conflict':
        return {
          outcome: 'refused',
          id: activity.id,
          code: 'idempotency_conflict',
          message: `key '${key}' of type '${activity.type}' belongs to ${existingId}, which has not failed.`,
          existingId,
        }
      case 'create':
        return unavailable(activity, 'no answer')
    }
  }

  /** What to say of a key whose first enqueue is not confirmed yet. */
  async #reserved(activity: Activity, existingId: string, deadlineMs: number): Promise<EnqueueAnswer> {
    try {
      const isAccepted = await this.#within(deadlineMs, this.#awaitConfirmed(activity, existingId, deadlineMs))
      if (isAccepted) return { outcome: 'existing', id: existingId }
      return unavailable(activity, `the enqueue of ${existingId} under the same key is not confirmed`)
    } catch (error) {
      const failure = fromUnknown(error, 'unavailable')
      return unavailable(activity, failure.message, failure)
    }
  }

  /**
   * "Existing" is an acceptance too, so it must not rest on Redis alone: waits for the first enqueue to be confirmed, and
   * when that takes too long produces the same activity once more (the same id: only one of the records will run).
   */
  async #awaitConfirmed(activity: Activity, existingId: string, deadlineMs: number): Promise<boolean> {
    const key = { type: activity.type, key: activity.key?.key ?? '' }
    const until = this.#clock.monotonicMs() + CONFIRM_WAIT_MS
    let entry = await readKey(this.#store, key)
    let envelope: string | null = null
    while (entry?.id === existingId) {
      if (!entry.isReserved) return true
      envelope = entry.envelope
      if (this.#clock.monotonicMs() >= until) break
      await this.#clock.sleep(CONFIRM_LOOK_MS)
      entry = await readKey(this.#store, key)
    }
    // Also when the key has moved on or is gone meanwhile: nobody has seen that the first enqueue was accepted.
    return envelope !== null && (await this.finishReservations([envelope], deadlineMs)) === 1
  }

  /** What is left of a deadline that begins now; at least a millisecond, so that what costs nothing is still asked for. */
  #countdown(deadlineMs: number): () => number {
    const untilMs = this.#clock.monotonicMs() + deadlineMs
    return () => Math.max(1, untilMs - this.#clock.monotonicMs())
  }

  /** A Redis that stands still answers nothing, and its client's own limit may be later than the caller's. */
  #within<T>(ms: number, promise: Promise<T>): Promise<T> {
    const late = (): Error => new ErrandError('unavailable', `Redis did not answer within ${Math.round(ms)} ms.`)
    return withDeadline(this.#clock, promise, ms, late)
  }

  #decode(envelope: string): Activity[] {
    try {
      return [decodeActivity(envelope)]
    } catch (error) {
      this.#logger.error('a reservation cannot be read; its key expires', { error: String(error) })
      return []
    }
  }

  /** Produces and confirms what others have reserved. Gives the number confirmed. */
  async finishReservations(envelopes: readonly string[], deadlineMs: number = DEFAULT_DEADLINE_MS): Promise<number> {
    const reserved = envelopes.flatMap(envelope => this.#decode(envelope))
    const types = await this.#catalog.declareEach(reserved.map(activity => activity.type))
    const activities = reserved.filter(activity => types.has(activity.type))
    const produced = await this.#produce(activities, deadlineMs)
    const accepted = activities.filter((_, at) => produced[at]?.outcome === 'created')
    if (accepted.length > 0) await crossing('reservation.confirmed', () => confirm(this.#store, accepted))
    return accepted.length
  }
}

function toAnswer(
  activity: Activity,
  written: WriteAnswer | undefined,
  record: WriteRecord | undefined,
): EnqueueAnswer {
  if (written === undefined || record === undefined) return unavailable(activity, 'no answer')
  if (written.ok) {
    const { topic, partition } = record
    return { outcome: 'created', id: activity.id, coordinates: { topic, partition, offset: written.offset } }
  }
  const { error } = written
  if (error.code === 'payload_too_large' || error.code === 'invalid_argument') {
    return { outcome: 'refused', id: activity.id, code: error.code, message: error.message }
  }
  return unavailable(activity, error.message, error)
}

function unavailable(activity: Activity, message: string, cause?: ErrandError): EnqueueAnswer {
  return { outcome: 'unavailable', id: activity.id, message, ...(cause === undefined ? {} : { cause }) }
}
