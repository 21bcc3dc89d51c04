// The housekeeper: expired leases, stale reservations, due activities, lanes to trim, an index to compare with its log.
// It knows only the port, which promises that any number of reapers may run at once, so there is no leader.

import { fromUnknown } from '../core/errors.ts'
import type { LifecycleState, StopReport } from '../core/lifecycle.ts'
import { Lifecycle } from '../core/lifecycle.ts'
import type { RequeueReport } from '../storage/storage.ts'
import { loopRounds } from './chore-loop.ts'
import { DeadLetterNotices } from './dead-letter-notices.ts'
import { LaneGauges } from './lane-gauges.ts'
import type { ReaperOptions, ResolvedReaperOptions } from './reaper-options.ts'
import { resolveReaperOptions } from './reaper-options.ts'
import { Scheduler } from './scheduler.ts'

/** What one round did. */
export interface ReaperReport extends Omit<RequeueReport, 'taken'> {
  /** Keyed enqueues that were finished for producers that died. */
  readonly confirmed: number
  /** Chores that failed; their errors are in the log. */
  readonly failures: number
}

const NOTHING: RequeueReport = { requeued: 0, deadLettered: 0, cancelled: 0, taken: [] }

/** How an expired lease ended, in the words of figures. */
const OUTCOMES = { lease_expired: 'retrying', dead_letter: 'dead_letter', cancelled: 'cancelled' } as const

/**
 * Takes expired leases back, makes due activities ready, and keeps the storage tidy.
 *
 * @example
 * await using reaper = new Reaper({ storage })
 * await reaper.start()
 */
export class Reaper {
  /** The loop that makes due activities ready; step it with `scheduler.tick()`. */
  readonly scheduler: Scheduler
  readonly #options: ResolvedReaperOptions
  readonly #lifecycle = new Lifecycle('reaper')
  readonly #notices: DeadLetterNotices
  readonly #gauges: LaneGauges | undefined
  #endGauges: (() => void) | undefined
  #loops: Promise<unknown> = Promise.resolve()
  /** By the monotonic clock; the first trim and sweep come one interval after the first round. */
  #trimAtMs: number | undefined
  #sweepAtMs: number | undefined

  /** Throws `invalid_argument` naming every bad option. */
  constructor(options: ReaperOptions) {
    this.#options = resolveReaperOptions(options)
    this.scheduler = new Scheduler(this.#options)
    const { storage, clock, telemetry, logger, onDeadLetter: listener, figuresIntervalMs: intervalMs } = this.#options
    this.#notices = new DeadLetterNotices({ listener, telemetry, logger })
    this.#gauges = intervalMs === undefined ? undefined : new LaneGauges({ storage, clock, intervalMs })
  }

  get state(): LifecycleState {
    return this.#lifecycle.state
  }

  /** Begins the loops. Idempotent. Throws `conflict` once stopped. */
  start(): Promise<void> {
    return this.#lifecycle.start(async () => {
      const { clock, storage, telemetry, intervalMs, batch } = this.#options
      const { signal } = this.#lifecycle
      this.#endGauges = this.#showGauges()
      telemetry.quietly(() => {
        const reaping = loopRounds(clock, signal, async () => {
          const report = await this.tick()
          const taken = report.requeued + report.deadLettered + report.cancelled
          // A full round means that more is waiting, as after a whole fleet died.
          return { pauseMs: taken < batch ? intervalMs : Math.min(intervalMs, 10), failed: report.failures > 0 }
        })
        const scheduling = storage.schedulesNatively ? Promise.resolve() : this.scheduler.run(signal)
        this.#loops = Promise.all([reaping, scheduling])
      })
    })
  }

  /** Ends the loops after the rounds under way, and waits for `onDeadLetter`. Idempotent. */
  stop(): Promise<StopReport> {
    return this.#lifecycle.stop(async () => {
      this.#endGauges?.()
      await this.#loops
      await this.#notices.told
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /**
   * One bounded round: at most `batch` expired leases and as many reservations, and trimming or sweeping when it is their time.
   * Never throws: what fails is logged, counted, and tried again in the next round.
   */
  async tick(): Promise<ReaperReport> {
    const { storage, batch } = this.#options
    let failures = 0
    const chore = async <T>(name: string, fallback: T, work: () => Promise<T>): Promise<T> => {
      try {
        return await work()
      } catch (error) {
        failures += 1
        this.#options.logger.error(`${name} failed; trying again`, { error: fromUnknown(error, 'internal').message })
        return fallback
      }
    }
    const requeue = await chore('taking expired leases back', NOTHING, () => storage.requeueExpired({ limit: batch }))
    this.#notices.tell(requeue.taken)
    const confirmed = await chore('finishing reservations', 0, () => storage.confirmReservations({ limit: batch }))
    if (this.#isTimeToTrim()) await chore('trimming lanes', 0, () => storage.trimLanes())
    if (this.#isTimeToSweep()) await chore('sweeping the schedule', 0, () => storage.sweepScheduled())
    this.#tell(requeue)
    const { taken: _, ...counts } = requeue
    return { ...counts, confirmed, failures }
  }

  #showGauges(): (() => void) | undefined {
    const { telemetry, logger } = this.#options
    const gauges = this.#gauges
    return gauges === undefined
      ? undefined
      : telemetry.observe(
          () => gauges.read(),
          error => logger.warn('how lanes stand is not known', { error: fromUnknown(error, 'internal').message }),
        )
  }

  #tell({ requeued, deadLettered, cancelled, taken }: RequeueReport): void {
    if (requeued + deadLettered + cancelled === 0) return
    const { telemetry } = this.#options
    for (const { activity, outcome } of taken) {
      const { type, priority } = activity
      telemetry.count('requeued', 1, { type, priority, outcome: OUTCOMES[outcome] })
    }
    const unnamed = requeued + deadLettered + cancelled - taken.length
    if (unnamed > 0) telemetry.count('requeued', unnamed, { outcome: OUTCOMES.lease_expired })
    this.#options.logger.info('took expired leases back', { requeued, deadLettered, cancelled })
  }

  #isTimeToTrim(): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    const isTime = this.#trimAtMs !== undefined && nowMs >= this.#trimAtMs
    if (isTime || this.#trimAtMs === undefined) this.#trimAtMs = nowMs + this.#options.trimIntervalMs
    return isTime
  }

  #isTimeToSweep(): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    const isTime = this.#sweepAtMs !== undefined && nowMs >= this.#sweepAtMs
    if (isTime || this.#sweepAtMs === undefined) this.#sweepAtMs = nowMs + this.#options.sweepIntervalMs
    return isTime
  }
}
