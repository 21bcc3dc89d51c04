// Claims attempts for one set of slots: never more than are free, in batches as large as that allows.

import type { ClaimedAttempt } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import { paused } from './repeat.ts'
import type { Slots } from './slots.ts'
import type { ResolvedWorkerOptions } from './worker-options.ts'
import type { WorkerEmitter } from './worker-events.ts'

/** First and longest pause after a claim that failed. */
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000

/** What an intake needs. */
export interface IntakeParts {
  readonly options: ResolvedWorkerOptions
  readonly types: readonly string[]
  readonly slots: Slots
  readonly events: WorkerEmitter
  /** How many more may be held, whatever is free: what waits to be settled counts, too. */
  readonly room: () => number
  readonly begin: (claimed: readonly ClaimedAttempt[], slots: Slots) => void
  /** For what was claimed while stopping. Must not reject. */
  readonly giveBack: (claimed: readonly ClaimedAttempt[]) => Promise<void>
}

/** The claim loop of one set of slots. */
export class Intake {
  readonly #parts: IntakeParts
  #wake: (() => void) | undefined

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** A slot or room became free, or the loop is to look whether it should end. */
  poke(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Claims until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const limit = this.#limit()
      if (limit === 0) {
        await new Promise<void>(resolve => (this.#wake = resolve))
      } else if (await this.#claim(limit, signal)) {
        failures = 0
      } else {
        const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** failures++)
        await paused({ clock: this.#parts.options.clock, abandon: signal }, pauseMs)
      }
      // A turn of the event loop: settlements go out, and slots that get free one by one are filled by one claim.
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  #limit(): number {
    const { slots, room } = this.#parts
    return Math.max(0, Math.min(slots.free, room(), LIMITS.dequeueBatchMax))
  }

  /** One claim; false when it failed. */
  async #claim(limit: number, signal: AbortSignal): Promise<boolean> {
    const { options, types, slots, events, begin, giveBack } = this.#parts
    const { storage, workerId, leaseMs, pollMs, telemetry } = options
    try {
      const claimed = await storage.dequeue({ workerId, types, limit, leaseMs, timeoutMs: pollMs, signal })
      if (claimed.length === 0) return true
      telemetry.count('claimed', claimed.length, {})
      events.emit('claimed', () => ({ count: claimed.length }))
      if (signal.aborted) await giveBack(claimed)
      else begin(claimed, slots)
      return true
    } catch (error) {
      if (!signal.aborted) events.fail('claiming', error)
      return false
    }
  }
}
