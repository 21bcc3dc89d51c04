// What an activity is called, what goes in, what comes out, and how it is tried: shared by those who enqueue and those who
// run it. There is no handler in it, so a producer never imports what the handler needs.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ErrandError } from '../core/errors.ts'
import { RESERVED_TYPE_PREFIX } from '../core/names.ts'
import { newActivity } from '../core/new-activity.ts'
import type { Priority } from '../core/priority.ts'
import { describe } from '../core/text.ts'

/** How an activity is tried. Each can be set again for a single enqueue, but for the two delays. */
export interface ActivityPolicy {
  /** Total attempts. Range: 1 to 2,147,483,647, or `'unlimited'`. @defaultValue 3 */
  readonly maxAttempts?: number | 'unlimited' | undefined
  /** Longest run of an attempt. Unit: ms. Range: 1 to a week. @defaultValue 30_000 */
  readonly timeoutMs?: number | undefined
  /** @defaultValue 'normal' */
  readonly priority?: Priority | undefined
  /** Base of the exponential backoff: `base * 2^failures`. Unit: ms. 0: at once. @defaultValue 1_000 */
  readonly retryDelayMs?: number | undefined
  /** Cap of the backoff. Unit: ms. @defaultValue 3_600_000 */
  readonly retryDelayMaxMs?: number | undefined
}

/** What {@link defineActivity} takes. */
export interface ActivityDefinitionSpec<
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1,
> extends ActivityPolicy {
  /** `^[A-Za-z][A-Za-z0-9_-]{0,63}$`: names its topics and its consumer group, so it is for good. */
  readonly type: string
  /** Any Standard Schema. What it takes must be JSON: what was given is sent, and parsed where it runs. */
  readonly input: Input
  /** Any Standard Schema for the handler's result, applied by who reads it. @defaultValue any JSON, typed `unknown` */
  readonly output?: Output
}

/**
 * An activity that was defined. `Given` is what enqueue takes, `Parsed` what the handler gets, `Returned` what the handler
 * gives back, `Result` what those who wait for it get.
 */
export interface ActivityDefinition<
  Given = unknown,
  Parsed = unknown,
  Returned = unknown,
  Result = unknown,
> extends ActivityPolicy {
  readonly type: string
  readonly input: StandardSchemaV1<Given, Parsed>
  readonly output: StandardSchemaV1<Returned, Result> | undefined
}

const KNOWN = new Set([
  'type',
  'input',
  'output',
  'maxAttempts',
  'timeoutMs',
  'priority',
  'retryDelayMs',
  'retryDelayMaxMs',
])

/**
 * Defines an activity. Throws `invalid_argument` naming the field when the type (also one that begins with `errand-`), a
 * schema or the policy is not acceptable.
 *
 * @example
 * export const sendInvoice = defineActivity({
 *   type: 'send-invoice',
 *   input: z.object({ orderId: z.string() }),
 *   output: z.object({ receiptId: z.string() }),
 *   maxAttempts: 5,
 * })
 */
export function defineActivity<
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(spec: ActivityDefinitionSpec<Input, Output>): Defined<Input, Output> {
  const { type } = spec
  if (typeof type === 'string' && type.startsWith(RESERVED_TYPE_PREFIX)) {
    throw refusal(
      'type',
      describe(type),
      `a name that does not begin with ${RESERVED_TYPE_PREFIX}: those are Errand's own`,
    )
  }
  return defineOwnActivity(spec)
}

/** What {@link defineActivity} makes of schemas. */
type Defined<Input extends StandardSchemaV1, Output extends StandardSchemaV1> = ActivityDefinition<
  StandardSchemaV1.InferInput<Input>,
  StandardSchemaV1.InferOutput<Input>,
  StandardSchemaV1.InferInput<Output>,
  StandardSchemaV1.InferOutput<Output>
>

/** {@link defineActivity} for Errand itself, whose types begin with `errand-`. Not for applications. */
export function defineOwnActivity<
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(spec: ActivityDefinitionSpec<Input, Output>): Defined<Input, Output> {
  for (const name of Object.keys(spec)) {
    if (!KNOWN.has(name)) throw refusal(name, 'unknown', `one of ${[...KNOWN].join(', ')}`)
  }
  const { type, input, output, ...policy } = spec
  // The one door through which activities are made checks type and policy alike, here early instead of at the first enqueue.
  newActivity({ ...policy, type, payload: null }, { ids: { next: () => 'defined' }, nowMs: 0 })
  checkSchema('input', input)
  if (output !== undefined) checkSchema('output', output)
  return Object.freeze({ ...policy, type, input, output })
}

function checkSchema(field: 'input' | 'output', schema: unknown): void {
  if ((typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema) return
  throw refusal(field, describe(schema), 'a Standard Schema, such as those of zod, valibot or arktype')
}

function refusal(field: string, received: string, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${received}; it must be ${allowed}.`, {
    details: { field, received, allowed },
  })
}
