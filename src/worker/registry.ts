// Who handles what.

import type { ActivityDefinition } from '../client/define-activity.ts'
import type { RecordedFailure } from '../core/activity.ts'
import { ErrandError } from '../core/errors.ts'
import type { HandlerContext } from './handler-context.ts'

/**
 * Runs one attempt: gets the parsed input, gives back the result (any JSON; undefined becomes null).
 * Any throw is retried within the activity's policy, but for `NonRetryableError`, which ends it as failed.
 */
export type Handler<Parsed = unknown, Returned = unknown> = (
  input: Parsed,
  ctx: HandlerContext,
) => Returned | Promise<Returned>

/** An activity that this worker dead-lettered. */
export interface DeadLetterNotice {
  readonly id: string
  readonly type: string
  readonly attempts: number
  readonly error: RecordedFailure
  readonly metadata: Readonly<Record<string, string>>
  /** The payload's own JSON text. */
  readonly payloadJson: string
}

/** Told of dead letters. What it throws is logged. */
export type DeadLetterListener = (notice: DeadLetterNotice) => void | Promise<void>

/** Options of one handler. */
export interface HandleOptions {
  /**
   * Slots of its own for this type, beside the worker's: at most so many run at once, and no other type takes them.
   * Range: 1 to 1,000. @defaultValue the worker's slots, shared with the other types
   */
  readonly concurrency?: number
  /** Told when an attempt of this type that ran here was its last, or the embedded reaper dead-letters one whose lease expired. */
  readonly onDeadLetter?: DeadLetterListener
}

/** A handler with what it handles. */
export interface Registration {
  readonly definition: ActivityDefinition
  readonly handler: Handler
  readonly options: HandleOptions
}

/** Handlers by type. */
export class Registry {
  readonly #byType = new Map<string, Registration>()

  /** Throws `conflict` when the type has a handler. */
  add(registration: Registration): void {
    const { type } = registration.definition
    if (this.#byType.has(type)) {
      throw new ErrandError('conflict', `type '${type}' has a handler already; a worker runs one for each type.`, {
        details: { type },
      })
    }
    this.#byType.set(type, registration)
  }

  find(type: string): Registration | undefined {
    return this.#byType.get(type)
  }

  all(): readonly Registration[] {
    return [...this.#byType.values()]
  }
}
