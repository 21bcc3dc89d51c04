// What a handler gets beside its input, made from its attempt. Most handlers use little of it, so whatever costs is made
// when it is asked for.

import type { Client } from '../client/client.ts'
import type { Logger } from '../core/logger.ts'
import { withFields } from '../core/logger.ts'
import type { Priority } from '../core/priority.ts'
import type { Attempt } from './attempt.ts'
import type { HandlerContext } from './handler-context.ts'

/** What contexts are made with. */
export interface ContextParts {
  readonly workerId: string
  readonly logger: Logger
  readonly client: Client
  readonly heartbeat: (attempt: Attempt) => Promise<void>
}

/** The context of an attempt. */
export class AttemptContext implements HandlerContext {
  readonly #attempt: Attempt
  readonly #parts: ContextParts
  #log: Logger | undefined
  #client: Client | undefined

  constructor(attempt: Attempt, parts: ContextParts) {
    this.#attempt = attempt
    this.#parts = parts
  }

  get id(): string {
    return this.#attempt.activity.id
  }

  get type(): string {
    return this.#attempt.activity.type
  }

  get attempt(): number {
    return this.#attempt.claimed.attempt
  }

  get maxAttempts(): number | 'unlimited' {
    return this.#attempt.activity.maxAttempts
  }

  get priority(): Priority {
    return this.#attempt.activity.priority
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#attempt.activity.metadata
  }

  get workerId(): string {
    return this.#parts.workerId
  }

  get log(): Logger {
    this.#log ??= withFields(this.#parts.logger, this.#attempt.logFields)
    return this.#log
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  get client(): Client {
    this.#client ??= this.#parts.client.childOf(this.id, this.#attempt.span)
    return this.#client
  }

  // A field, so that it can be taken out of the context and called alone.
  readonly heartbeat = (): Promise<void> => this.#parts.heartbeat(this.#attempt)
}
