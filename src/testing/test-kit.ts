// Activities in a unit test: no broker, no waiting. Memory storage, a clock that stands still until it is moved, fixed ids.

import { Client } from '../client/client.ts'
import type { ActivityDefinition } from '../client/define-activity.ts'
import type { Status } from '../core/activity.ts'
import { systemClock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import type { IdSource } from '../core/ids.ts'
import { uuidv7Source } from '../core/ids.ts'
import type { Logger } from '../core/logger.ts'
import { silentLogger } from '../core/logger.ts'
import { LIMITS } from '../core/limits.ts'
import { newActivity } from '../core/new-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import type { ActivitySummary } from '../storage/storage.ts'
import { silentTelemetry } from '../telemetry/telemetry.ts'
import { Attempt } from '../worker/attempt.ts'
import type { HandlerContext } from '../worker/handler-context.ts'
import { AttemptContext } from '../worker/attempt-context.ts'
import type { HandleOptions, Handler } from '../worker/registry.ts'
import { Slots } from '../worker/slots.ts'
import { Worker } from '../worker/worker.ts'
import { ManualClock } from './manual-clock.ts'

/** Rounds without an end of any activity, and in all, until `drain` says that the activities never end. */
const FRUITLESS_ROUNDS_MAX = 100
const ROUNDS_MAX = 10_000
/** Turns of the event loop that handlers get between two due times. */
const TURNS = 10

/** Options of {@link createTestKit}. */
export interface TestKitOptions {
  /** Where the clock stands at first. Unit: ms since the epoch. @defaultValue 2026-01-01T00:00:00Z */
  readonly startMs?: number
  /** Handlers of one type that run at once. @defaultValue 10 */
  readonly concurrency?: number
  /** @defaultValue says nothing */
  readonly logger?: Logger
}

/** What {@link TestKit.runHandler} may be told about the attempt. */
export interface RunHandlerOptions {
  /** @defaultValue 1 */
  readonly attempt?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/** Makes a kit: `await using kit = createTestKit()`. */
export function createTestKit(options: TestKitOptions = {}): TestKit {
  return new TestKit(options)
}

/** A storage, a client and workers on one clock. */
export class TestKit implements AsyncDisposable {
  readonly clock: ManualClock
  readonly storage: MemoryStorage
  readonly client: Client
  readonly #options: TestKitOptions
  readonly #ids: IdSource
  readonly #workers = new Map<string, { readonly worker: Worker; readonly started: Promise<void> }>()

  constructor(options: TestKitOptions) {
    this.#options = options
    this.clock = options.startMs === undefined ? new ManualClock() : new ManualClock(options.startMs)
    this.#ids = fixedIds(this.clock, 1)
    this.storage = new MemoryStorage({ clock: this.clock, ids: fixedIds(this.clock, 2) })
    this.client = new Client({ storage: this.storage, clock: this.clock, ids: this.#ids, telemetry: silentTelemetry })
  }

  /** Runs a type from here on, also what was enqueued before. */
  handle<Given, Parsed, Returned, Result>(
    definition: ActivityDefinition<Given, Parsed, Returned, Result>,
    handler: Handler<Parsed, Returned>,
    options: HandleOptions = {},
  ): this {
    const { type } = definition
    if (this.#workers.has(type)) throw new ErrandError('conflict', `type '${type}' has a handler already.`)
    const { clock, storage } = this
    const worker = new Worker({
      ...{ storage, clock, ids: this.#ids, workerId: 'test-worker', reaper: false, telemetry: silentTelemetry },
      concurrency: this.#options.concurrency ?? 10,
      logger: this.#options.logger ?? silentLogger,
      // What a test fails on purpose is to end.
      deadLetterBudget: false,
      // A claim that waits sets a timer, and each timer is a stop on the way of `advance`.
      pollMs: LIMITS.waitMsMax,
    }).handle(definition, handler, options)
    this.#workers.set(type, { worker, started: worker.start() })
    return this
  }

  /**
   * Moves time, stopping at every due time on the way: what is due is made ready, expired leases are taken back, and handlers
   * get some turns of the event loop. Handlers that wait for something real may still run afterwards: see {@link drain}.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms
    for (;;) {
      await this.#turns()
      const nextDueInMs = await this.#housekeep()
      const leftMs = untilMs - this.clock.nowMs()
      if (leftMs <= 0) return this.#turns()
      await this.clock.advance(nextDueInMs === null ? leftMs : Math.min(leftMs, Math.max(1, nextDueInMs)))
    }
  }

  /**
   * Waits until nothing that has a handler is ready or running. Time stands still, so what is scheduled stays scheduled.
   * Throws `timeout` when activities go on and on.
   */
  async drain(): Promise<void> {
    let ended = -1
    for (let round = 0, fruitless = 0; round < ROUNDS_MAX && fruitless < FRUITLESS_ROUNDS_MAX; round++) {
      await this.#housekeep()
      await this.#turns()
      await Promise.all([...this.#workers.values()].map(({ worker }) => worker.idle()))
      const { byType, completed, failed, dead_letter, cancelled } = await this.storage.stats()
      const left = [...this.#workers.keys()].reduce((sum, type) => {
        const counts = byType[type]
        return sum + (counts === undefined ? 0 : counts.pending + counts.running)
      }, 0)
      if (left === 0) return
      const endedNow = completed + failed + dead_letter + cancelled
      fruitless = endedNow === ended ? fruitless + 1 : 0
      ended = endedNow
    }
    throw new ErrandError(
      'timeout',
      'activities are ready again and again; do they retry at once, or enqueue each other?',
    )
  }

  /**
   * The newest activity of that type and status, now or as soon as there is one; time is not moved.
   * Throws `timeout` after `timeoutMs` of real time (default 5,000).
   */
  async waitFor(params: {
    readonly type: string
    readonly status: Status
    readonly timeoutMs?: number
  }): Promise<ActivitySummary> {
    const { type, status, timeoutMs = 5_000 } = params
    const giveUp = new AbortController()
    const cancelTimeout = systemClock.after(timeoutMs, () => giveUp.abort())
    try {
      // Followed before it looks, so that nothing that happens in between is missed.
      const happenings = this.storage.events({ signal: giveUp.signal })[Symbol.asyncIterator]()
      for (let isOver = false; !isOver; isOver = (await happenings.next()).done === true) {
        const { items } = await this.storage.list({ type, status, limit: 1 })
        if (items[0] !== undefined) return items[0]
      }
      throw new ErrandError('timeout', `no activity of '${type}' became ${status} within ${timeoutMs} ms.`)
    } finally {
      cancelTimeout()
      giveUp.abort()
    }
  }

  /** One attempt of a handler with a context of this kit, without storage or worker: gives back or throws what the handler does. */
  async runHandler<Parsed, Returned>(
    handler: Handler<Parsed, Returned>,
    input: Parsed,
    options: RunHandlerOptions = {},
  ): Promise<Returned> {
    return handler(input, this.#context(options))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let isStopped = false
    const stopping = Promise.all([...this.#workers.values()].map(({ worker }) => worker.stop({ graceMs: 0 })))
    void stopping.finally(() => (isStopped = true))
    // Handlers that never end take the time that is left for them, and only this moves time.
    while (!isStopped) await this.clock.advance(1_000)
    await stopping
    await this.storage.close()
  }

  #context({ attempt = 1, metadata = {} }: RunHandlerOptions): HandlerContext {
    const nowMs = this.clock.nowMs()
    const activity = newActivity({ type: 'test', payload: null, metadata }, { ids: this.#ids, nowMs })
    const claimed = { activity, attempt, leaseId: 'test', deadlineMs: nowMs + 15_000, startedAtMs: nowMs }
    const definition = { type: 'test', input: anything, output: undefined }
    const span = silentTelemetry.startSpan({ kind: 'process', activity })
    const registration = { definition, handler: () => null, options: {} }
    const made = new Attempt({ claimed, registration, slots: new Slots(1), span, startedMs: this.clock.monotonicMs() })
    const logger = this.#options.logger ?? silentLogger
    const heartbeat = (): Promise<void> => Promise.resolve()
    return new AttemptContext(made, { workerId: 'test-worker', logger, client: this.client, heartbeat })
  }

  /** What a reaper does, until there is nothing to do at this time. The time until the next due time, or null. */
  async #housekeep(): Promise<number | null> {
    const limit = LIMITS.housekeepingBatchMax
    await Promise.all([...this.#workers.values()].map(({ started }) => started))
    for (let round = 0; round < FRUITLESS_ROUNDS_MAX; round++) {
      const { requeued } = await this.storage.requeueExpired({ limit })
      const { moved, nextDueInMs } = await this.storage.processScheduled({ limit })
      if (requeued + moved === 0) return nextDueInMs
      await this.#turns()
    }
    throw new ErrandError('timeout', `activities were due ${FRUITLESS_ROUNDS_MAX} times without time having moved.`)
  }

  async #turns(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await new Promise(resolve => setImmediate(resolve))
  }
}

const anything = {
  '~standard': { version: 1, vendor: 'errand', validate: (value: unknown) => ({ value }) },
} as const

/** UUIDv7s by the clock, the same in every run. `mark` keeps two sources apart. */
function fixedIds(clock: ManualClock, mark: number): IdSource {
  return uuidv7Source({ nowMs: () => clock.nowMs(), randomBytes: into => into.fill(mark) })
}
