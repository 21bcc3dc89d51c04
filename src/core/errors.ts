// The one error class of Errand, its closed list of codes, and what to do about each.
// Codes stand in front of the text because most logs show nothing but the text.

/** Every code that an {@link ErrandError} can carry. Closed: adding one is a change of the contract. */
export const ERROR_CODES = [
  'invalid_argument',
  'not_found',
  'conflict',
  'duplicate_activity',
  'idempotency_conflict',
  'lease_lost',
  'payload_too_large',
  'serialization',
  'unsupported',
  'timeout',
  'cancelled',
  'unavailable',
  'configuration',
  'internal',
] as const

/** One of the closed list of error codes. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** Whether the same call can succeed when it is made again. */
export type Retryability = 'as_it_is' | 'after_a_look' | 'after_a_change' | 'never'

/** For each code: when it happens, what to do, and whether trying again can help. */
export const ERROR_TABLE: Readonly<
  Record<ErrorCode, { readonly when: string; readonly remedy: string; readonly retry: Retryability }>
> = {
  invalid_argument: {
    when: 'an argument is outside what is accepted; nothing was written',
    remedy: 'correct the field that the message names',
    retry: 'after_a_change',
  },
  not_found: {
    when: 'no activity, key or dead letter of that name is remembered',
    remedy: 'check the id and the namespace; what has ended is remembered for a limited time',
    retry: 'after_a_look',
  },
  conflict: {
    when: 'the state is another than the call expects, such as a second, different settlement',
    remedy: 'read the activity and decide again',
    retry: 'after_a_look',
  },
  duplicate_activity: {
    when: 'the key is in use and its behaviour is no_reuse',
    remedy: 'take the existing id from `details.existingId`, or use another key',
    retry: 'after_a_look',
  },
  idempotency_conflict: {
    when: 'the key belongs to an activity that has not failed and its behaviour is allow_reuse_on_failure',
    remedy: 'wait for the existing activity to end, or use another key',
    retry: 'after_a_look',
  },
  lease_lost: {
    when: 'the lease is not (or no longer) the one that is live',
    remedy: 'stop the work: another attempt owns the activity',
    retry: 'after_a_look',
  },
  payload_too_large: {
    when: 'the payload or result is over its limit in bytes',
    remedy: 'store it elsewhere and send a reference',
    retry: 'after_a_change',
  },
  serialization: {
    when: 'a value is not JSON, or bytes are not a record of this version',
    remedy: 'send plain JSON values; look at the record that the message names',
    retry: 'after_a_change',
  },
  unsupported: {
    when: 'the storage or the version cannot do this',
    remedy: 'use what the message names instead',
    retry: 'after_a_change',
  },
  timeout: {
    when: 'something did not end within its time',
    remedy: 'try again, or allow more time',
    retry: 'as_it_is',
  },
  cancelled: {
    when: 'the caller gave up (its signal was aborted), or the activity was cancelled',
    remedy: 'nothing: somebody asked for it',
    retry: 'never',
  },
  unavailable: {
    when: 'Kafka or Redis did not answer; the outcome is unknown',
    remedy: 'try again with the same key or id: that is safe',
    retry: 'as_it_is',
  },
  configuration: {
    when: 'a setting of Errand, Kafka or Redis is wrong',
    remedy: 'correct the setting that the message names',
    retry: 'after_a_change',
  },
  internal: {
    when: 'a defect of Errand',
    remedy: 'report it with the message and the stack',
    retry: 'never',
  },
}

/** Plain JSON about an error: field, received, allowed, id, attempt and the like. */
export type ErrorDetails = Readonly<Record<string, unknown>>

const BRAND = Symbol.for('errand.error')

/**
 * Every error that Errand raises.
 *
 * `code` is one of {@link ERROR_CODES}; the message begins with it in brackets, names the field or setting, and says
 * what to do. `details` is plain JSON. `cause` keeps the original error.
 *
 * Tell it apart with {@link isErrandError}, which agrees across two installed copies of the package.
 */
export class ErrandError extends Error {
  override readonly name: string = 'ErrandError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, text: string, options?: { readonly details?: ErrorDetails; readonly cause?: unknown }) {
    super(`[${code}] ${text}`, options?.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options?.details ?? {}
    Object.defineProperty(this, BRAND, { value: 'ErrandError', configurable: true })
  }
}

/** True for an {@link ErrandError}, also one of another installed copy; with `code`, only for that code. */
export function isErrandError(value: unknown, code?: ErrorCode): value is ErrandError {
  const brand = brandOf(value)
  if (brand === undefined || brand === 'NonRetryableError' || brand === 'RetryAfterError') return false
  return code === undefined || (value as ErrandError).code === code
}

function brandOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return (value as Record<symbol, unknown>)[BRAND]
  } catch {
    return undefined // a proxy that lets nobody look is none of ours
  }
}

/**
 * Thrown by a handler to end its activity as `failed` at once, without another attempt.
 *
 * @example
 * throw new NonRetryableError('the order has no lines', { cause: error })
 */
export class NonRetryableError extends Error {
  override readonly name: string = 'NonRetryableError'
  constructor(text: string, options?: { readonly cause?: unknown }) {
    super(text, options?.cause === undefined ? undefined : { cause: options.cause })
    Object.defineProperty(this, BRAND, { value: 'NonRetryableError', configurable: true })
  }
}

/**
 * Thrown by a handler to choose when the next attempt is due. It still counts as a failed attempt.
 *
 * `delayMs`: milliseconds from now, 0 or more; values above 30 years are cut to that.
 */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError'
  readonly delayMs: number
  constructor(options: { readonly delayMs: number; readonly message?: string; readonly cause?: unknown }) {
    super(
      options.message ?? `retry after ${options.delayMs} ms`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.delayMs = options.delayMs
    Object.defineProperty(this, BRAND, { value: 'RetryAfterError', configurable: true })
  }
}

/** True for a {@link NonRetryableError}, also one of another installed copy of the package. */
export function isNonRetryable(value: unknown): value is NonRetryableError {
  return brandOf(value) === 'NonRetryableError'
}

/** True for a {@link RetryAfterError}, also one of another installed copy of the package. */
export function isRetryAfter(value: unknown): value is RetryAfterError {
  return brandOf(value) === 'RetryAfterError'
}

/** Turns anything that was thrown into an {@link ErrandError}: one that already is passes as it is. */
export function fromUnknown(error: unknown, code: ErrorCode, text?: string): ErrandError {
  if (isErrandError(error)) return error
  const said = saidBy(error)
  return new ErrandError(code, text === undefined ? said : `${text}: ${said}`, { cause: error })
}

/** What anything that was thrown says of itself. Never throws. */
export function saidBy(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'a value that cannot be shown' // an object without a prototype, or one whose toString throws
  }
}

/** States what cannot be otherwise. Failing is a defect of Errand (`internal`), never the caller's mistake. */
export function invariant(condition: unknown, text: string): asserts condition {
  if (!condition) throw new ErrandError('internal', `invariant broken: ${text}`)
}

/** For the `default` of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new ErrandError('internal', `unexpected value ${JSON.stringify(value)}`)
}
