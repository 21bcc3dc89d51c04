// What a storage checks of an activity that was made or changed by hand: all that `newActivity` checks, and what only attempts
// after the first have. What is let in can be written, and what is written can be read again.

import type { Activity, AttemptFailure } from './activity.ts'
import { isChecked } from './checked-activity.ts'
import { ErrandError, fromUnknown } from './errors.ts'
import { checkGivenJson } from './given-json.ts'
import { LIMITS } from './limits.ts'
import { checkId, checkType } from './names.ts'
import { checkBehavior, checkMetadata } from './new-activity.ts'
import { PRIORITIES, isPriority } from './priority.ts'
import { checkInteger, checkText, describe, utf8Bytes } from './text.ts'

/** Why an activity is not let in, as an answer of `enqueueMany`. The message names the field. */
export interface ActivityRefusal {
  readonly outcome: 'refused'
  /** As it was given; empty when that is no text. */
  readonly id: string
  readonly code: 'invalid_argument' | 'payload_too_large'
  readonly message: string
}

/** Why an activity cannot be let in; undefined when it can, at once when it comes from `newActivity`. Never throws. */
export function refusalOf(activity: Activity): ActivityRefusal | undefined {
  try {
    if (typeof activity !== 'object' || activity === null) throw refusal('activity', activity, 'made by newActivity')
    if (!isChecked(activity)) checkActivity(activity)
    return undefined
  } catch (error) {
    const { code, message } = fromUnknown(error, 'invalid_argument')
    return {
      outcome: 'refused',
      id: idOf(activity),
      code: code === 'payload_too_large' ? code : 'invalid_argument',
      message,
    }
  }
}

function idOf(activity: Activity): string {
  try {
    const { id } = activity
    return typeof id === 'string' ? id : ''
  } catch {
    return '' // null, or a getter that throws
  }
}

function checkActivity(activity: Activity): void {
  checkId(activity.id)
  checkType(activity.type)
  if (!isPriority(activity.priority)) throw refusal('priority', activity.priority, `one of ${PRIORITIES.join(', ')}`)
  checkGivenJson(activity.payloadJson, {
    field: `payload of '${activity.type}'`,
    bytesMax: LIMITS.payloadBytesMax,
  })
  checkPolicy(activity)
  checkTime('createdAtMs', activity.createdAtMs)
  if (activity.scheduledAtMs !== null) checkTime('scheduledAtMs', activity.scheduledAtMs)
  checkMetadata(activity.metadata ?? null) // undefined is no metadata to `newActivity`, and none to write here
  checkKey(activity.key)
  checkTrace(activity.trace)
  const { attemptTraceparent } = activity
  if (attemptTraceparent !== null) checkText('attemptTraceparent', attemptTraceparent, LIMITS.traceparentCharsMax, 0)
  if (activity.parentId !== null) checkId(activity.parentId, 'parentId')
  if (activity.redriveOf !== null) checkId(activity.redriveOf, 'redriveOf')
  checkFailures(activity.failures)
  if (activity.extraJson !== undefined) checkExtra(activity.extraJson)
}

function checkPolicy(activity: Activity): void {
  checkInteger('attempt', activity.attempt, 1, LIMITS.attemptsMax)
  checkInteger('retryCount', activity.retryCount, 0, LIMITS.attemptsMax)
  if (activity.maxAttempts !== 'unlimited') checkInteger('maxAttempts', activity.maxAttempts, 1, LIMITS.attemptsMax)
  checkInteger('timeoutMs', activity.timeoutMs, LIMITS.timeoutMsMin, LIMITS.timeoutMsMax)
  checkInteger('retryDelayMs', activity.retryDelayMs, 0, LIMITS.retryDelayMsMax)
  checkInteger('retryDelayMaxMs', activity.retryDelayMaxMs, 0, LIMITS.retryDelayMsMax)
}

function checkTime(field: string, atMs: number): void {
  checkInteger(field, atMs, 0, LIMITS.timeMsMax)
}

function checkKey(key: Activity['key']): void {
  if (key === null) return
  if (typeof key !== 'object') throw refusal('key', key, 'null, or a key with its behaviour')
  checkText('key', key.key, LIMITS.keyBytesMax)
  checkBehavior(key.onDuplicate)
}

// Of whatever form: a reader that does not know it goes on without. It only has to be text that fits.
function checkTrace(trace: Activity['trace']): void {
  if (trace === null) return
  if (typeof trace !== 'object') throw refusal('trace', trace, 'null, or a trace context')
  checkText('trace.traceparent', trace.traceparent, LIMITS.traceparentCharsMax, 0)
  if (trace.tracestate !== undefined) checkText('trace.tracestate', trace.tracestate, LIMITS.tracestateCharsMax, 0)
}

function checkFailures(failures: readonly AttemptFailure[]): void {
  if (!Array.isArray(failures) || failures.length > LIMITS.failureHistoryMax) {
    throw refusal('failures', failures, `a list of at most ${LIMITS.failureHistoryMax}`)
  }
  for (const { attempt, atMs, name, message, worker } of failures as readonly AttemptFailure[]) {
    checkInteger('failures.attempt', attempt, 1, LIMITS.attemptsMax)
    checkTime('failures.atMs', atMs)
    checkText('failures.name', name, LIMITS.failureNameBytesMax, 0)
    checkText('failures.message', message, LIMITS.failureHistoryMessageBytesMax, 0)
    if (worker !== undefined) checkText('failures.worker', worker, LIMITS.workerIdBytesMax, 0)
  }
}

function checkExtra(extraJson: string): void {
  const field = 'extraJson'
  const bytes = utf8Bytes(checkText(field, extraJson, LIMITS.extraBytesMax))
  const members: unknown = JSON.parse(checkGivenJson(`{${extraJson}}`, { field, bytesMax: bytes + 2 }))
  const count = Object.keys(members as object).length
  if (count > LIMITS.extraFieldsMax)
    throw refusal(field, `${count} members`, `at most ${LIMITS.extraFieldsMax} members`)
}

function refusal(field: string, value: unknown, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${describe(value)}; it must be ${allowed}.`, {
    details: { field },
  })
}
