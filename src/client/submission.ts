// An enqueue, step by step: validate by the schema, make the activities, declare the type, send, read the answers. What was
// given is sent, not what the schema made of it, so that transforms run once: in the worker.

import type { Activity, DuplicateBehavior } from '../core/activity.ts'
import { markChecked } from '../core/checked-activity.ts'
import { ErrandError, fromUnknown, isErrandError } from '../core/errors.ts'
import { newActivity } from '../core/new-activity.ts'
import type { Priority } from '../core/priority.ts'
import { describe } from '../core/text.ts'
import type { EnqueueAnswer } from '../storage/storage.ts'
import type { ActivitySpan } from '../telemetry/telemetry.ts'
import type { ResolvedClientOptions } from './client-options.ts'
import type { ActivityDefinition } from './define-activity.ts'
import type { Validated } from './schema.ts'
import { validate } from './schema.ts'
import type { TypeDeclarations } from './type-declarations.ts'

/** What one enqueue may say beside its input. */
export interface EnqueueOptions {
  /** @defaultValue the definition's, else 'normal' */
  readonly priority?: Priority | undefined
  /** Not before so many ms from now. Excludes `scheduledAt`. @defaultValue 0 */
  readonly delayMs?: number | undefined
  /** Not before this time; in the past: at once. Excludes `delayMs`. */
  readonly scheduledAt?: Date | undefined
  /** Idempotency key within namespace and type: at most 512 bytes. */
  readonly key?: string | undefined
  /** What a key in use does. @defaultValue 'return_existing' */
  readonly onDuplicate?: DuplicateBehavior | undefined
  /** Total attempts. @defaultValue the definition's, else 3 */
  readonly maxAttempts?: number | 'unlimited' | undefined
  /** Longest run of an attempt. Unit: ms. @defaultValue the definition's, else 30_000 */
  readonly timeoutMs?: number | undefined
  /** At most 64 entries of text. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Letters, digits and `._:~-`, at most 128. @defaultValue a new UUIDv7 */
  readonly id?: string | undefined
}

const KNOWN = new Set([
  'priority',
  'delayMs',
  'scheduledAt',
  'key',
  'onDuplicate',
  'maxAttempts',
  'timeoutMs',
  'metadata',
  'id',
])

/** One item of a submission. */
export interface SubmissionItem {
  readonly input: unknown
  readonly options?: EnqueueOptions | undefined
}

/** What a submission needs. */
export interface SubmissionParts {
  readonly options: ResolvedClientOptions
  readonly declarations: TypeDeclarations
  readonly parentId: string | undefined
  /** Of the attempt whose handler enqueues. */
  readonly parentSpan: ActivitySpan | undefined
}

/** Accepted, or not with the error to throw. `id` is undefined when no activity could be made of the item. */
export type SubmissionAnswer =
  | Extract<EnqueueAnswer, { outcome: 'created' | 'existing' }>
  | { readonly outcome: 'refused' | 'unavailable'; readonly id: string | undefined; readonly error: ErrandError }

interface Prepared {
  readonly activity: Activity
  readonly span: ActivitySpan
}

/**
 * Sends the items; one answer each, in order. A refused one does not touch its neighbours. Rejects when the call as a whole is
 * wrong or the type cannot be declared; nothing was written then.
 */
export async function submit(
  parts: SubmissionParts,
  definition: ActivityDefinition,
  items: readonly SubmissionItem[],
): Promise<SubmissionAnswer[]> {
  checkDefinition(definition)
  const validated = await settledOf(items.map(item => checked(definition, item)))
  const made = items.map((item, at) => prepare(parts, definition, item, validated[at]))
  const prepared = made.filter(each => 'activity' in each)
  if (prepared.length === 0) return made.map(each => refusalOrBroken(each))
  const answers = await send(parts, definition.type, prepared)
  let next = 0
  return made.map(each => ('activity' in each ? (answers[next++] ?? refusalOrBroken(each)) : each))
}

/** Callers without types hand in anything. Throws `invalid_argument` naming `definition`. */
function checkDefinition(definition: unknown): asserts definition is ActivityDefinition {
  try {
    const { type, input } = definition as Partial<ActivityDefinition>
    if (typeof type === 'string' && typeof input?.['~standard'].validate === 'function') return
  } catch {
    // null, or what lets nobody look: refused like any other
  }
  throw new ErrandError('invalid_argument', `definition is ${describe(definition)}; give what defineActivity made.`, {
    details: { field: 'definition' },
  })
}

type Checked = ErrandError | undefined

/** Waits only where there is something to wait for: a batch of 10,000 would make as many promises. */
function settledOf(checks: readonly (Checked | Promise<Checked>)[]): readonly Checked[] | Promise<Checked[]> {
  const now: Checked[] = []
  for (const check of checks) {
    if (check instanceof Promise) return Promise.all(checks)
    now.push(check)
  }
  return now
}

/** A promise only where the schema gives one. */
function checked({ type, input }: ActivityDefinition, item: SubmissionItem): Checked | Promise<Checked> {
  const broken = (error: unknown): ErrandError =>
    fromUnknown(error, 'invalid_argument', `input of '${type}' made its schema throw`)
  const refusedBy = (verdict: Validated<unknown>): Checked => (verdict.ok ? undefined : verdict.error)
  try {
    if (typeof item !== 'object' || item === null) throw refusal('items', item, 'an object with an input')
    const verdict = validate(input, item.input, { field: 'input', type, code: 'invalid_argument' })
    return verdict instanceof Promise ? verdict.then(refusedBy).catch(broken) : refusedBy(verdict)
  } catch (error) {
    return broken(error)
  }
}

type Refusal = Extract<SubmissionAnswer, { error: ErrandError }>

function prepare(
  { options, parentId, parentSpan: parent }: SubmissionParts,
  definition: ActivityDefinition,
  item: SubmissionItem,
  refused: ErrandError | undefined,
): Prepared | Refusal {
  if (refused !== undefined) return { outcome: 'refused', id: idOf(item), error: refused }
  try {
    const activity = activityOf(options, definition, item, parentId)
    const span = options.telemetry.startSpan({ kind: 'send', activity, parent })
    // Checked as it is: what is added to it is of our own making.
    return { activity: span.trace === undefined ? activity : markChecked({ ...activity, trace: span.trace }), span }
  } catch (error) {
    if (!isErrandError(error)) throw error
    return { outcome: 'refused', id: idOf(item), error }
  }
}

/** The id that a refused item asked for, as far as it says one. */
function idOf(item: SubmissionItem): string | undefined {
  try {
    const id: unknown = item.options?.id
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined // refused for that very reason
  }
}

/** A copy of the options, so that what is checked is what is used. Throws `invalid_argument` naming what is wrong. */
function optionsOf({ options = {} }: SubmissionItem): EnqueueOptions {
  let own: EnqueueOptions | undefined
  try {
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) own = { ...options }
  } catch {
    // a getter or a proxy that throws: refused below
  }
  if (own === undefined) throw refusal('options', options, 'an object of options')
  const unknown = Object.keys(own).find(name => !KNOWN.has(name))
  if (unknown === undefined) return own
  const text = `there is no option ${describe(unknown)}; known are ${[...KNOWN].join(', ')}.`
  throw new ErrandError('invalid_argument', text, { details: { field: unknown } })
}

function refusal(field: string, value: unknown, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${describe(value)}; it must be ${allowed}.`, {
    details: { field, received: describe(value), allowed },
  })
}

function activityOf(
  { ids, clock }: ResolvedClientOptions,
  definition: ActivityDefinition,
  item: SubmissionItem,
  parentId: string | undefined,
): Activity {
  const { priority, maxAttempts, timeoutMs, ...options } = optionsOf(item)
  return newActivity(
    {
      ...options,
      type: definition.type,
      payload: item.input,
      priority: priority === undefined ? definition.priority : priority,
      maxAttempts: maxAttempts === undefined ? definition.maxAttempts : maxAttempts,
      timeoutMs: timeoutMs === undefined ? definition.timeoutMs : timeoutMs,
      retryDelayMs: definition.retryDelayMs,
      retryDelayMaxMs: definition.retryDelayMaxMs,
      parentId,
    },
    { ids, nowMs: clock.nowMs() },
  )
}

async function send(
  { options, declarations }: SubmissionParts,
  type: string,
  prepared: readonly Prepared[],
): Promise<SubmissionAnswer[]> {
  const { storage, clock, telemetry } = options
  const startedMs = clock.monotonicMs()
  try {
    const activities = prepared.map(({ activity }) => activity)
    const answers = await telemetry.quietly(async () => {
      await declarations.ensure(type)
      return storage.enqueueMany({ activities })
    })
    const tookMs = clock.monotonicMs() - startedMs
    return prepared.map((each, at) => conclude(options, each, answers[at], tookMs))
  } catch (error) {
    const known = fromUnknown(error, 'internal')
    telemetry.count('sent', prepared.length, { type, outcome: 'error', error: known })
    for (const { span } of prepared) span.end({ outcome: 'error', error: known })
    throw known
  }
}

function conclude(
  { telemetry }: ResolvedClientOptions,
  { activity, span }: Prepared,
  answer: EnqueueAnswer | undefined,
  tookMs: number,
): SubmissionAnswer {
  const { type, priority } = activity
  const concluded = answer === undefined ? noAnswer(activity) : answerOf(activity, answer)
  const { outcome } = concluded
  const error = 'error' in concluded ? concluded.error : undefined
  const labels = { type, outcome, error }
  telemetry.duration('send', tookMs, labels)
  telemetry.count('sent', 1, labels)
  if (outcome === 'created') telemetry.count('enqueued', 1, { type, priority })
  else if (outcome === 'existing') telemetry.count('deduplicated', 1, { type, priority })
  span.end({ outcome, error, ...('coordinates' in concluded ? { coordinates: concluded.coordinates } : {}) })
  return concluded
}

function answerOf({ id, type, key }: Activity, answer: EnqueueAnswer): SubmissionAnswer {
  switch (answer.outcome) {
    case 'created':
    case 'existing':
      return answer
    case 'refused': {
      const { code, message, existingId } = answer
      const details = { id, type, ...(existingId === undefined ? {} : { existingId }) }
      return { outcome: 'refused', id, error: new ErrandError(code, message, { details }) }
    }
    case 'unavailable': {
      const text = `outcome unknown; retrying with the same key or id is safe (id ${id}): ${answer.message}`
      const details = { id, type, ...(key === null ? {} : { key: key.key }) }
      const error = new ErrandError('unavailable', text, { details, cause: answer.cause })
      return { outcome: 'unavailable', id, error }
    }
  }
}

function noAnswer({ id, type }: Activity): SubmissionAnswer {
  const text = `the storage gave no answer for activity ${id} of '${type}'`
  return { outcome: 'unavailable', id, error: new ErrandError('internal', text, { details: { id, type } }) }
}

function refusalOrBroken(each: Prepared | Refusal): SubmissionAnswer {
  return 'activity' in each ? noAnswer(each.activity) : each
}
