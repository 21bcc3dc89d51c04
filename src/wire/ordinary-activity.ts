// Whether the fields of a record are as our own writers put them: checked one by one, without the schema, which takes several
// times as long and is run for every record a worker fetches. Whoever is not plainly ordinary is judged by the schema, which
// alone refuses, with its own words. So what is said here is "valid" or "ask the schema"; that both agree is tested.

import { LIMITS } from '../core/limits.ts'
import { checkId, checkType } from '../core/names.ts'
import { checkMetadata } from '../core/new-activity.ts'
import { isPriority } from '../core/priority.ts'

/** UTC with milliseconds. Days that not every month has are left to `Date`. */
const TIME =
  /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{3}Z$/
const DAY_AT = 8
const DAYS_OF_EVERY_MONTH = '28'

/** True when the activity fields among these are valid as they are. Others are not looked at. */
export function isOrdinary(fields: Readonly<Record<string, unknown>>): boolean {
  try {
    return (
      isId(fields['id']) &&
      typeof checkType(fields['activity_type']) === 'string' &&
      isTime(fields['created_at']) &&
      isNothingOr(fields['priority'], isPriority) &&
      isNothingOr(fields['attempt'], isAttempt) &&
      isNothingOr(fields['max_retries'], isCount) &&
      isNothingOr(fields['retry_count'], isCount) &&
      isNothingOr(fields['timeout_seconds'], isTimeout) &&
      isNothingOr(fields['retry_delay_seconds'], isRetryDelay) &&
      isNothingOr(fields['retry_delay_max_seconds'], isRetryDelay) &&
      isNothingOr(fields['scheduled_at'], isTime) &&
      isNothingOr(fields['metadata'], isMetadata) &&
      isNothingOr(fields['parent_id'], isId) &&
      isNothingOr(fields['redrive_of'], isId) &&
      isNothing(fields['idempotency_key']) &&
      isNothingOr(fields['failures'], isEmptyList)
    )
  } catch {
    return false // refused by one of core's checks: the schema says why
  }
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null
}

function isNothingOr(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return value === undefined || value === null || isValid(value)
}

function isId(value: unknown): boolean {
  return typeof checkId(value) === 'string'
}

function isTime(value: unknown): boolean {
  if (typeof value !== 'string' || !TIME.test(value)) return false
  return value.slice(DAY_AT, DAY_AT + 2) <= DAYS_OF_EVERY_MONTH || new Date(value).toISOString() === value
}

function isAttempt(value: unknown): boolean {
  return isWithin(value, 1, LIMITS.attemptsMax) && Number.isInteger(value)
}

function isCount(value: unknown): boolean {
  return isWithin(value, 0, LIMITS.attemptsMax) && Number.isInteger(value)
}

function isTimeout(value: unknown): boolean {
  return isWithin(value, LIMITS.timeoutMsMin / 1_000, LIMITS.timeoutMsMax / 1_000)
}

function isRetryDelay(value: unknown): boolean {
  return isWithin(value, 0, LIMITS.retryDelayMsMax / 1_000)
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

function isMetadata(value: unknown): boolean {
  return checkMetadata(value) !== undefined
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
