// Successes of different attempts that come in the same turn of the event loop, settled in one call. Many calls may be in
// flight; one that was refused for the sake of one of them is made again for each alone.

import type { ErrandError } from '../core/errors.ts'
import { fromUnknown } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { AckSuccessAnswer, Storage } from '../storage/storage.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Attempt } from './attempt.ts'
import type { RepeatParts } from './repeat.ts'
import { untilAnswered } from './repeat.ts'

/** A success to be settled. */
export interface Success {
  readonly attempt: Attempt
  readonly resultJson: string
}

/** Who is told what became of each. */
export interface BatcherParts extends RepeatParts {
  readonly storage: Storage
  readonly telemetry: Telemetry
  /** `undefined`: abandoned. */
  readonly onAnswer: (success: Success, answer: AckSuccessAnswer | undefined) => void
  /** The storage will not take it, however often. */
  readonly onRefused: (success: Success, error: ErrandError) => void
}

/** Collects successes and settles them. */
export class SuccessBatcher {
  readonly #parts: BatcherParts
  #waiting: Success[] = []

  constructor(parts: BatcherParts) {
    this.#parts = parts
  }

  add(success: Success): void {
    // A whole turn, not a microtask: handlers that differ by a few awaits still meet in one call.
    if (this.#waiting.push(success) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let at = 0; at < waiting.length; at += LIMITS.dequeueBatchMax) {
      void this.#send(waiting.slice(at, at + LIMITS.dequeueBatchMax))
    }
  }

  /** Never rejects. */
  async #send(batch: readonly Success[]): Promise<void> {
    const { storage, telemetry, onAnswer, onRefused } = this.#parts
    const leases = batch.map(({ attempt, resultJson }) => ({ ...attempt.lease, resultJson }))
    try {
      const answers = await untilAnswered(this.#parts, () => telemetry.quietly(() => storage.ackSuccess({ leases })))
      batch.forEach((success, at) => onAnswer(success, answers?.[at]))
    } catch (error) {
      const [only, ...others] = batch
      if (only === undefined) return
      if (others.length > 0) await Promise.all(batch.map(success => this.#send([success])))
      else onRefused(only, fromUnknown(error, 'internal'))
    }
  }
}
