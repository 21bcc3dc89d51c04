// Tells of the dead letters that expired leases have become: nobody else runs here to whom they would be told. Beside the
// rounds, so that a listener that is slow holds up no lease; one after another, and no more than so many wait.

import { fromUnknown } from '../core/errors.ts'
import { HOUSEKEEPING_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { TakenBack } from '../storage/storage.ts'
import type { ActivitySpan, Telemetry } from '../telemetry/telemetry.ts'
import type { ReapedDeadLetter, ReapedDeadLetterListener } from './reaper-options.ts'

/** What {@link DeadLetterNotices} are made from. */
export interface DeadLetterNoticesParts {
  readonly listener: ReapedDeadLetterListener | undefined
  readonly telemetry: Telemetry
  readonly logger: Logger
}

/** Tells spans and a listener. */
export class DeadLetterNotices {
  readonly #parts: DeadLetterNoticesParts
  #waiting = 0
  #telling: Promise<void> = Promise.resolve()

  constructor(parts: DeadLetterNoticesParts) {
    this.#parts = parts
  }

  /** Resolves when everything so far was told. Never rejects. */
  get told(): Promise<void> {
    return this.#telling
  }

  /** Takes over what is to be told, and returns at once. */
  tell(taken: readonly TakenBack[]): void {
    let dropped = 0
    for (const { activity, error, outcome } of taken) {
      if (outcome !== 'dead_letter') continue
      const span = this.#parts.telemetry.startSpan({ kind: 'dead-letter', activity })
      span.end({ outcome, error })
      if (this.#parts.listener === undefined) continue
      if (this.#waiting >= HOUSEKEEPING_LIMITS.untoldDeadLettersMax) dropped += 1
      else this.#queue({ activity, error }, span, this.#parts.listener)
    }
    if (dropped > 0) this.#parts.logger.warn('onDeadLetter does not keep up; it was not told of some', { dropped })
  }

  #queue(letter: ReapedDeadLetter, span: ActivitySpan, listener: ReapedDeadLetterListener): void {
    this.#waiting += 1
    this.#telling = this.#telling.then(async () => {
      try {
        await span.run(() => listener(letter))
      } catch (error) {
        const { message } = fromUnknown(error, 'internal')
        this.#parts.logger.error('onDeadLetter threw', { id: letter.activity.id, error: message })
      } finally {
        this.#waiting -= 1
      }
    })
  }
}
