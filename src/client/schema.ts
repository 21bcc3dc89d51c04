// A value against a Standard Schema. Synchronous schemas cost no promise: workers validate every attempt.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ErrorCode } from '../core/errors.ts'
import { ErrandError } from '../core/errors.ts'

/** The parsed value, or the refusal. */
export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ErrandError }

/** What is validated, for messages: `input` or `result`, and the activity's type. */
export interface Subject {
  readonly field: 'input' | 'result'
  readonly type: string
  readonly code: Extract<ErrorCode, 'invalid_argument' | 'serialization'>
}

/** Issues that an error carries at most. */
const ISSUES_MAX = 20

/** Validates a value; what the schema itself throws passes through. The refusal names the field and the path within it. */
export function validate<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: unknown,
  subject: Subject,
): Validated<T> | Promise<Validated<T>> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(late => verdict(late, subject)) : verdict(result, subject)
}

function verdict<T>(result: StandardSchemaV1.Result<T>, subject: Subject): Validated<T> {
  if (result.issues === undefined) return { ok: true, value: result.value }
  const issues = result.issues.slice(0, ISSUES_MAX).map(issue => ({ at: at(issue, subject), message: issue.message }))
  const first = issues[0] ?? { at: subject.field, message: 'refused without a reason' }
  const more = result.issues.length > 1 ? ` (and ${result.issues.length - 1} more)` : ''
  const text = `${first.at} of '${subject.type}' is refused by its schema: ${first.message}${more}`
  return {
    ok: false,
    error: new ErrandError(subject.code, text, { details: { field: first.at, type: subject.type, issues } }),
  }
}

/** Such as `input.lines[2].price`. */
function at(issue: StandardSchemaV1.Issue, { field }: Subject): string {
  const path = (issue.path ?? []).map(step => (typeof step === 'object' ? step.key : step))
  return field + path.map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
}
