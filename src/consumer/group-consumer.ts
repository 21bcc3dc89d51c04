// A member of a consumer group that hands records over at once and takes their completion later, in any order.
//
//   kafkajs ─▶ session ─▶ delivery ─▶ onRecords … finish ─▶ ledger ─▶ committer ─▶ kafkajs
//                 └─join─▶ assignment (epochs)          supervisor: builds the session anew
//
// Nothing is awaited between a fetch and the hand-over, so a slow handler holds up neither its partition's neighbours nor
// the heartbeat. At a join everything is decided in the listener, synchronously: the next fetch waits for no promise.

import { withDeadline } from '../core/clock.ts'
import { ErrandError, fromUnknown, isErrandError } from '../core/errors.ts'
import type { StopReport } from '../core/lifecycle.ts'
import { Lifecycle } from '../core/lifecycle.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { Assignment } from './assignment.ts'
import type { AssignedTopics } from './assignment.ts'
import { Committer } from './committer.ts'
import { Delivery } from './delivery.ts'
import type { FetchedRecord } from './fetched-record.ts'
import type { GroupConsumerOptions, ResolvedGroupConsumerOptions } from './group-consumer-options.ts'
import { resolveGroupConsumerOptions } from './group-consumer-options.ts'
import type { SessionBatch, SessionEvents } from './group-session.ts'
import { GroupSession } from './group-session.ts'
import type { PositionTarget } from './position-waiters.ts'
import { PositionWaiters } from './position-waiters.ts'
import { Supervisor } from './supervisor.ts'
import type { TopicPartition } from './topic-partition.ts'
import { partitionKey } from './topic-partition.ts'
import { TopicPresence } from './topic-presence.ts'

export type { GroupConsumerOptions } from './group-consumer-options.ts'
export type { PositionTarget } from './position-waiters.ts'

/** An assigned partition, as it stands. */
export interface AssignedStatus extends TopicPartition {
  /** The next offset to be handed over. */
  readonly position: number
  /** The lowest offset not finished: what is committed. */
  readonly frontier: number
  readonly unfinished: number
  readonly finishedAhead: number
}

/** Counts since the start. */
export interface GroupConsumerStats {
  /** Joins after the first. */
  readonly rebalances: number
  /** Consumers that the supervisor built anew. */
  readonly rebuilds: number
  readonly commits: number
  /** Batches that did not continue what was delivered, fetched again. */
  readonly refusedBatches: number
  /** Topics that are subscribed to and do not exist. */
  readonly missingTopics: number
}

/** How long records of a new epoch wait for what the group has committed. */
const COMMITTED_MS_MAX = 2_000

/** How long a start waits for the group's coordinator, and how often it asks. */
const COORDINATOR_MS_MAX = 20_000
const COORDINATOR_PAUSE_MS = 300

/** Consumes topics as a member of a group. */
export class GroupConsumer {
  readonly #options: ResolvedGroupConsumerOptions
  readonly #lifecycle: Lifecycle
  readonly #assignment = new Assignment()
  readonly #waiters: PositionWaiters
  readonly #delivery: Delivery
  readonly #committer: Committer
  readonly #supervisor: Supervisor
  #session: GroupSession | undefined
  /** Ends the opening of the current session: joined, or the reason why not. */
  #onOpened: ((error: ErrandError | undefined) => void) | undefined
  readonly #topics: TopicPresence
  #joins = 0
  #refusedBatches = 0

  /** Throws `invalid_argument` listing every bad option. */
  constructor(options: GroupConsumerOptions) {
    const resolved = resolveGroupConsumerOptions(options)
    const { clock, logger, marks, onRecords } = resolved
    this.#options = resolved
    this.#lifecycle = new Lifecycle(`the consumer of group '${resolved.groupId}'`)
    this.#waiters = new PositionWaiters(
      clock,
      ({ topic, partition }) => this.#assignment.get(topic, partition)?.handedPosition,
    )
    this.#delivery = new Delivery({ clock, logger, marks, onRecords, onMoved: () => this.#waiters.check() })
    this.#committer = new Committer({
      clock,
      logger,
      intervalMs: resolved.commitIntervalMs,
      partitions: () => this.#assignment,
      send: commits => this.#session?.commit(commits) ?? Promise.reject(this.#notJoined()),
    })
    this.#supervisor = new Supervisor({
      clock,
      logger,
      silenceMs: resolved.silenceMs,
      rebuild: () => this.#rebuild(),
      onFatal: error => this.#quietly('onFatal', () => resolved.onFatal(error)),
    })
    this.#topics = new TopicPresence(resolved, back => this.#supervisor.restart(`topics are back: ${back.join(', ')}`))
  }

  get stats(): GroupConsumerStats {
    return {
      rebalances: Math.max(0, this.#joins - 1),
      rebuilds: this.#supervisor.rebuilds,
      commits: this.#committer.commits,
      refusedBatches: this.#refusedBatches,
      missingTopics: this.#topics.missing.length,
    }
  }

  /**
   * Joins the group; resolves after the first join.
   *
   * Rejects with `unavailable` when the brokers do not answer, `not_found` when a topic does not exist, `timeout` when the
   * group does not let it in.
   */
  start(): Promise<void> {
    return this.#lifecycle.start(async () => {
      await this.#openFirst()
      this.#supervisor.start()
    })
  }

  /**
   * Takes nothing more, commits what is finished, leaves the group. Who wants what runs to be finished first pauses the
   * intake and waits before. `remaining`: records handed over and not finished; they come again elsewhere.
   */
  stop(): Promise<StopReport> {
    this.pauseIntake()
    return this.#lifecycle.stop(async () => {
      this.#topics.stop()
      await this.#supervisor.stop()
      this.#committer.stop()
      if (this.#session !== undefined) {
        await this.#committer.flush().catch((error: unknown) => {
          const reason = fromUnknown(error, 'unavailable').message
          this.#options.logger.warn('the last commit failed; what it named is looked at again', { reason })
        })
      }
      await this.#closeSession()
      let remaining = 0
      for (const partition of this.#assignment) remaining += partition.unfinished - partition.waitingCount
      this.#assignment.closeAll()
      this.#waiters.endAll()
      return { drained: remaining === 0, remaining }
    })
  }

  /** Marks a record finished; of an epoch that has ended, does nothing. Committed within the commit interval. */
  finish(record: FetchedRecord): void {
    const partition = this.#assignment.ofEpoch(record.epoch)
    if (partition === undefined || !partition.finish(record.offset, record.bytes)) return
    this.#committer.schedule()
    if (partition.isPaused && this.#session !== undefined) this.#delivery.regulate(partition, this.#session)
  }

  /** Marks records finished. */
  finishMany(records: Iterable<FetchedRecord>): void {
    for (const record of records) this.finish(record)
  }

  /** Commits now what is finished. Rejects when the broker does not take it; it is tried again anyway. */
  flush(): Promise<void> {
    return this.#committer.flush()
  }

  /** What this member has, and how far it is. */
  assigned(): readonly AssignedStatus[] {
    return [...this.#assignment].map(partition => ({
      topic: partition.topic,
      partition: partition.partition,
      position: partition.handedPosition,
      frontier: partition.ledger.frontier,
      unfinished: partition.unfinished,
      finishedAhead: partition.ledger.finishedAheadCount,
    }))
  }

  /**
   * Waits until everything below the targets was handed over here. A partition that is not assigned here does not count.
   * True when reached, false after `timeoutMs` (or when the consumer stops).
   */
  waitForPosition(targets: readonly PositionTarget[], timeoutMs: number): Promise<boolean> {
    return this.#waiters.wait(targets, timeoutMs)
  }

  /** Fetches and hands over nothing more. Membership goes on. */
  pauseIntake(): void {
    this.#delivery.closeIntake(this.#session)
  }

  /** Undoes {@link pauseIntake}. */
  resumeIntake(): void {
    if (this.#lifecycle.signal.aborted) return
    this.#delivery.openIntake([...this.#assignment], this.#session)
  }

  /** False once the consumer has died for good or cannot join; a Kafka that is away is no reason. */
  isHealthy(): boolean {
    return this.#supervisor.isHealthy && this.#lifecycle.state !== 'failed'
  }

  /** Just after a broker has started, its group coordinator still loads, which kafkajs takes for final. */
  async #openFirst(): Promise<void> {
    const { clock, topics, logger } = this.#options
    const givenUpAtMs = clock.monotonicMs() + COORDINATOR_MS_MAX
    for (;;) {
      try {
        return await this.#open(topics)
      } catch (error) {
        const mayPass = isErrandError(error, 'unavailable') && this.#session?.hasConnected === true
        await this.#closeSession()
        if (!mayPass || this.#lifecycle.signal.aborted || clock.monotonicMs() > givenUpAtMs) throw error
        logger.debug('the group cannot be joined yet', { reason: error.message })
        await clock.sleep(COORDINATOR_PAUSE_MS)
      }
    }
  }

  /** Opens a session and waits until it has joined. */
  async #open(topics: readonly string[]): Promise<void> {
    const { clock, silenceMs } = this.#options
    const opened = new Promise<void>((resolve, reject) => {
      this.#onOpened = error => (error === undefined ? resolve() : reject(error))
    })
    const events: SessionEvents = {
      onJoin: (memberId, assigned) => this.#ifCurrent(session, () => this.#onJoin(session, memberId, assigned)),
      onBatch: batch => this.#ifCurrent(session, () => this.#onBatch(session, batch)),
      onSkipped: ({ topic, partition }, last) =>
        this.#ifCurrent(session, () => this.#assignment.get(topic, partition)?.skipped(last)),
      onAlive: () => this.#ifCurrent(session, () => this.#supervisor.alive()),
      onCrash: (error, isFatal) => this.#ifCurrent(session, () => this.#onCrash(error, isFatal)),
    }
    const session: GroupSession = new GroupSession(this.#options, topics, () => this.#assignment.owned(), events)
    this.#session = session
    try {
      const joined = Promise.all([session.open(), opened])
      const late = (): Error =>
        session.hasConnected
          ? new ErrandError('timeout', `no join of the group within ${silenceMs} ms`)
          : new ErrandError('unavailable', `no broker answered within ${silenceMs} ms`)
      await withDeadline(clock, Promise.race([joined, this.#stopped()]), silenceMs, late)
    } finally {
      this.#onOpened = undefined
    }
  }

  /** Rejects when the consumer is being stopped while it rebuilds. */
  #stopped(): Promise<never> {
    const { signal } = this.#lifecycle
    return new Promise((_, reject) => {
      const onAbort = (): void => reject(new ErrandError('cancelled', 'the consumer is being stopped'))
      if (this.#lifecycle.state === 'starting') return // a start is waited for
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async #rebuild(): Promise<void> {
    await this.#closeSession()
    await this.#open(await this.#topics.existing())
    this.#quietly('onChurn', () => this.#options.onChurn('rebuilds'))
  }

  async #closeSession(): Promise<void> {
    const session = this.#session
    if (session === undefined) return
    if (this.#lifecycle.state !== 'stopping') this.#session = undefined
    await session.close()
    this.#session = undefined
  }

  #ifCurrent(session: GroupSession, call: () => void): void {
    if (session === this.#session) call()
  }

  #onCrash(error: ErrandError, isFatal: boolean): void {
    if (this.#onOpened !== undefined && !isFatal) return this.#onOpened(error) // whoever opens it has the error
    this.#onOpened?.(error)
    this.#supervisor.crashed(error, isFatal)
  }

  #onJoin(session: GroupSession, memberId: string, assigned: AssignedTopics): void {
    const { onRevoked, onJoined } = this.#options
    this.#joins += 1
    if (this.#joins > 1) this.#quietly('onChurn', () => this.#options.onChurn('rebalances'))
    this.#supervisor.alive()
    const { kept, opened, closed } = this.#assignment.join(memberId, assigned)
    for (const partition of kept) this.#seekToPosition(session, partition)
    this.#delivery.regulateAll(this.#assignment, session)
    if (closed.length > 0) this.#quietly('onRevoked', () => onRevoked(closed.map(plain)))
    this.#quietly('onJoined', () => onJoined([...this.#assignment].map(plain)))
    if (opened.length > 0) void this.#learnCommitted(session, opened)
    this.#waiters.check()
    this.#onOpened?.(undefined)
  }

  #onBatch(session: GroupSession, batch: SessionBatch): void {
    const partition = this.#assignment.get(batch.topic, batch.partition)
    if (partition === undefined || batch.isStale || !this.#delivery.isOpen) return // fetched again, here or elsewhere
    const verdict = batch.fetchedOffset === undefined ? 'accept' : partition.judge(batch.fetchedOffset)
    if (verdict === 'ignore') return
    if (verdict === 'refuse') return this.#refuse(session, partition)
    try {
      batch.resolve()
      this.#delivery.accept(partition, batch, session)
    } catch (error) {
      this.#seekToPosition(session, partition)
      throw error
    }
  }

  #refuse(session: GroupSession, partition: AssignedPartition): void {
    this.#refusedBatches += 1
    this.#seekToPosition(session, partition)
    if (partition.refusals > 1 && partition.suspend()) void this.#relocate(session, partition)
  }

  #seekToPosition(session: GroupSession, partition: AssignedPartition): void {
    const position = partition.seekPosition
    if (position === undefined) return
    session.seek(partition, position)
    partition.sought()
  }

  /** Never rejects. */
  async #learnCommitted(session: GroupSession, partitions: readonly AssignedPartition[]): Promise<void> {
    const { clock, logger } = this.#options
    const late = (): Error => new ErrandError('timeout', `no answer within ${COMMITTED_MS_MAX} ms`)
    const committed = await withDeadline(clock, session.committed(partitions), COMMITTED_MS_MAX, late).catch(
      (error: unknown) => {
        const reason = fromUnknown(error, 'unavailable').message
        logger.warn('committed offsets are unknown; what is finished ahead of them is looked at again', { reason })
        return undefined
      },
    )
    for (const partition of partitions) {
      if (!partition.isOpen) continue
      const isLocating = partition.phase === 'locating'
      partition.learn(committed?.get(partitionKey(partition)))
      if (isLocating) this.#seekToPosition(session, partition)
      if (partition.isDirty) this.#committer.schedule()
      this.#delivery.handOver(partition, session)
    }
  }

  /** Refused twice: perhaps the log itself has moved (trimmed, or deleted and made anew). Never rejects. */
  async #relocate(session: GroupSession, partition: AssignedPartition): Promise<void> {
    const { logger, onRevoked } = this.#options
    this.#delivery.regulate(partition, session)
    const bounds = await session.bounds(partition).catch((error: unknown) => {
      logger.warn('the bounds of a log are unknown', { reason: fromUnknown(error, 'unavailable').message })
      return undefined
    })
    if (!partition.isOpen) return
    const { position } = partition.ledger
    let current = partition
    if (bounds === undefined || (bounds.low <= position && position <= bounds.high)) partition.resumeFlow()
    else {
      logger.error('a log no longer holds the position; read from its start', {
        ...plain(partition),
        position,
        ...bounds,
      })
      current = this.#assignment.replace(partition, bounds.low)
      current.isDirty = true
      this.#committer.schedule()
      this.#quietly('onRevoked', () => onRevoked([plain(partition)]))
    }
    this.#seekToPosition(session, current)
    this.#delivery.regulateAll(this.#assignment, session)
    this.#delivery.handOver(current, session)
  }

  #notJoined(): ErrandError {
    return new ErrandError('unavailable', `the consumer of group '${this.#options.groupId}' is not joined`)
  }

  /** A callback of whoever uses this class: what it throws must not reach kafkajs. */
  #quietly(name: string, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#options.logger.error(`${name} threw`, { reason: fromUnknown(error, 'internal').message })
    }
  }
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
