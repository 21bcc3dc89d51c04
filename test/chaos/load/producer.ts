// Enqueues at a steady rate and sends again what was not answered, with the same ids and keys, until it is. Batches do not wait
// for each other: what one outage holds up is not what the next batch is judged by.

import { systemClock, withDeadline } from '../../../src/core/clock.ts'
import { ERROR_TABLE, ErrandError, fromUnknown, isErrandError } from '../../../src/core/errors.ts'
import type { Logger } from '../../../src/core/logger.ts'
import type { EnqueueAnswer, Storage } from '../../../src/storage/storage.ts'
import { pause } from './child-life.ts'
import type { Drawn, LoadDraw } from './load-draw.ts'

/** Unanswered activities: beyond it nothing is enqueued, so that an outage costs no memory without bound. */
const AIR_MAX = 1_000
/** Longer than a broker's failover, so that `unavailable` means an outage. */
const ENQUEUE_DEADLINE_MS = 15_000
const RESEND_PAUSE_MS_MIN = 200
const RESEND_PAUSE_MS_MAX = 2_000
/** After standing still the rate begins anew instead of making up for it. */
const BEHIND_MS_MAX = 500
const FULL_PAUSE_MS = 100

/** What a producer needs. */
export interface ProducerParts {
  readonly storage: Storage
  readonly draw: LoadDraw
  readonly logger: Logger
  /** Activities a second. */
  readonly rate: number
  /** Told of each activity that is accepted as its own. */
  readonly onAccepted: (drawn: Drawn) => void
}

/** One producer. */
export class Producer {
  readonly #parts: ProducerParts
  readonly #abandon = new AbortController()
  readonly #deliveries = new Set<Promise<void>>()
  #inAir = 0

  constructor(parts: ProducerParts) {
    this.#parts = parts
  }

  /** Enqueues until the signal aborts. */
  async run(stopping: AbortSignal): Promise<void> {
    let nextMs = systemClock.monotonicMs()
    while (!stopping.aborted) {
      const aheadMs = nextMs - systemClock.monotonicMs()
      if (aheadMs < -BEHIND_MS_MAX) nextMs = systemClock.monotonicMs()
      if (this.#inAir >= AIR_MAX) await pause(FULL_PAUSE_MS, stopping)
      else if (aheadMs > 0) await pause(aheadMs, stopping)
      else nextMs += this.#send() * (1_000 / this.#parts.rate)
    }
  }

  /** Waits for answers, at most so long; what has none then stays unknown. */
  async finish(withinMs: number): Promise<void> {
    const late = (): Error => new ErrandError('timeout', 'some enqueues were not answered')
    try {
      await withDeadline(systemClock, Promise.all(this.#deliveries), withinMs, late)
    } catch (error) {
      if (!isErrandError(error, 'timeout')) throw error
      this.#parts.logger.warn(`${this.#inAir} enqueues stay unanswered`, {})
    } finally {
      this.#abandon.abort()
    }
  }

  /** Sends a batch; gives its size. */
  #send(): number {
    const batch = this.#parts.draw.batch()
    this.#inAir += batch.length
    const delivery = this.#deliver(batch)
    this.#deliveries.add(delivery)
    // A rejection is left to whoever waits for it in `finish`, or ends the process: nothing but a defect makes one.
    void delivery.finally(() => this.#deliveries.delete(delivery))
    return batch.length
  }

  async #deliver(batch: readonly Drawn[]): Promise<void> {
    let unanswered = batch
    for (let tries = 0; ; tries++) {
      const left = await this.#try(unanswered)
      this.#inAir -= unanswered.length - left.length
      unanswered = left
      if (unanswered.length === 0) return
      const pauseMs = Math.min(RESEND_PAUSE_MS_MAX, RESEND_PAUSE_MS_MIN * 2 ** tries)
      if (!(await pause(pauseMs, this.#abandon.signal))) return
    }
  }

  /** Those that were not answered. */
  async #try(batch: readonly Drawn[]): Promise<readonly Drawn[]> {
    const { storage, logger } = this.#parts
    try {
      const activities = batch.map(({ activity }) => activity)
      const answers = await storage.enqueueMany({ activities, deadlineMs: ENQUEUE_DEADLINE_MS })
      return batch.filter((drawn, at) => !this.#isAnswered(drawn, answers[at]))
    } catch (error) {
      const known = fromUnknown(error, 'internal')
      logger.error('an enqueue threw', { code: known.code, error: known.message })
      return ERROR_TABLE[known.code].retry === 'after_a_change' ? [] : batch
    }
  }

  #isAnswered(drawn: Drawn, answer: EnqueueAnswer | undefined): boolean {
    if (answer === undefined || answer.outcome === 'unavailable') return false
    const isOwn = answer.outcome === 'created' || (answer.outcome === 'existing' && answer.id === drawn.activity.id)
    if (isOwn) this.#parts.onAccepted(drawn)
    return true
  }
}
