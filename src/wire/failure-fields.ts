// A recorded failure inside a record: `{ name, message, stack?, code?, cause? }`, the same names as in core.
//
// Written through core's own recorder, which bounds what it is given: whatever a storage was told, what we write can be
// read again.

import { z } from 'zod'

import type { RecordedFailure } from '../core/activity.ts'
import { recordFailure } from '../core/failure.ts'
import { LIMITS } from '../core/limits.ts'
import { checkText } from '../core/text.ts'
import { accepted } from './fields.ts'

const nameField = accepted(value => checkText('name', value, LIMITS.failureNameBytesMax, 0))
const messageField = accepted(value => checkText('message', value, LIMITS.failureMessageBytesMax, 0))
const stackField = accepted(value => checkText('stack', value, LIMITS.failureStackBytesMax, 0))

/** A failure as it came, validated. */
export interface FailureFields {
  name: string
  message: string
  stack?: string | null | undefined
  code?: string | null | undefined
  cause?: FailureFields | null | undefined
}

/** A failure with at most so many causes below it. */
function failureField(causes: number): z.ZodType<FailureFields> {
  return z.object({
    name: nameField,
    message: messageField,
    stack: stackField.nullish(),
    code: nameField.nullish(),
    cause: causes === 0 ? z.null().optional() : failureField(causes - 1).nullish(),
  })
}

/** A recorded failure, on the way in. */
export const recordedFailureField: z.ZodType<FailureFields> = failureField(LIMITS.failureCausesMax)

/** The failure that validated fields say. */
export function failureOf(fields: FailureFields): RecordedFailure {
  const { name, message, stack, code, cause } = fields
  return {
    name,
    message,
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(cause === null || cause === undefined ? {} : { cause: failureOf(cause) }),
  }
}

/** A failure as JSON text, bounded. */
export function failureJson(failure: RecordedFailure): string {
  return JSON.stringify(recordFailure(failure))
}
