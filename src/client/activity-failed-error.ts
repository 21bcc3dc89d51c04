// What waiters get for an activity that ended without a result: how it ended, and the remote failure as a real Error, so that
// the stack of the process in which it failed stands in the caller's log.

import type { RecordedFailure, StoredResult, TerminalStatus } from '../core/activity.ts'
import { ErrandError } from '../core/errors.ts'

/** How an activity can end without a result. */
export type UnsuccessfulStatus = Exclude<TerminalStatus, 'completed'>

/**
 * An activity ended as `failed`, `dead_letter` or `cancelled`.
 *
 * `code` is `cancelled` for a cancelled one, else `conflict`: waiting again gives the same; look at the activity first.
 * `cause` is an Error with the remote name, message, code and stack; its own causes follow.
 */
export class ActivityFailedError extends ErrandError {
  override readonly name: string = 'ActivityFailedError'
  readonly id: string
  readonly type: string
  readonly status: UnsuccessfulStatus
  /** How many attempts were started. */
  readonly attempts: number
  /** The failure as it was recorded. */
  readonly failure: RecordedFailure

  constructor(params: {
    readonly id: string
    readonly type: string
    readonly status: UnsuccessfulStatus
    readonly attempts: number
    readonly failure: RecordedFailure
  }) {
    const { id, type, status, attempts, failure } = params
    const after = attempts === 0 ? 'before its first attempt' : `after ${attempts} attempt${attempts === 1 ? '' : 's'}`
    super(
      status === 'cancelled' ? 'cancelled' : 'conflict',
      `activity ${id} ('${type}') ended as ${status} ${after}: ${failure.name}: ${failure.message}`,
      { details: { id, type, status, attempts }, cause: errorOf(failure) },
    )
    this.id = id
    this.type = type
    this.status = status
    this.attempts = attempts
    this.failure = failure
  }
}

/** The error of a stored error result. */
export function failedErrorOf(activity: { id: string; type: string }, result: StoredResult): ActivityFailedError {
  const data = record(JSON.parse(result.dataJson))
  const text = typeof data['error'] === 'string' ? data['error'] : 'the failure was not recorded'
  return new ActivityFailedError({
    id: activity.id,
    type: activity.type,
    status: statusOf(data['type']),
    attempts: typeof data['attempts'] === 'number' ? data['attempts'] : 0,
    failure: isFailure(data['failure']) ? data['failure'] : { name: 'Error', message: text },
  })
}

/** An Error rebuilt from a recorded failure. */
export function errorOf(failure: RecordedFailure): Error {
  const error = new Error(failure.message, failure.cause === undefined ? undefined : { cause: errorOf(failure.cause) })
  const shown = { configurable: true, writable: true, enumerable: false }
  Object.defineProperty(error, 'name', { value: failure.name, ...shown })
  // The stack of this process would only point here.
  Object.defineProperty(error, 'stack', { value: failure.stack ?? `${failure.name}: ${failure.message}`, ...shown })
  return failure.code === undefined ? error : Object.assign(error, { code: failure.code })
}

function statusOf(type: unknown): UnsuccessfulStatus {
  return type === 'dead_letter' || type === 'cancelled' ? type : 'failed'
}

function isFailure(value: unknown): value is RecordedFailure {
  const { name, message } = record(value)
  return typeof name === 'string' && typeof message === 'string'
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
