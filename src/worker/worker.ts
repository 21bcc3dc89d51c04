// Runs activities. What it holds, and who does what:
//
//   Intake ──claims──▶ Executor ──runs handlers──▶ Settler ──writes how they ended──▶ storage
//      ▲                  │ held attempts: LeaseKeeper renews them, Deadlines times them
//      └── free slots ◀───┘
//      └── how many of a type ◀── DeadLetterGuard, which sees every end before the settler does
//
// It knows only the port. Stopping: claims end, signals abort with `shutdown`, what ends within the grace counts, and the rest
// is given back uncounted.

import { Client } from '../client/client.ts'
import type { ActivityDefinition } from '../client/define-activity.ts'
import type { ClaimedAttempt, RecordedFailure } from '../core/activity.ts'
import { ErrandError, invariant, isErrandError } from '../core/errors.ts'
import { LIMITS, WORKER_LIMITS } from '../core/limits.ts'
import type { LifecycleState, StopReport } from '../core/lifecycle.ts'
import { Lifecycle } from '../core/lifecycle.ts'
import type { LogFields } from '../core/logger.ts'
import { checkInteger } from '../core/text.ts'
import type { ReapedDeadLetter } from '../reaper/reaper-options.ts'
import { Reaper } from '../reaper/reaper.ts'
import type { GaugeReading } from '../telemetry/telemetry.ts'
import type { Attempt } from './attempt.ts'
import type { AttemptEnding } from './attempt-ending.ts'
import { endingOf } from './attempt-ending.ts'
import { DeadLetterGuard } from './dead-letter-guard.ts'
import { Deadlines } from './deadlines.ts'
import { Executor, factsOf } from './executor.ts'
import { HeldAttempts } from './held-attempts.ts'
import { Intake } from './intake.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { DeadLetterListener, DeadLetterNotice, HandleOptions, Handler } from './registry.ts'
import { Registry } from './registry.ts'
import { Settler } from './settler.ts'
import { Slots } from './slots.ts'
import type { WorkerEvents, WorkerListener } from './worker-events.ts'
import { WorkerEmitter } from './worker-events.ts'
import type { ResolvedWorkerOptions, WorkerOptions } from './worker-options.ts'
import { resolveWorkerOptions } from './worker-options.ts'

/** What is left when a stop's grace is over has so long to be given back. */
const RELEASE_MS_MAX = 2_000
const DAY_MS = 24 * 3_600_000

/**
 * Claims and runs activities of the types that it has handlers for.
 *
 * @example
 * await using worker = new Worker({ storage, concurrency: 50 })
 * worker.handle(sendInvoice, async (input, ctx) => ({ receiptId: await mail(input, ctx.signal) }))
 * await worker.run({ signal: stopSignals() })
 */
export class Worker {
  readonly #options: ResolvedWorkerOptions
  readonly #lifecycle = new Lifecycle('worker')
  readonly #registry = new Registry()
  readonly #held = new HeldAttempts()
  readonly #events: WorkerEmitter
  readonly #guard: DeadLetterGuard
  readonly #executor: Executor
  readonly #keeper: LeaseKeeper
  readonly #deadlines: Deadlines
  /** Aborted when a stop's grace is over: settlements are no longer repeated. */
  readonly #abandon = new AbortController()
  readonly #slots: Slots
  readonly #ownSlots = new Set<Slots>()
  #intakes: readonly Intake[] = []
  #loops: Promise<unknown> = Promise.resolve()
  #reaper: Reaper | undefined
  #endGauges: (() => void) | undefined
  /** Given back or given up since stopping began. */
  #unfinished = 0

  /** Throws `invalid_argument` naming every bad option. */
  constructor(options: WorkerOptions) {
    this.#options = resolveWorkerOptions(options)
    const { storage, clock, logger, telemetry, ids, leaseMs, workerId } = this.#options
    this.#slots = new Slots(this.#options.concurrency)
    const events = new WorkerEmitter(logger)
    const held = this.#held
    this.#events = events
    this.#keeper = new LeaseKeeper({
      ...{ storage, clock, held, events, leaseMs },
      onLost: attempt => this.#leaseLost(attempt),
      onCancelled: attempt => this.#guard.cancel(attempt),
      onLate: lateMs => logger.warn('leases were renewed late: the event loop or the storage stood still', { lateMs }),
    })
    const onEnded = (attempt: Attempt, ending: AttemptEnding): void => this.#ended(attempt, ending)
    const abandon = this.#abandon.signal
    this.#guard = new DeadLetterGuard({
      ...{ budget: this.#options.deadLetterBudget, clock, held, events, logger, telemetry },
      settler: new Settler({ storage, clock, held, events, telemetry, abandon, onEnded }),
      onChange: () => this.#rethink(),
    })
    this.#deadlines = new Deadlines(clock, held, attempt => this.#executor.timeOut(attempt))
    this.#executor = new Executor({
      ...{ options: this.#options, held, events, guard: this.#guard, deadlines: this.#deadlines },
      context: {
        ...{ workerId, logger },
        client: new Client({ storage, clock, logger, telemetry, ...(ids === undefined ? {} : { ids }) }),
        heartbeat: attempt => this.#heartbeat(attempt),
      },
      onSlotFree: () => this.#poke(),
    })
  }

  get state(): LifecycleState {
    return this.#lifecycle.state
  }

  /** A label for people, as leases and outcomes carry it. */
  get workerId(): string {
    return this.#options.workerId
  }

  /** Types that are claimed more slowly now, because their activities die: see `deadLetterBudget`. */
  get backingOff(): readonly string[] {
    return this.#guard.slowed
  }

  /** Handlers that run now, slots in all, and attempts that wait to be settled. */
  get load(): { readonly running: number; readonly slots: number; readonly settling: number } {
    const all = [this.#slots, ...this.#ownSlots]
    const running = all.reduce((sum, { taken }) => sum + taken, 0)
    return { running, slots: all.reduce((sum, { limit }) => sum + limit, 0), settling: this.#held.settling }
  }

  /** Says who runs a type. Before `start`. Throws `conflict` when the type has a handler or the worker was started. */
  handle<Given, Parsed, Returned, Result>(
    definition: ActivityDefinition<Given, Parsed, Returned, Result>,
    handler: Handler<Parsed, Returned>,
    options: HandleOptions = {},
  ): this {
    if (this.state !== 'idle') {
      throw new ErrandError('conflict', `the worker is ${this.state}; register handlers before it starts.`)
    }
    const { concurrency } = options
    if (concurrency !== undefined) checkInteger('concurrency', concurrency, 1, WORKER_LIMITS.concurrencyMax)
    // The definition's schema makes `Parsed` of every payload before this handler sees it.
    this.#registry.add({ definition, handler: handler as Handler, options })
    return this
  }

  /** Listens to what happens in this worker; the function given back ends it. */
  on<Name extends keyof WorkerEvents>(name: Name, listener: WorkerListener<Name>): () => void {
    return this.#events.on(name, listener)
  }

  /** Subscribes and begins to claim. Idempotent. Throws what the storage says, and `conflict` once stopped. */
  start(): Promise<void> {
    return this.#lifecycle.start(() => this.#options.telemetry.quietly(() => this.#open()))
  }

  /** Starts, works until the signal aborts (or `stop` is called), stops, and says how. Keeps the process alive meanwhile. */
  async run({ signal }: { readonly signal?: AbortSignal } = {}): Promise<StopReport> {
    await this.start()
    const until = signal === undefined ? this.#lifecycle.signal : AbortSignal.any([signal, this.#lifecycle.signal])
    while (!until.aborted) {
      await this.#options.clock.sleep(DAY_MS, { signal: until }).catch((error: unknown) => {
        if (!isErrandError(error, 'cancelled')) throw error // cancelled: what this waits for
      })
    }
    return this.stop()
  }

  /**
   * Claims no more, aborts signals with `shutdown`, and waits at most `graceMs` for what runs: what ends counts, what does not
   * is given back uncounted. Idempotent; the first call's grace holds. Handlers that ignore their signal go on in the process.
   */
  stop({ graceMs }: { readonly graceMs?: number } = {}): Promise<StopReport> {
    const grace = checkInteger('graceMs', graceMs ?? this.#options.graceMs, 0, LIMITS.waitMsMax)
    const stopping = this.#lifecycle.stop(() => this.#close(grace))
    this.#poke()
    return stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Resolves when no attempt is running or being settled here. */
  idle(): Promise<void> {
    return this.#held.whenEmpty()
  }

  async #open(): Promise<void> {
    const { storage, clock, logger, telemetry, reaper } = this.#options
    const registrations = this.#registry.all()
    if (registrations.length === 0) {
      throw new ErrandError('invalid_argument', 'the worker has no handlers; call handle() before start().')
    }
    await storage.subscribe({ types: registrations.map(({ definition }) => definition.type) })
    const shared = registrations.filter(({ options }) => options.concurrency === undefined)
    const own = registrations.filter(({ options }) => options.concurrency !== undefined)
    this.#intakes = [
      ...(shared.length === 0
        ? []
        : [
            this.#intake(
              shared.map(({ definition }) => definition.type),
              this.#slots,
            ),
          ]),
      ...own.map(({ definition, options }) => {
        const slots = new Slots(options.concurrency ?? 1)
        this.#ownSlots.add(slots)
        return this.#intake([definition.type], slots)
      }),
    ]
    this.#loops = Promise.all(this.#intakes.map(intake => intake.run(this.#lifecycle.signal)))
    this.#endGauges = telemetry.observe(() => this.#slotReadings())
    if (reaper === undefined) return
    const onDeadLetter = (letter: ReapedDeadLetter): Promise<void> => this.#reaped(letter)
    this.#reaper = new Reaper({ ...reaper, storage, clock, logger, telemetry, onDeadLetter })
    await this.#reaper.start()
  }

  #intake(types: readonly string[], slots: Slots): Intake {
    for (const type of types) this.#guard.add(type, slots.limit)
    return new Intake({
      ...{ options: this.#options, types, slots, events: this.#events },
      plan: () => this.#guard.plan(types),
      room: () => WORKER_LIMITS.settlingMax - this.#held.settling,
      begin: (claimed, into) => this.#begin(claimed, into),
      giveBack: claimed => this.#giveBack(claimed),
    })
  }

  #begin(claimed: readonly ClaimedAttempt[], slots: Slots): void {
    const { clock, telemetry } = this.#options
    const nowMs = clock.monotonicMs()
    const refused: ClaimedAttempt[] = []
    this.#keeper.wake()
    for (const one of claimed) {
      const { activity, attempt, startedAtMs } = one
      if (!this.#guard.admits(activity.type)) {
        refused.push(one)
        continue
      }
      const registration = this.#registry.find(activity.type)
      invariant(registration !== undefined, `claimed '${activity.type}', which nobody handles here`)
      const waitMs = startedAtMs - (activity.scheduledAtMs ?? activity.createdAtMs)
      const labels = { type: activity.type, priority: activity.priority, isRetry: attempt > 1 }
      telemetry.duration('wait', Math.max(0, waitMs), labels)
      this.#executor.begin(one, registration, slots, nowMs)
    }
    if (refused.length > 0) void this.#giveBack(refused)
  }

  #poke(): void {
    for (const intake of this.#intakes) intake.poke()
  }

  #rethink(): void {
    for (const intake of this.#intakes) intake.rethink()
  }

  #leaseLost(attempt: Attempt): void {
    this.#guard.lost(attempt)
    this.#ended(attempt, endingOf('lease_lost'))
    attempt.abort('lease_lost')
  }

  async #heartbeat(attempt: Attempt): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    // Asked for by a handler, whose context is not to be that of our own calls.
    await this.#options.telemetry.quietly(() => this.#keeper.renewNow(attempt))
    if (attempt.abortReason !== undefined) throw attempt.abortReason
  }

  /** An attempt has left this worker's hands; its handler may still run. */
  #ended(attempt: Attempt, { outcome, error, retryInMs }: AttemptEnding): void {
    const { telemetry, clock } = this.#options
    const { type, priority, createdAtMs } = attempt.activity
    if (outcome === 'lease_lost') {
      telemetry.count('lease_lost', 1, { type, priority })
      this.#events.emit('lease_lost', () => factsOf(attempt))
    } else if (outcome !== 'abandoned') {
      telemetry.count('settled', 1, { type, priority, outcome })
      this.#events.emit('settled', () => ({ ...factsOf(attempt), outcome, error, retryInMs }))
    }
    if (outcome === 'completed') telemetry.duration('total', clock.nowMs() - createdAtMs, { type, priority, outcome })
    if (this.#lifecycle.signal.aborted && (outcome === 'released' || outcome === 'abandoned')) this.#unfinished += 1
    if (outcome === 'dead_letter' && error !== null) void this.#deadLettered(attempt, error)
    else this.#forget(attempt)
  }

  /** The attempt stays held until its listeners have ended, so that a stop waits for them. */
  async #deadLettered(attempt: Attempt, error: RecordedFailure): Promise<void> {
    const { activity, registration, claimed } = attempt
    const { logger, onDeadLetter } = this.#options
    logger.warn('an activity was dead-lettered', { ...attempt.logFields, error: error.message })
    this.#events.emit('dead_letter', () => ({ ...factsOf(attempt), error }))
    const { id, type, metadata, payloadJson } = activity
    const notice = { id, type, attempts: claimed.attempt, error, metadata, payloadJson }
    await this.#notify(notice, [registration.options.onDeadLetter, onDeadLetter], attempt.logFields)
    this.#forget(attempt)
  }

  /** A lease expired, of whichever worker and type, and the embedded reaper found no attempt left. */
  #reaped({ activity, error }: ReapedDeadLetter): Promise<void> {
    const { id, type, attempt: attempts, metadata, payloadJson } = activity
    const listeners = [this.#registry.find(type)?.options.onDeadLetter, this.#options.onDeadLetter]
    return this.#notify({ id, type, attempts, error, metadata, payloadJson }, listeners, { id, type })
  }

  async #notify(
    notice: DeadLetterNotice,
    listeners: readonly (DeadLetterListener | undefined)[],
    logFields: LogFields,
  ): Promise<void> {
    for (const listener of listeners) {
      try {
        await listener?.(notice)
      } catch (thrown) {
        this.#events.fail('onDeadLetter', thrown, logFields)
      }
    }
  }

  #slotReadings(): readonly GaugeReading[] {
    const { running, slots } = this.load
    return [
      { name: 'slots_used', value: running, labels: {} },
      { name: 'slots_limit', value: slots, labels: {} },
    ]
  }

  #forget(attempt: Attempt): void {
    this.#held.end(attempt)
    this.#poke()
  }

  async #giveBack(claimed: readonly ClaimedAttempt[]): Promise<void> {
    const { storage } = this.#options
    const releases = claimed.map(({ activity, leaseId }) => storage.releaseLease({ id: activity.id, leaseId }))
    for (const release of await Promise.allSettled(releases)) {
      // It was never begun, so its lease just expires.
      if (release.status === 'rejected') this.#events.fail('giving an unstarted attempt back', release.reason)
    }
  }

  async #close(graceMs: number): Promise<StopReport> {
    for (const attempt of this.#held) if (attempt.state === 'running') attempt.abort('shutdown')
    this.#guard.stop()
    const drained = Promise.all([this.#loops, this.#reaper?.stop(), this.#loops.then(() => this.#held.whenEmpty())])
    if (!(await this.#within(graceMs, drained))) {
      for (const attempt of this.#held) if (attempt.state === 'running') this.#guard.release(attempt)
      await this.#within(RELEASE_MS_MAX, drained)
    }
    this.#endGauges?.()
    this.#abandon.abort()
    this.#keeper.stop()
    this.#deadlines.stop()
    const remaining = this.#unfinished + this.#held.size
    this.#options.logger.info('the worker has stopped', { remaining })
    return { drained: remaining === 0, remaining }
  }

  /** Whether the promise resolved within so many ms. A sleep and no mere deadline, so that the process lives until then. */
  async #within(ms: number, promise: Promise<unknown>): Promise<boolean> {
    const isDone = new AbortController()
    const slept = this.#options.clock.sleep(ms, { signal: isDone.signal }).then(
      () => false,
      () => true,
    )
    return Promise.race([promise.then(() => true), slept]).finally(() => isDone.abort())
  }
}
