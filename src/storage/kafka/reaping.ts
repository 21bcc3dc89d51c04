// Reaping: expired leases go back to their lanes or to the dead letters, reservations that nobody confirmed are finished,
// lanes are trimmed below what is committed. Any number of reapers is safe: each step is fenced or the same for all.

import { randomUUID } from 'node:crypto'
import type { CrashPoint } from '../../core/crash-point.ts'
import { crossing } from '../../core/crash-point.ts'
import { cancelledFailure, leaseExpiredFailure } from '../../core/failure.ts'
import type { Logger } from '../../core/logger.ts'
import type { AttemptOutcome } from '../../core/activity.ts'
import { decideExpiry } from '../../core/settle.ts'
import { laneTopics, workersGroup } from '../../core/topics.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import type { WriteRecord } from '../../producer/topic-writer.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import type { Reaping as Taken, SettleRequest } from '../redis/attempts.ts'
import { release, settle, takeExpired } from '../redis/attempts.ts'
import { staleReservations } from '../redis/idempotency.ts'
import { errorResultText } from '../redis/markers.ts'
import type { SideStore } from '../redis/side-store.ts'
import { GRACE_MS } from '../redis/side-store.ts'
import type { RequeueReport, TakenBack } from '../storage.ts'
import type { Attempts } from './attempts.ts'
import type { Enqueuer } from './enqueuer.ts'
import type { Publisher, Settlement } from './publisher.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** A reaper that does not finish within this is continued by another. */
const REAP_MS = 10_000
/** A producer gets its whole deadline before its reservation counts as left behind. */
const RESERVATION_STALE_MS = 35_000

/** How a lease that expired is to end, for Kafka and for Redis. */
interface End {
  readonly settlement: Settlement
  readonly request: SettleRequest
}

/** Housekeeping on Kafka and Redis. */
export class Reaping {
  readonly #parts: {
    readonly namespace: string
    readonly store: SideStore
    readonly publisher: Publisher
    readonly attempts: Attempts
    readonly enqueuer: Enqueuer
    readonly catalog: TopicCatalog
    readonly admin: TopicAdmin
    readonly restore: () => Promise<void>
    readonly logger: Logger
  }

  constructor(parts: {
    namespace: string
    store: SideStore
    publisher: Publisher
    attempts: Attempts
    enqueuer: Enqueuer
    catalog: TopicCatalog
    admin: TopicAdmin
    restore: () => Promise<void>
    logger: Logger
  }) {
    this.#parts = parts
  }

  /** Takes expired leases back. */
  async requeueExpired(limit: number): Promise<RequeueReport> {
    const { store } = this.#parts
    if (store.main.sinceTroubleMs() < GRACE_MS) return NOTHING
    const taken = await crossing('reap.taken', () =>
      takeExpired(store, { limit, token: `reaper-${randomUUID()}`, reapMs: REAP_MS }),
    )
    if (taken.length === 0) return NOTHING
    const readable = taken.filter(each => this.#isReadable(each))
    // Without its envelope an attempt cannot be made anew; given back, its lane record is claimed again or set aside as poison.
    const nameless = taken.filter(each => !readable.includes(each))
    const tokens = nameless.map(each => ({ id: each.id, leaseId: each.token }))
    if (nameless.length > 0) await crossing('reap.returned', () => release(store, tokens))
    const decided = readable.map(each => this.#decide(each))
    const types = await this.#parts.catalog.declareEach(decided.map(({ settlement }) => settlement.activity.type))
    const ends = decided.filter(({ settlement }) => types.has(settlement.activity.type))
    const published = await this.#publish(ends)
    const requests = published.map(({ request }) => request)
    await crossing('reap.settled', () => settle(store, requests, this.#parts.restore))
    this.#parts.attempts.doubt(taken.map(each => each.id))
    await this.#parts.attempts.lookAtHeld()
    return {
      requeued: count(published, 'lease_expired') + nameless.length,
      deadLettered: count(published, 'dead_letter'),
      cancelled: count(published, 'cancelled'),
      taken: published.flatMap(({ settlement: { activity, outcome, error } }) =>
        error === null || !isTakenBack(outcome) ? [] : [{ activity, outcome, error }],
      ),
    }
  }

  // Kafka first: the next attempt exists before Redis calls this one over, and before its outcome says so, because an
  // emptied Redis believes outcomes. What Kafka does not take stays with the reapers, and holds up nobody else.
  async #publish(ends: readonly End[]): Promise<readonly End[]> {
    const { publisher } = this.#parts
    const followed = await this.#write('reap.followed', ends, end => publisher.settlement(end.settlement).slice(1))
    return this.#write('reap.published', followed, end => publisher.settlement(end.settlement).slice(0, 1))
  }

  /** Those whose records Kafka took; throws when it took none. */
  async #write(
    point: CrashPoint,
    ends: readonly End[],
    recordsOf: (end: End) => WriteRecord[],
  ): Promise<readonly End[]> {
    const errors = await crossing(point, () => this.#parts.publisher.writeEach(ends.map(recordsOf)))
    const written = ends.filter((_, at) => errors[at] === undefined)
    const error = errors.find(each => each !== undefined)
    if (error === undefined) return written
    if (written.length === 0) throw error
    this.#parts.logger.warn('some expired leases could not be taken back; tried again soon', { error: error.message })
    return written
  }

  #isReadable({ id, envelope }: Taken): boolean {
    try {
      decodeActivity(envelope)
      return true
    } catch (error) {
      this.#parts.logger.warn('an expired lease has no readable envelope; it is given back', {
        id,
        error: String(error),
      })
      return false
    }
  }

  #decide(taken: Taken): End {
    const activity = decodeActivity(taken.envelope)
    const decision = decideExpiry(activity, taken.cancelRequested)
    const outcome: AttemptOutcome = decision.kind === 'retry' ? 'lease_expired' : decision.kind
    const error = outcome === 'cancelled' ? cancelledFailure(taken.cancelReason) : leaseExpiredFailure(taken.worker)
    const result = errorResultText({ outcome, failure: error, attempts: activity.attempt })
    const settlement: Settlement = {
      activity,
      outcome,
      leaseId: taken.token,
      worker: taken.worker,
      startedAtMs: taken.startedAtMs,
      endedAtMs: taken.reapedAtMs,
      dueAtMs: null,
      error,
      resultJson: null,
      source: null,
      traceparent: null,
    }
    const request: SettleRequest = {
      activity,
      leaseId: taken.token,
      outcome,
      delayMs: 0,
      error,
      result,
      yieldsToCancel: false,
      worker: taken.worker ?? '',
      startedAtMs: taken.startedAtMs ?? 0,
      said: outcome,
      traceparent: null,
      endedAtMs: taken.reapedAtMs,
    }
    return { settlement, request }
  }

  /** Finishes keyed enqueues whose producer died between reserving and confirming. */
  async confirmReservations(limit: number): Promise<number> {
    const envelopes = await staleReservations(this.#parts.store, { limit, olderThanMs: RESERVATION_STALE_MS })
    return envelopes.length === 0 ? 0 : this.#parts.enqueuer.finishReservations(envelopes)
  }

  /** Deletes lane records below the committed frontier of the types known here. Gives the number of records deleted. */
  async trimLanes(): Promise<number> {
    const { namespace, admin, catalog, logger } = this.#parts
    let trimmed = 0
    for (const type of await catalog.allTypes()) {
      const topics = laneTopics(namespace, type)
      const committed = await admin.committed(workersGroup(namespace, type), topics)
      const bounds = await admin.offsetsMany(topics)
      for (const topic of topics) {
        const cuts = (bounds.get(topic) ?? []).flatMap(({ partition, low, high }) => {
          const offset = committed.find(each => each.topic === topic && each.partition === partition)?.offset ?? -1
          // Beyond the end: the lane was made anew, and the offset is that of another log.
          return offset > low && offset <= high ? [{ partition, offset, low }] : []
        })
        if (cuts.length === 0) continue
        const offsets = cuts.map(({ partition, offset }) => ({ partition, offset }))
        await crossing('trim.deleted', () => admin.deleteRecordsBefore(topic, offsets))
        trimmed += cuts.reduce((sum, { offset, low }) => sum + offset - low, 0)
      }
    }
    if (trimmed > 0) logger.debug('lanes trimmed', { records: trimmed })
    return trimmed
  }
}

const NOTHING: RequeueReport = { requeued: 0, deadLettered: 0, cancelled: 0, taken: [] }

function isTakenBack(outcome: AttemptOutcome): outcome is TakenBack['outcome'] {
  return outcome === 'lease_expired' || outcome === 'dead_letter' || outcome === 'cancelled'
}

function count(ends: readonly { readonly settlement: Settlement }[], outcome: AttemptOutcome): number {
  return ends.filter(({ settlement }) => settlement.outcome === outcome).length
}
