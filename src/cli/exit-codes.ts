// What the process ends with. Scripts rely on these, so they are few, told apart, and in every help text.

import type { ErrorCode } from '../core/errors.ts'

/** Exit codes of `errand`. `timeout` as timeout(1) says it, `interrupted` as shells do. */
export const EXIT_CODES = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  partly: 6,
  problems: 7,
  timeout: 124,
  interrupted: 130,
} as const

/** One of {@link EXIT_CODES}. */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

/** The help's line about them. */
export const EXIT_CODE_HELP = `Exit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 conflict or precondition ·
5 broker or Redis unreachable · 6 partly done · 7 doctor found problems · 124 timeout · 130 interrupted`

const BY_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  invalid_argument: EXIT_CODES.usage,
  payload_too_large: EXIT_CODES.usage,
  serialization: EXIT_CODES.usage,
  not_found: EXIT_CODES.notFound,
  conflict: EXIT_CODES.conflict,
  duplicate_activity: EXIT_CODES.conflict,
  idempotency_conflict: EXIT_CODES.conflict,
  lease_lost: EXIT_CODES.conflict,
  configuration: EXIT_CODES.conflict,
  unavailable: EXIT_CODES.unreachable,
  timeout: EXIT_CODES.timeout,
  unsupported: EXIT_CODES.failed,
  cancelled: EXIT_CODES.failed,
  internal: EXIT_CODES.failed,
}

/** The exit code for an error. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return BY_ERROR[code]
}
