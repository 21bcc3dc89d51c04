// Runs handlers. Every attempt that is begun here is settled, given back or lost exactly once, whatever its handler does, and
// its slot is free again when the handler has ended. Handlers that are not asynchronous cost no promise.

import { validate } from '../client/schema.ts'
import type { Validated } from '../client/schema.ts'
import type { AttemptFailureReport, ClaimedAttempt, RecordedFailure } from '../core/activity.ts'
import { ErrandError } from '../core/errors.ts'
import { recordFailure } from '../core/failure.ts'
import { jsonTextOf } from '../core/json-text.ts'
import { LIMITS } from '../core/limits.ts'
import { Attempt } from './attempt.ts'
import type { Deadlines } from './deadlines.ts'
import { AttemptContext } from './attempt-context.ts'
import type { ContextParts } from './attempt-context.ts'
import { failureReport, isDeliberate } from './handler-failure.ts'
import type { DeadLetterGuard } from './dead-letter-guard.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { Registration } from './registry.ts'
import type { Slots } from './slots.ts'
import type { ResolvedWorkerOptions } from './worker-options.ts'
import type { WorkerEmitter } from './worker-events.ts'

/** A handler that still runs so long after its timeout is warned about. */
const OVERRUN_WARN_MS = 1_000

/** What an executor needs. */
export interface ExecutorParts {
  readonly options: ResolvedWorkerOptions
  readonly held: HeldAttempts
  readonly guard: DeadLetterGuard
  readonly events: WorkerEmitter
  readonly context: ContextParts
  readonly deadlines: Deadlines
  /** A handler has ended and its slot is free. */
  readonly onSlotFree: () => void
}

/** What a schema refused; thrown within the executor only. */
class RefusedInput {
  readonly #error: ErrandError

  constructor(error: ErrandError) {
    this.#error = error
  }

  /** The refusal that was thrown, if it is one. A private name asks no trap of a hostile value, as `instanceof` would. */
  static errorOf(thrown: unknown): ErrandError | undefined {
    return typeof thrown === 'object' && thrown !== null && #error in thrown ? thrown.#error : undefined
  }
}

/** Begins attempts and sees them through. */
export class Executor {
  readonly #parts: ExecutorParts

  constructor(parts: ExecutorParts) {
    this.#parts = parts
  }

  /** Begins one attempt in a slot. Never throws. `nowMs`: by the monotonic clock. */
  begin(claimed: ClaimedAttempt, registration: Registration, slots: Slots, nowMs: number): void {
    const { options, held, guard, deadlines, events } = this.#parts
    const { activity, coordinates } = claimed
    const { workerId, telemetry } = options
    const waitMs = claimed.startedAtMs - activity.createdAtMs
    const span = telemetry.startSpan({ kind: 'process', activity, coordinates, waitMs, workerId })
    const attempt = new Attempt({ claimed, registration, slots, span, startedMs: nowMs })
    slots.take()
    held.add(attempt)
    guard.begin(attempt)
    deadlines.watch(attempt)
    events.emit('started', () => factsOf(attempt))
    this.#run(attempt)
  }

  /** The handler runs too long: the attempt ends now; the slot is free when the handler obeys. */
  timeOut(attempt: Attempt): void {
    const { timeoutMs } = attempt.activity
    const message = `the attempt ran longer than ${timeoutMs} ms`
    const error = { name: 'TimeoutError', message, code: 'timeout' }
    this.#runEnded(attempt, 'timeout', error)
    this.#parts.guard.fail(attempt, { kind: 'timeout', error })
    attempt.abort('timeout')
    this.#watchOverrun(attempt)
  }

  #run(attempt: Attempt): void {
    let returned: unknown
    try {
      returned = attempt.span.run(() => this.#invoke(attempt))
      if (isThenable(returned)) {
        Promise.resolve(returned).then(
          value => this.#returned(attempt, value),
          (thrown: unknown) => this.#threw(attempt, thrown),
        )
        return
      }
    } catch (thrown) {
      return this.#threw(attempt, thrown)
    }
    this.#returned(attempt, returned)
  }

  #invoke(attempt: Attempt): unknown {
    const { definition } = attempt.registration
    const subject = { field: 'input', type: definition.type, code: 'invalid_argument' } as const
    const verdict = validate(definition.input, payloadOf(attempt), subject)
    return verdict instanceof Promise ? verdict.then(late => this.#call(attempt, late)) : this.#call(attempt, verdict)
  }

  #call(attempt: Attempt, verdict: Validated<unknown>): unknown {
    if (!verdict.ok) throw new RefusedInput(verdict.error)
    return attempt.registration.handler(verdict.value, new AttemptContext(attempt, this.#parts.context))
  }

  #returned(attempt: Attempt, value: unknown): void {
    this.#handlerEnded(attempt, undefined)
    if (attempt.state !== 'running') return
    let resultJson: string
    try {
      const field = `result of '${attempt.activity.type}'`
      resultJson = jsonTextOf(value, { field, bytesMax: LIMITS.resultBytesMax, code: 'serialization' })
    } catch (error) {
      // Also what a `toJSON` of the handler's throws. Another run would make the same: it ends as failed.
      return this.#parts.guard.fail(attempt, { kind: 'non_retryable', error: unserializable(error) })
    }
    this.#parts.guard.succeed(attempt, resultJson)
  }

  #threw(attempt: Attempt, thrown: unknown): void {
    const refusal = RefusedInput.errorOf(thrown)
    const failure: AttemptFailureReport =
      refusal === undefined
        ? failureReport(thrown, attempt.abortReason)
        : { kind: 'non_retryable', error: recordFailure(refusal) }
    this.#handlerEnded(attempt, failure.error)
    if (attempt.state !== 'running') return
    const isInterrupted = attempt.abortReason?.why === 'shutdown' && refusal === undefined && !isDeliberate(thrown)
    if (isInterrupted) this.#parts.guard.release(attempt)
    else this.#parts.guard.fail(attempt, failure)
  }

  #handlerEnded(attempt: Attempt, error: RecordedFailure | undefined): void {
    attempt.isHandlerRunning = false
    attempt.slots.give()
    this.#runEnded(attempt, error === undefined ? 'returned' : 'threw', error)
    this.#parts.onSlotFree()
  }

  /** The first end counts: of what ran too long, that it did. So each run is told of once, and by span and figures alike. */
  #runEnded(attempt: Attempt, outcome: string, error: RecordedFailure | undefined): void {
    if (!attempt.endSpan({ outcome, error })) return
    const { telemetry, clock } = this.#parts.options
    const labels = { type: attempt.activity.type, outcome, error }
    telemetry.duration('run', clock.monotonicMs() - attempt.startedMs, labels)
    telemetry.count('consumed', 1, labels)
  }

  #watchOverrun(attempt: Attempt): void {
    const { clock, logger, telemetry } = this.#parts.options
    clock.after(OVERRUN_WARN_MS, () => {
      if (!attempt.isHandlerRunning) return
      const { type, timeoutMs } = attempt.activity
      logger.warn('a handler ignores its signal and keeps its slot', { ...attempt.logFields, timeoutMs })
      telemetry.count('overrun', 1, { type })
    })
  }
}

/** Which attempt an event is about. */
export function factsOf({ activity, claimed }: Attempt): { id: string; type: string; attempt: number } {
  return { id: activity.id, type: activity.type, attempt: claimed.attempt }
}

function payloadOf({ activity }: Attempt): unknown {
  try {
    return JSON.parse(activity.payloadJson)
  } catch (error) {
    const text = `the payload of '${activity.type}' is no JSON`
    throw new RefusedInput(new ErrandError('serialization', text, { cause: error }))
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

function unserializable(error: unknown): RecordedFailure {
  const failure = recordFailure(error)
  return failure.code === undefined ? { ...failure, code: 'serialization' } : failure
}
