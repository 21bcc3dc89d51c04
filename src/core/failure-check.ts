// What a storage checks of a failure report before anything is decided by it.

import type { AttemptFailureReport, RecordedFailure } from './activity.ts'
import { ErrandError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { checkInteger, describe } from './text.ts'

/** Every kind of failure, in the words of {@link AttemptFailureReport}. */
const KINDS = [
  'retryable',
  'timeout',
  'non_retryable',
  'cancelled',
] as const satisfies readonly AttemptFailureReport['kind'][]

/** Checks a failure report, and gives it back. Throws `invalid_argument` naming the field. */
export function checkFailureReport(failure: AttemptFailureReport): AttemptFailureReport {
  if (typeof failure !== 'object' || failure === null) throw refusal('failure', failure, 'a kind and an error')
  const { kind, error, retryAfterMs } = failure
  if (!(KINDS as readonly unknown[]).includes(kind)) throw refusal('failure.kind', kind, `one of ${KINDS.join(', ')}`)
  checkFailure('failure.error', error, LIMITS.failureCausesMax)
  if (retryAfterMs !== undefined) checkInteger('failure.retryAfterMs', retryAfterMs, 0, LIMITS.retryAfterMsMax)
  return failure
}

function checkFailure(field: string, failure: RecordedFailure, causesLeft: number): void {
  if (typeof failure !== 'object' || failure === null) throw refusal(field, failure, 'a name and a message')
  const { name, message, stack, code, cause } = failure
  for (const [part, text] of Object.entries({ name, message, stack: stack ?? '', code: code ?? '' })) {
    if (typeof text !== 'string') throw refusal(`${field}.${part}`, text, 'text')
  }
  if (cause === undefined) return
  if (causesLeft === 0) throw refusal(`${field}.cause`, cause, `left out below ${LIMITS.failureCausesMax} causes`)
  checkFailure(`${field}.cause`, cause, causesLeft - 1)
}

function refusal(field: string, value: unknown, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${describe(value)}; it must be ${allowed}.`, {
    details: { field },
  })
}
