// One attempt of an operation. It goes on where the last save stands:
//
//   saved ──▶ queue empty? ──page of items──▶ queue, saved ──▶ a few at a time, at the rate ──▶ counted ──▶ saved each second
//               ▲ no further page, or enough: over                                               │
//               └───────────────────────────────────────────────────────────────────────────────┘
//
// What was acted on since the last save is acted on again by the attempt that goes on, and counted by that one only. Acting
// again changes nothing: a redrive gives the same activity, and what was cancelled or discarded stays so.
//
// Kafka or Redis away: an item waits its turn again, with pauses; after some tries it counts as failed. Being told to end is
// looked at between two items: then it is saved, and the attempt ends as it was told to.

import { Client } from '../client/client.ts'
import type { Clock } from '../core/clock.ts'
import { ErrandError, NonRetryableError, fromUnknown, isErrandError, saidBy } from '../core/errors.ts'
import { LIMITS, OPERATION_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { clipUtf8 } from '../core/text.ts'
import type { Storage } from '../storage/storage.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AbortWhy } from '../worker/attempt-aborted-error.ts'
import type { Operation, OperationSummary } from './operation.ts'
import { readItems } from './operation-items.ts'
import type { ItemPage } from './operation-items.ts'
import type { OperationProgress, ProgressState, QueuedItem } from './operation-progress.ts'
import { newProgress, parseProgress, summaryOfProgress, withItemFailure } from './operation-progress.ts'

const SAVE_EVERY_MS = 1_000
/** Bursts of a tenth of a second, so that a rate is not a spike each second. */
const CHUNKS_PER_SECOND = 10
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 30_000

/** What an attempt needs. */
export interface OperationRunParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly telemetry: Telemetry
  /** The activity's. */
  readonly id: string
  readonly operation: Operation
  readonly worker: string
  /** Its reason is an `AttemptAbortedError`. */
  readonly signal: AbortSignal
}

/** What became of one item. */
type ItemEnd = 'done' | 'already' | { readonly error: ErrandError; readonly isPassing: boolean }

/** One attempt of one operation. */
export class OperationRun {
  readonly #parts: OperationRunParts
  readonly #client: Client
  /** Items of a shifting page that were met at this position. */
  readonly #met = new Set<string>()
  #progress: OperationProgress
  #savedAtMs = Number.NEGATIVE_INFINITY
  /** By the monotonic clock: before it nothing is begun. */
  #nextAtMs: number
  /** Rounds in a row for which Kafka or Redis were away. */
  #outages = 0
  readonly #begunAtMs: number
  #acted = 0

  /** Reads how far the operation has come. Throws `unavailable` when that cannot be read: it must not begin anew for that. */
  static async begin(parts: OperationRunParts): Promise<OperationRun> {
    const { storage, clock, id, operation, worker } = parts
    const nowMs = clock.nowMs()
    const before = parseProgress(await storage.operations.get({ id })) ?? newProgress(operation, nowMs)
    return new OperationRun(parts, {
      ...before,
      ...{ state: 'running', worker, startedAtMs: before.startedAtMs ?? nowMs, endedAtMs: null },
      barrenAttempts: before.barrenAttempts + 1,
    })
  }

  private constructor(parts: OperationRunParts, progress: OperationProgress) {
    this.#parts = parts
    const { storage, clock, logger, telemetry } = parts
    this.#client = new Client({ storage, clock, logger, telemetry })
    this.#progress = progress
    this.#begunAtMs = parts.clock.monotonicMs()
    this.#nextAtMs = this.#begunAtMs
  }

  /**
   * Acts on everything that is left. Rejects with the signal's reason when the attempt is to end, with `NonRetryableError` when
   * attempt after attempt got nowhere.
   */
  async perform(): Promise<OperationSummary> {
    const { signal } = this.#parts
    if (this.#progress.barrenAttempts > OPERATION_LIMITS.barrenAttemptsMax) return this.#giveUp()
    await this.#save('running')
    while (!signal.aborted && (await this.tick()));
    if (signal.aborted) return this.#leave()
    await this.#save('completed')
    return summaryOfProgress(this.#progress)
  }

  /** One step: a page, or a few items. False: nothing is left to do. */
  async tick(): Promise<boolean> {
    const { queue, position } = this.#progress
    if (queue.length > 0) {
      await this.#actOnSome()
      return true
    }
    if (position === null || this.#room() === 0) return false
    await this.#takePage()
    return true
  }

  /** How many more it may act on, beside those in the queue. */
  #room(): number {
    const { done, failed, queue } = this.#progress
    return Math.max(0, this.#parts.operation.max - done - failed - queue.length)
  }

  async #takePage(): Promise<void> {
    const { storage, operation } = this.#parts
    const { position } = this.#progress
    if (position === null) return
    let page: ItemPage
    try {
      page = await readItems(storage, operation, position)
      this.#outages = 0
    } catch (error) {
      if (!isPassing(error) || this.#outages >= OPERATION_LIMITS.triesMax) throw error
      await this.#pause(saidBy(error))
      return
    }
    const fresh = page.items.filter(({ id }) => id !== this.#parts.id && !this.#met.has(id))
    const waiting = fresh.filter(({ isAlready }) => !isAlready).slice(0, this.#room())
    const already = fresh.filter(({ isAlready }) => isAlready).length
    const isAgain = page.isShifting && waiting.length > 0
    this.#met.clear()
    if (isAgain) for (const { id } of page.items) this.#met.add(id)
    this.#change({
      found: this.#progress.found + already + waiting.length,
      already: this.#progress.already + already,
      queue: waiting.map(({ id }) => ({ id, tries: 0 })),
      position: isAgain ? position : page.next,
    })
    // Before any of them is acted on: whoever goes on would else find them acted on, by whomever.
    await this.#save('running')
  }

  async #actOnSome(): Promise<void> {
    const { clock, operation, signal } = this.#parts
    const count = Math.max(1, Math.floor(operation.ratePerSecond / CHUNKS_PER_SECOND))
    const chunk = this.#progress.queue.slice(0, Math.min(count, OPERATION_LIMITS.atOnceMax))
    await this.#sleepUntil(this.#nextAtMs)
    if (signal.aborted) return
    this.#nextAtMs = Math.max(this.#nextAtMs, clock.monotonicMs()) + (chunk.length * 1_000) / operation.ratePerSecond
    const ends = await Promise.all(chunk.map(({ id }) => this.#actOn(id)))
    this.#count(chunk, ends)
    if (clock.monotonicMs() - this.#savedAtMs >= SAVE_EVERY_MS) await this.#save('running')
    const passing = ends.flatMap(end => (typeof end === 'object' && end.isPassing ? [end.error] : []))
    const [first] = passing
    if (first !== undefined && passing.length === chunk.length) await this.#pause(first.message)
    else this.#outages = 0
  }

  async #actOn(id: string): Promise<ItemEnd> {
    const { kind, reason } = this.#parts.operation
    const why = reason === null ? {} : { reason }
    try {
      switch (kind) {
        case 'redrive':
          await this.#client.redrive(id, why)
          return 'done'
        case 'cancel':
          return (await this.#client.cancel(id, why)).outcome === 'already_ended' ? 'already' : 'done'
        case 'discard':
          return (await this.#client.discard(id, why)).outcome === 'already' ? 'already' : 'done'
      }
    } catch (error) {
      return { error: fromUnknown(error, 'internal'), isPassing: isPassing(error) }
    }
  }

  #count(chunk: readonly QueuedItem[], ends: readonly ItemEnd[]): void {
    const { clock, signal } = this.#parts
    let { done, already, failed, failures } = this.#progress
    const again: QueuedItem[] = []
    chunk.forEach((item, at) => {
      const end = ends[at] ?? 'done'
      if (end === 'done') done += 1
      else if (end === 'already') already += 1
      // What fails while the process ends may fail because of that.
      else if (signal.aborted) again.push(item)
      else if (end.isPassing && item.tries + 1 < OPERATION_LIMITS.triesMax)
        again.push({ ...item, tries: item.tries + 1 })
      else {
        failed += 1
        const message = clipUtf8(end.error.message, LIMITS.failureHistoryMessageBytesMax)
        failures = withItemFailure(failures, { id: item.id, code: end.error.code, message, atMs: clock.nowMs() })
      }
    })
    this.#acted += chunk.length - again.length
    const seconds = (clock.monotonicMs() - this.#begunAtMs) / 1_000
    const queue = [...this.#progress.queue.slice(chunk.length), ...again]
    const perSecond = seconds > 0 ? Math.round((this.#acted / seconds) * 10) / 10 : null
    const barrenAttempts = this.#acted > 0 ? 0 : this.#progress.barrenAttempts
    this.#change({ done, already, failed, failures, queue, perSecond, barrenAttempts })
  }

  async #pause(why: string): Promise<void> {
    const { clock, logger, id } = this.#parts
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#outages)
    this.#outages += 1
    logger.warn('an operation waits: Kafka or Redis did not answer', { id, pauseMs, error: why })
    await this.#sleepUntil(clock.monotonicMs() + pauseMs)
  }

  async #sleepUntil(atMs: number): Promise<void> {
    const { clock, signal } = this.#parts
    const leftMs = atMs - clock.monotonicMs()
    if (leftMs <= 0) return
    await clock.sleep(leftMs, { signal }).catch((error: unknown) => {
      if (!isErrandError(error, 'cancelled')) throw error // cancelled: whoever called looks at the signal
    })
  }

  /** The attempt was told to end. */
  async #leave(): Promise<never> {
    const { signal } = this.#parts
    const why = whyOf(signal)
    // Whoever owns it now has gone on, and saves what is newer.
    if (why !== 'lease_lost') await this.#save(why === 'cancelled' ? 'cancelled' : 'running')
    throw signal.reason
  }

  async #giveUp(): Promise<never> {
    const { id } = this.#parts
    const attempts = OPERATION_LIMITS.barrenAttemptsMax
    await this.#save('failed')
    throw new NonRetryableError(
      `operation ${id} got nowhere in ${attempts} attempts; look at what ended them, and start another.`,
    )
  }

  #change(changes: Partial<OperationProgress>): void {
    this.#progress = { ...this.#progress, ...changes }
  }

  /** A save that fails is made up for by the next: at worst the operation begins anew. */
  async #save(state: ProgressState): Promise<void> {
    const { storage, clock, logger, id } = this.#parts
    const updatedAtMs = clock.nowMs()
    this.#change({ state, updatedAtMs, endedAtMs: state === 'running' ? null : updatedAtMs })
    try {
      await storage.operations.save({ id, progressJson: JSON.stringify(this.#progress) })
      this.#savedAtMs = clock.monotonicMs()
    } catch (error) {
      logger.warn('the progress of an operation could not be saved', { id, error: saidBy(error) })
    }
  }
}

/** Trying again can help. */
function isPassing(error: unknown): boolean {
  return isErrandError(error, 'unavailable') || isErrandError(error, 'timeout')
}

function whyOf(signal: AbortSignal): AbortWhy | undefined {
  const reason: Partial<{ readonly why: AbortWhy }> | undefined = signal.reason
  return reason?.why
}
