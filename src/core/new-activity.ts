// The one door through which activities are made: every bound is checked here, before anything is written.

import type { Activity, DuplicateBehavior, TraceContext } from './activity.ts'
import { DUPLICATE_BEHAVIORS } from './activity.ts'
import { markChecked } from './checked-activity.ts'
import { ErrandError } from './errors.ts'
import type { IdSource } from './ids.ts'
import { jsonTextOf } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { checkId, checkType } from './names.ts'
import type { Priority } from './priority.ts'
import { PRIORITIES, isPriority } from './priority.ts'
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_RETRY_DELAY_MAX_MS, DEFAULT_RETRY_DELAY_MS } from './retry-policy.ts'
import { checkInteger, checkText, describe, utf8Bytes } from './text.ts'
import { traceContextOf } from './trace-context.ts'

/** An attempt may run 30 s unless the activity says otherwise. */
export const DEFAULT_TIMEOUT_MS = 30_000

/** What an activity is made from. Only `type` and `payload` are needed; the rest has defaults. */
export interface ActivitySpec {
  readonly type: string
  /** Any JSON value; undefined becomes null. */
  readonly payload: unknown
  /** Letters, digits and `._:~-`, at most 128. @defaultValue a new UUIDv7 */
  readonly id?: string | undefined
  /** @defaultValue 'normal' */
  readonly priority?: Priority | undefined
  /** Total attempts. Range: 1 to 2,147,483,647, or `'unlimited'`. @defaultValue 3 */
  readonly maxAttempts?: number | 'unlimited' | undefined
  /** Longest run of an attempt. Unit: ms. Range: 1 to a week. @defaultValue 30_000 */
  readonly timeoutMs?: number | undefined
  /** Base of the exponential backoff. Unit: ms. 0: at once. @defaultValue 1_000 */
  readonly retryDelayMs?: number | undefined
  /** Cap of the backoff. Unit: ms. @defaultValue 3_600_000 */
  readonly retryDelayMaxMs?: number | undefined
  /** Not before so many ms from now. Excludes `scheduledAt`. @defaultValue 0 */
  readonly delayMs?: number | undefined
  /** Not before this time; in the past: at once. Excludes `delayMs`. */
  readonly scheduledAt?: Date | undefined
  /** At most 64 entries of text. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Idempotency key within namespace and type: at most 512 bytes. */
  readonly key?: string | undefined
  /** What a key in use does. @defaultValue 'return_existing' */
  readonly onDuplicate?: DuplicateBehavior | undefined
  readonly trace?: TraceContext | undefined
  readonly parentId?: string | undefined
  readonly redriveOf?: string | undefined
}

/** What {@link newActivity} needs from outside. */
export interface ActivityContext {
  readonly ids: IdSource
  readonly nowMs: number
}

/** Makes an activity's first attempt. Throws `invalid_argument` naming the field, or `payload_too_large`. */
export function newActivity(spec: ActivitySpec, context: ActivityContext): Activity {
  const type = checkType(spec.type)
  return markChecked({
    id: checkId(spec.id === undefined ? context.ids.next() : spec.id),
    type,
    priority: checkPriority(spec.priority),
    payloadJson: jsonTextOf(spec.payload, { field: `payload of '${type}'`, bytesMax: LIMITS.payloadBytesMax }),
    attempt: 1,
    retryCount: 0,
    maxAttempts: checkMaxAttempts(spec.maxAttempts),
    timeoutMs: checkInteger(
      'timeoutMs',
      orElse(spec.timeoutMs, DEFAULT_TIMEOUT_MS),
      LIMITS.timeoutMsMin,
      LIMITS.timeoutMsMax,
    ),
    retryDelayMs: checkInteger(
      'retryDelayMs',
      orElse(spec.retryDelayMs, DEFAULT_RETRY_DELAY_MS),
      0,
      LIMITS.retryDelayMsMax,
    ),
    retryDelayMaxMs: checkInteger(
      'retryDelayMaxMs',
      orElse(spec.retryDelayMaxMs, DEFAULT_RETRY_DELAY_MAX_MS),
      0,
      LIMITS.retryDelayMsMax,
    ),
    createdAtMs: checkNow(context.nowMs),
    scheduledAtMs: dueAt(spec, context.nowMs),
    metadata: checkMetadata(spec.metadata),
    key: checkKey(spec),
    trace: traceContextOf(spec.trace?.traceparent, spec.trace?.tracestate),
    attemptTraceparent: null,
    parentId: spec.parentId === undefined ? null : checkId(spec.parentId, 'parentId'),
    redriveOf: spec.redriveOf === undefined ? null : checkId(spec.redriveOf, 'redriveOf'),
    failures: [],
  })
}

/** A clock that says nonsense would be written into every record. */
function checkNow(nowMs: number): number {
  if (nowMs >= 0 && nowMs <= LIMITS.timeMsMax) return nowMs
  throw refusal('nowMs', nowMs, 'a time from 1970 to 9999')
}

/** Only what is left out has a default: null is a value, and a wrong one. */
function orElse<T>(given: T | undefined, byDefault: T): T {
  return given === undefined ? byDefault : given
}

function checkPriority(value: unknown): Priority {
  if (value === undefined) return 'normal'
  if (isPriority(value)) return value
  throw refusal('priority', value, `one of ${PRIORITIES.join(', ')}`)
}

/** Checks `maxAttempts`: `'unlimited'` or a whole number from 1. */
export function checkMaxAttempts(value: number | 'unlimited' | undefined): number | 'unlimited' {
  if (value === 'unlimited') return value
  return checkInteger('maxAttempts', orElse(value, DEFAULT_MAX_ATTEMPTS), 1, LIMITS.attemptsMax)
}

function dueAt(spec: ActivitySpec, nowMs: number): number | null {
  if (spec.scheduledAt !== undefined && spec.delayMs !== undefined) {
    throw refusal('scheduledAt', spec.scheduledAt, 'left out when delayMs is given: one or the other')
  }
  if (spec.delayMs !== undefined) {
    const delayMs = checkInteger('delayMs', spec.delayMs, 0, LIMITS.scheduleAheadMsMax)
    return delayMs === 0 ? null : nowMs + delayMs
  }
  if (spec.scheduledAt === undefined) return null
  const atMs = timeOf(spec.scheduledAt)
  if (!(atMs >= 0 && atMs <= nowMs + LIMITS.scheduleAheadMsMax)) {
    const received = Number.isNaN(atMs) ? spec.scheduledAt : new Date(atMs).toISOString()
    throw refusal('scheduledAt', received, 'a valid Date from 1970 to a hundred years ahead')
  }
  // Also when it is past by this clock: whether it is due is for the storage's clock to say.
  return atMs
}

/** Ms since the epoch; NaN for an invalid date and for anything else. */
function timeOf(value: unknown): number {
  try {
    return Date.prototype.getTime.call(value)
  } catch {
    return Number.NaN // no date, whatever its prototype says
  }
}

/** Checks metadata: an object of strings within its limits. Throws `invalid_argument` naming the entry. */
export function checkMetadata(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  const entries = entriesOf(value)
  if (entries === undefined) throw refusal('metadata', value, 'a plain object of strings')
  if (entries.length > LIMITS.metadataEntriesMax) {
    throw refusal('metadata', `${entries.length} entries`, `an object of at most ${LIMITS.metadataEntriesMax} entries`)
  }
  let bytes = 0
  for (const [name, text] of entries) {
    checkText('metadata key', name, LIMITS.metadataKeyBytesMax)
    checkText(`metadata.${name}`, text, LIMITS.metadataValueBytesMax, 0)
    bytes += utf8Bytes(name) + utf8Bytes(text as string)
  }
  if (bytes > LIMITS.metadataBytesMax) {
    throw refusal('metadata', `${bytes} bytes`, `at most ${LIMITS.metadataBytesMax} bytes in all`)
  }
  // fromEntries defines own properties, so `__proto__` stays an entry like any other.
  return Object.fromEntries(entries) as Record<string, string>
}

/** The entries of a plain object; undefined for anything else: a Map has none that it would tell here, and would be lost. */
function entriesOf(value: unknown): [string, unknown][] | undefined {
  try {
    const isPlain =
      typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]'
    return isPlain ? Object.entries(value) : undefined
  } catch {
    return undefined // a getter or a proxy that throws
  }
}

function checkKey(spec: ActivitySpec): Activity['key'] {
  if (spec.key === undefined) {
    if (spec.onDuplicate !== undefined) throw refusal('onDuplicate', spec.onDuplicate, 'given together with key')
    return null
  }
  return {
    key: checkText('key', spec.key, LIMITS.keyBytesMax),
    onDuplicate: checkBehavior(spec.onDuplicate ?? 'return_existing'),
  }
}

/** Checks a duplicate behaviour. Throws `invalid_argument` naming `onDuplicate`. */
export function checkBehavior(value: unknown): DuplicateBehavior {
  if ((DUPLICATE_BEHAVIORS as readonly unknown[]).includes(value)) return value as DuplicateBehavior
  throw refusal('onDuplicate', value, `one of ${DUPLICATE_BEHAVIORS.join(', ')}`)
}

function refusal(field: string, value: unknown, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${describe(value)}; it must be ${allowed}.`, {
    details: { field, received: describe(value), allowed },
  })
}
