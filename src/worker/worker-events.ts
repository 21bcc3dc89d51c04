// What a worker tells those in its own process. Durable, fleet-wide events are `client.events`.

import type { RecordedFailure } from '../core/activity.ts'
import type { ErrandError } from '../core/errors.ts'
import { fromUnknown } from '../core/errors.ts'
import type { LogFields, Logger } from '../core/logger.ts'

/** Which attempt an event is about. */
export interface AttemptFacts {
  readonly id: string
  readonly type: string
  readonly attempt: number
}

/** How an attempt ended in this worker. `released`: given back uncounted. */
export type SettledOutcome = 'completed' | 'retrying' | 'failed' | 'dead_letter' | 'cancelled' | 'released'

/** The events of a worker. They are local and best effort: a listener that throws is logged. */
export interface WorkerEvents {
  /** A batch was claimed. */
  claimed: { readonly count: number }
  /** A handler begins. */
  started: AttemptFacts
  /** The storage accepted how an attempt ended. */
  settled: AttemptFacts & {
    readonly outcome: SettledOutcome
    readonly error: RecordedFailure | null
    /** For `retrying`: until it is due. Unit: ms. */
    readonly retryInMs: number | null
  }
  /** Somebody else owns the activity; this attempt counts for nothing. */
  lease_lost: AttemptFacts
  /** An attempt that ran here was the last of its activity. */
  dead_letter: AttemptFacts & { readonly error: RecordedFailure }
  /** An attempt was the last and failed, but its type has no dead-letter credit left: the failure waits, the lease is kept. */
  withheld: AttemptFacts & { readonly error: RecordedFailure }
  /**
   * A type is claimed more slowly from here on. `failures`: nothing succeeds, so it pauses and probes · `budget`: so many of
   * its activities die that its dead-letter budget is spent. `withheld`: failures that wait.
   */
  backing_off: { readonly type: string; readonly reason: 'failures' | 'budget'; readonly withheld: number }
  /** A type that was backing off is claimed at full pace again. */
  recovered: { readonly type: string; readonly withheld: number }
  /** Something of the worker itself failed; it goes on. */
  error: { readonly during: string; readonly error: ErrandError }
}

/** Called with an event. */
export type WorkerListener<Name extends keyof WorkerEvents> = (event: WorkerEvents[Name]) => void

type Listeners = { [Name in keyof WorkerEvents]: Set<WorkerListener<Name>> }

/** Passes events to listeners. Costs nothing where nobody listens. */
export class WorkerEmitter {
  readonly #logger: Logger
  readonly #listeners: Listeners = {
    claimed: new Set(),
    started: new Set(),
    settled: new Set(),
    lease_lost: new Set(),
    dead_letter: new Set(),
    withheld: new Set(),
    backing_off: new Set(),
    recovered: new Set(),
    error: new Set(),
  }

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** The function given back takes the listener off. */
  on<Name extends keyof WorkerEvents>(name: Name, listener: WorkerListener<Name>): () => void {
    const listeners = this.#listeners[name]
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** `event` is made only when somebody listens. */
  emit<Name extends keyof WorkerEvents>(name: Name, event: () => WorkerEvents[Name]): void {
    const listeners = this.#listeners[name]
    if (listeners.size === 0) return
    const made = event()
    for (const listener of listeners) {
      try {
        listener(made)
      } catch (error) {
        this.#logger.error(`a listener of '${name}' threw`, { error: fromUnknown(error, 'internal').message })
      }
    }
  }

  /** Logs and emits what failed in the worker itself. `fields`: of the attempt that it is about. */
  fail(during: string, error: unknown, fields: LogFields = {}): void {
    const known = fromUnknown(error, 'internal')
    this.#logger.error(`${during} failed`, { ...fields, code: known.code, error: known.message })
    this.emit('error', () => ({ during, error: known }))
  }
}
