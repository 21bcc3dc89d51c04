// What goes wrong, as an HTTP answer: `{ error: { code, message, field? } }`. What is nobody's business but the log's stays there.

import type { ErrorCode } from '../core/errors.ts'
import { isErrandError } from '../core/errors.ts'

/** Codes that only HTTP has, beside those of errors. */
export type ProblemCode = ErrorCode | 'unauthorized' | 'forbidden' | 'method_not_allowed' | 'too_many_requests'

/** A refusal with its status: thrown by whatever stands between a request and its route. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: ProblemCode
  readonly field: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined
  /** After how many seconds it may be tried again. */
  readonly retryAfterS: number | undefined

  constructor(
    status: number,
    code: ProblemCode,
    text: string,
    more: { readonly field?: string; readonly details?: Problem['details']; readonly retryAfterS?: number } = {},
  ) {
    super(text)
    this.status = status
    this.code = code
    this.field = more.field
    this.details = more.details
    this.retryAfterS = more.retryAfterS
  }
}

const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  serialization: 400,
  not_found: 404,
  conflict: 409,
  duplicate_activity: 409,
  idempotency_conflict: 409,
  lease_lost: 409,
  unsupported: 409,
  payload_too_large: 413,
  timeout: 503,
  cancelled: 503,
  unavailable: 503,
  configuration: 503,
  internal: 500,
}

const RETRY_AFTER_S = 2

/** Any error as a problem. What is unexpected says nothing of itself: the log has it. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (!isErrandError(error) || error.code === 'internal') {
    return new Problem(500, 'internal', 'a defect of Errand; the log of the console says more.')
  }
  const { field, existingId, redrivenAs } = error.details
  const status = STATUS_OF[error.code]
  const details = { ...told('existingId', existingId), ...told('redrivenAs', redrivenAs) }
  return new Problem(status, error.code, error.message.replace(/^\[\w+\] /, ''), {
    ...(typeof field === 'string' ? { field } : {}),
    ...(Object.keys(details).length === 0 ? {} : { details }),
    ...(status === 503 ? { retryAfterS: RETRY_AFTER_S } : {}),
  })
}

function told(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'string' ? { [name]: value } : {}
}

/** The answer. */
export function problemResponse({ status, code, message, field, details, retryAfterS }: Problem): Response {
  const error = { code, message, ...(field === undefined ? {} : { field }), ...details }
  return new Response(`${JSON.stringify({ error })}\n`, {
    status,
    headers: {
      'content-type': 'application/json',
      ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
    },
  })
}
