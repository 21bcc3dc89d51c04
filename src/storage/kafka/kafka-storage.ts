// The storage on Kafka and Redis. Redis decides, Kafka remembers, and an offset moves only when Kafka remembers what Redis
// decided. This file composes the parts; each part says its own invariant.

import type { ClaimedAttempt, StoredResult } from '../../core/activity.ts'
import { STATUSES } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import { ErrandError } from '../../core/errors.ts'
import { cancelledFailure } from '../../core/failure.ts'
import { checkStoredResult } from '../../core/given-json.ts'
import { decideKey } from '../../core/idempotency.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import { checkBehavior } from '../../core/new-activity.ts'
import { checkInteger, describe } from '../../core/text.ts'
import { delayKey, laneTopics } from '../../core/topics.ts'
import { LogReader } from '../../consumer/log-reader.ts'
import { TopicAdmin } from '../../producer/topic-admin.ts'
import { TopicWriter } from '../../producer/topic-writer.ts'
import { release, renew } from '../redis/attempts.ts'
import { readKey } from '../redis/idempotency.ts'
import { expireLease, makeDue, readMarkers, readResult, writeResult } from '../redis/markers.ts'
import { Operations } from '../redis/operations.ts'
import { SideStore } from '../redis/side-store.ts'
import { Waiters, awaitResult } from '../redis/waiters.ts'
import type * as port from '../storage.ts'
import { Attempts } from './attempts.ts'
import { Canceller } from './canceller.ts'
import { checkKeyParams, checkPage, checkTypes } from './check-params.ts'
import { Dequeuer } from './dequeuer.ts'
import { Enqueuer } from './enqueuer.ts'
import { checkHealth } from './health.ts'
import { Inspector } from './inspector.ts'
import type { KafkaStorageOptions, ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import { resolveKafkaStorageOptions } from './kafka-storage-options.ts'
import { Lanes } from './lanes.ts'
import { LogSearch } from './log-search.ts'
import { Publisher } from './publisher.ts'
import { Reaping } from './reaping.ts'
import type { RebuildParams, RebuildReport } from './rebuild.ts'
import { Rebuild } from './rebuild.ts'
import { Recovery } from './recovery.ts'
import { Rehoming } from './rehoming.ts'
import { Scheduling } from './scheduling.ts'
import { Settler } from './settler.ts'
import { Timelines } from './timelines.ts'
import { TopicCatalog } from './topic-catalog.ts'

/**
 * The storage on Kafka and Redis.
 *
 * Guarantees: an activity answered `created` is never lost, also with all of Redis lost; an attempt is settled at most
 * once while Redis keeps its data; nothing runs before its time by Redis's clock. Not guaranteed: exactly one run.
 *
 * @example
 * await using storage = await KafkaStorage.open({ namespace: 'shop', brokers: ['localhost:9092'], redisUrl: 'redis://localhost:6379' })
 */
export class KafkaStorage implements port.Storage {
  readonly schedulesNatively = false
  readonly fixtures: port.StorageFixtures
  readonly operations: port.OperationStorage
  readonly #options: ResolvedKafkaStorageOptions
  readonly #store: SideStore
  readonly #admin: TopicAdmin
  readonly #writer: TopicWriter
  readonly #reader: LogReader
  readonly #catalog: TopicCatalog
  readonly #lanes: Lanes
  readonly #attempts: Attempts
  readonly #dequeuer: Dequeuer
  readonly #enqueuer: Enqueuer
  readonly #settler: Settler
  readonly #scheduling: Scheduling
  readonly #recovery: Recovery
  readonly #rebuild: Rebuild
  readonly #reaping: Reaping
  readonly #canceller: Canceller
  readonly #inspector: Inspector
  readonly #timelines: Timelines
  readonly #waiters: Waiters
  readonly #closed = new AbortController()
  #closing: Promise<void> | undefined

  /**
   * Connects to Kafka and Redis and checks both. Throws `invalid_argument` naming an option, `configuration` for a wrong
   * password or an evicting Redis, `unavailable` when nobody answers. Leaves nothing open when it fails.
   */
  static async open(options: KafkaStorageOptions): Promise<KafkaStorage> {
    const resolved = resolveKafkaStorageOptions(options)
    const storage = new KafkaStorage(resolved)
    try {
      await resolved.telemetry.quietly(() => storage.#open()) // what it leaves running is no part of the caller's trace
      return storage
    } catch (error) {
      await storage.close().catch(() => undefined) // the reason why it did not open is the one to tell
      throw error
    }
  }

  private constructor(options: ResolvedKafkaStorageOptions) {
    const { namespace, kafka, rehomeAfterMs, clock, logger } = options
    this.#options = options
    const store = new SideStore({
      namespace,
      url: options.redisUrl,
      username: options.redisUsername,
      password: options.redisPassword,
      tls: options.redisTls,
      protocol: options.redisProtocol,
      retention: options.retention,
      ...{ clock, logger },
      onScript: (script, ms, error) => options.telemetry.duration('side_store', ms, { script, error }),
    })
    const admin = new TopicAdmin({ settings: kafka, clock, logger })
    const writer = new TopicWriter({ settings: kafka, clock, logger })
    const reader = new LogReader({ settings: kafka, namespace, clock, logger })
    const catalog = new TopicCatalog(admin, options)
    const publisher = new Publisher(namespace, catalog, writer)
    const lanes = new Lanes(options, publisher)
    const restore = (): Promise<void> => this.#recovery.ensure()
    const rehoming = new Rehoming({ store, publisher, lanes, rehomeAfterMs, clock, logger })
    const attempts = new Attempts({ store, lanes, publisher, rehoming, restore, clock, logger })
    const enqueuer = new Enqueuer({ store, publisher, catalog, restore, clock, logger })
    const search = new LogSearch({ namespace, catalog, admin, reader, clock, logger })
    this.#store = store
    this.#admin = admin
    this.#writer = writer
    this.#reader = reader
    this.#catalog = catalog
    this.#lanes = lanes
    this.#attempts = attempts
    this.#enqueuer = enqueuer
    this.#dequeuer = new Dequeuer({ lanes, attempts, clock })
    this.#settler = new Settler({ store, attempts, publisher, rehoming, restore, logger })
    this.#scheduling = new Scheduling({ store, publisher, rehoming, catalog, admin, reader, options })
    this.#recovery = new Recovery({ ...options, store, scheduling: this.#scheduling, catalog, admin, reader })
    this.#rebuild = new Rebuild({ ...options, store, catalog, admin, reader, restoreFirst: restore })
    this.#reaping = new Reaping({ namespace, store, publisher, attempts, enqueuer, catalog, admin, restore, logger })
    this.#canceller = new Canceller({ store, publisher, search, catalog, restore, ids: options.ids })
    this.#inspector = new Inspector({ namespace, store, attempts, lanes, catalog, admin, reader, search, logger })
    this.#timelines = new Timelines({ store, search, reader, catalog, clock })
    this.#waiters = new Waiters(store)
    this.operations = new Operations(store)
    this.fixtures = {
      expireLease: async ({ id }) => {
        if (!(await expireLease(store, id))) throw nothingOf('lease', id)
      },
      makeDue: params => this.#makeDue(params.id),
    }
  }

  async #open(): Promise<void> {
    await this.#store.open()
    await this.#admin.start()
    await this.#writer.start()
    await this.#catalog.declareShared()
    await this.#recovery.ensure()
  }

  async declareTypes({ types }: Readonly<port.DeclareTypesParams>): Promise<void> {
    await this.#catalog.declare(checkTypes(types))
  }

  async subscribe({ types }: Readonly<port.DeclareTypesParams>): Promise<void> {
    await this.#catalog.declare(checkTypes(types))
    await this.#lanes.subscribe(types)
  }

  async enqueueMany(params: Readonly<port.EnqueueManyParams>): Promise<readonly port.EnqueueAnswer[]> {
    checkInteger('activities.length', params.activities.length, 1, LIMITS.enqueueBatchMax)
    return this.#enqueuer.enqueue(params)
  }

  async dequeue(params: Readonly<port.DequeueParams>): Promise<readonly ClaimedAttempt[]> {
    return this.#dequeuer.dequeue(params)
  }

  async catchUp({ types, timeoutMs }: Readonly<{ types: readonly string[]; timeoutMs: number }>): Promise<boolean> {
    const ends = await this.#admin.offsetsMany(types.flatMap(type => laneTopics(this.#options.namespace, type)))
    const caughtUp = await Promise.all(
      types.map(type => {
        const targets = laneTopics(this.#options.namespace, type).flatMap(topic =>
          (ends.get(topic) ?? []).map(({ partition, high }) => ({ topic, partition, offset: high })),
        )
        return this.#lanes.consumer(type)?.waitForPosition(targets, timeoutMs) ?? true
      }),
    )
    await this.#attempts.lookAtHeld()
    return caughtUp.every(Boolean)
  }

  async ackSuccess(params: Readonly<port.AckSuccessParams>): Promise<readonly port.AckSuccessAnswer[]> {
    return this.#settler.succeed(params)
  }

  async ackFailure(params: Readonly<port.AckFailureParams>): Promise<port.AckFailureAnswer> {
    return this.#settler.fail(params)
  }

  async processScheduled({ limit }: Readonly<{ limit: number }>): Promise<port.ScheduledReport> {
    const limitMax = checkInteger('limit', limit, 1, LIMITS.housekeepingBatchMax)
    await this.#recovery.ensure() // what an older state of Redis holds may have been cancelled since
    return this.#scheduling.dispatch(limitMax)
  }

  async requeueExpired({ limit }: Readonly<{ limit: number }>): Promise<port.RequeueReport> {
    // Also where nothing is claimed, what is scheduled must come back.
    await this.#recovery.ensure()
    return this.#reaping.requeueExpired(checkInteger('limit', limit, 1, LIMITS.housekeepingBatchMax))
  }

  async extendLease(params: Readonly<port.ExtendLeaseParams>): Promise<port.ExtendLeaseAnswer> {
    const [answer] = await this.extendLeases({ leases: [params] })
    return answer ?? { outcome: 'lost' }
  }

  async extendLeases({
    leases,
  }: Readonly<{ leases: readonly Readonly<port.ExtendLeaseParams>[] }>): Promise<readonly port.ExtendLeaseAnswer[]> {
    for (const { byMs } of leases) checkInteger('byMs', byMs, 1, LIMITS.leaseMsMax)
    const answers = await crossing('lease.renewed', () => renew(this.#store, leases))
    return leases.map(({ leaseId }, at): port.ExtendLeaseAnswer => {
      const answer = answers[at]
      if (answer === null || answer === undefined) {
        this.#attempts.lost(leaseId)
        return { outcome: 'lost' }
      }
      return { outcome: 'renewed', ...answer }
    })
  }

  async releaseLease({ id, leaseId }: Readonly<port.LeaseRef>): Promise<'released' | 'lease_lost'> {
    const [answer] = await crossing('release.released', () => release(this.#store, [{ id, leaseId }]))
    if (answer === 'cancel_requested') {
      // Given back it would run again, although somebody asked for it to end.
      const ended = await this.#settler.fail({
        id,
        leaseId,
        failure: { kind: 'cancelled', error: cancelledFailure(null) },
      })
      return ended.outcome === 'cancelled' ? 'released' : 'lease_lost'
    }
    if (answer !== 'released') {
      this.#attempts.lost(leaseId)
      return 'lease_lost'
    }
    this.#attempts.released(leaseId)
    return 'released'
  }

  async checkIdempotency(params: Readonly<port.CheckIdempotencyParams>): Promise<port.IdempotencyAnswer> {
    const entry = await readKey(this.#store, checkKeyParams(params))
    const verdict = decideKey(checkBehavior(params.behavior), entry?.state ?? 'none')
    if (verdict === 'create' || entry === null) return { outcome: 'proceed' }
    if (verdict === 'existing') return { outcome: 'existing', id: entry.id }
    const code = verdict === 'duplicate' ? 'duplicate_activity' : 'idempotency_conflict'
    return { outcome: 'refused', code, existingId: entry.id }
  }

  async lookupKey(params: Readonly<{ type: string; key: string }>): Promise<string | null> {
    return (await readKey(this.#store, checkKeyParams(params)))?.id ?? null
  }

  async cancel(params: Readonly<{ id: string; reason?: string }>): Promise<port.CancelAnswer> {
    return this.#canceller.cancel(params)
  }

  async redrive(params: Readonly<port.RedriveParams>): Promise<{ readonly id: string }> {
    return this.#canceller.redrive(params)
  }

  async discard(params: Readonly<{ id: string; reason?: string }>): Promise<port.DiscardAnswer> {
    return this.#canceller.discard(params)
  }

  async storeResult({ id, result }: Readonly<{ id: string; result: StoredResult }>): Promise<void> {
    checkId(id)
    checkStoredResult(result)
    await crossing('result.stored', () => writeResult(this.#store, id, result))
  }

  async getResult({ id }: Readonly<{ id: string }>): Promise<StoredResult | null> {
    return readResult(this.#store, checkId(id))
  }

  async awaitResult({ id, signal }: Readonly<{ id: string; signal?: AbortSignal }>): Promise<StoredResult> {
    checkId(id)
    const closed = this.#closed.signal
    const either = signal === undefined ? closed : AbortSignal.any([signal, closed])
    return awaitResult({ store: this.#store, waiters: this.#waiters, id, signal: either })
  }

  async stats(): Promise<port.StorageStats> {
    return this.#inspector.stats()
  }

  async laneFigures(): Promise<readonly port.LaneFigures[]> {
    return this.#inspector.laneFigures()
  }

  async list(params: Readonly<port.ListParams>): Promise<port.Page<port.ActivitySummary>> {
    if (!(STATUSES as readonly string[]).includes(params.status)) {
      throw new ErrandError(
        'invalid_argument',
        `status is ${describe(params.status)}; it must be one of ${STATUSES.join(', ')}.`,
        {
          details: { field: 'status' },
        },
      )
    }
    return this.#inspector.list(checkPage(params))
  }

  async listDeadLetters(params: Readonly<port.DeadLetterListParams>): Promise<port.Page<port.DeadLetterSummary>> {
    return this.#inspector.listDeadLetters(checkPage(params))
  }

  async getActivity({ id }: Readonly<{ id: string }>): Promise<port.ActivitySnapshot | null> {
    return this.#timelines.snapshot(checkId(id))
  }

  async getEvents({ id }: Readonly<{ id: string }>): Promise<readonly port.ActivityEvent[]> {
    return this.#timelines.events(checkId(id))
  }

  events({ signal }: Readonly<{ signal: AbortSignal }>): AsyncIterable<port.ActivityEvent | port.EventGap> {
    return this.#timelines.tail(signal)
  }

  health(): Promise<port.HealthReport> {
    const { clock } = this.#options
    return checkHealth({ store: this.#store, admin: this.#admin, lanes: this.#lanes, clock })
  }

  async confirmReservations({ limit }: Readonly<{ limit: number }>): Promise<number> {
    return this.#reaping.confirmReservations(checkInteger('limit', limit, 1, LIMITS.housekeepingBatchMax))
  }

  async trimLanes(): Promise<number> {
    return this.#reaping.trimLanes()
  }

  async sweepScheduled(): Promise<number> {
    return this.#scheduling.sweep()
  }

  /**
   * Restores results, markers, counts, idempotency keys, the schedule and redrives from Kafka into a Redis that was emptied,
   * while workers run. What Redis knows already stays. One that was stopped, or killed, is continued by the next call; any
   * number may be at it. Rejects with `cancelled` when the signal aborts or the storage is closed, with `unavailable` when
   * Kafka or Redis is away.
   */
  async rebuild({ signal, ...params }: Readonly<RebuildParams> = {}): Promise<RebuildReport> {
    const closed = this.#closed.signal
    const either = signal === undefined ? closed : AbortSignal.any([signal, closed])
    return this.#rebuild.perform({ ...params, signal: either })
  }

  /** Gives back what is claimed here, commits, leaves the groups, closes every connection. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#closed.abort()
    const claimsEnded = this.#dequeuer.close()
    this.#recovery.close()
    this.#lanes.pauseIntake()
    this.#attempts.close()
    await claimsEnded
    const leases = this.#attempts.leases()
    if (leases.length > 0) {
      await crossing('close.released', () => release(this.#store, leases)).catch((error: unknown) =>
        this.#options.logger.warn('leases could not be given back; they expire', { error: String(error) }),
      )
    }
    await this.#scheduling.close()
    await this.#lanes.close()
    await this.#writer.stop()
    await this.#reader.stop()
    await this.#admin.stop()
    await this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #makeDue(id: string): Promise<void> {
    const [marker] = await readMarkers(this.#store, [id])
    const members = [delayKey(id, marker?.attempt ?? 1), marker?.home ?? '']
    const found = await Promise.all(members.map(member => makeDue(this.#store, member)))
    if (!found.includes(true)) throw nothingOf('due time', id)
  }
}

function nothingOf(what: string, id: string): ErrandError {
  return new ErrandError('not_found', `activity ${id} has no ${what} now.`, { details: { id } })
}
