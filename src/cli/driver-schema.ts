// The arguments of the storage driver's operations, field by field, as people write them: seconds and snake_case.
// Unknown fields are refused; what is left out has the defaults of the table in the storage contract.

import { z } from 'zod'
import { DUPLICATE_BEHAVIORS, STATUSES } from '../core/activity.ts'
import { ErrandError } from '../core/errors.ts'
import { DRIVER_LIMITS, LIMITS } from '../core/limits.ts'
import { PRIORITIES } from '../core/priority.ts'

const seconds = (msMin: number, msMax: number) =>
  z
    .number()
    .min(msMin / 1_000)
    .max(msMax / 1_000)
const limit = (max: number, byDefault: number) => z.int().min(1).max(max).default(byDefault)
const leaseMs = z.int().min(LIMITS.leaseMsMin).max(LIMITS.leaseMsMax)
const byId = z.strictObject({ id: z.string() })
const page = {
  type: z.string().optional(),
  cursor: z.string().nullable().default(null),
  limit: limit(LIMITS.pageItemsMax, 50),
}
const claim = z.strictObject({ id: z.string(), lease: z.string(), attempt: z.int().min(1) })
const byClaim = z.strictObject({ claim })

/** One schema per operation. Payload and value are carried as text; here they are only allowed. */
export const schemas = {
  open: z.strictObject({ namespace: z.string(), types: z.array(z.string()).max(1_000) }),
  submit: z.strictObject({
    id: z.string().optional(),
    type: z.string(),
    payload: z.unknown().optional(),
    priority: z.enum(PRIORITIES).default('normal'),
    max_attempts: z.int().min(0).max(LIMITS.attemptsMax).default(3),
    retry_delay_s: seconds(0, LIMITS.retryDelayMsMax).default(1),
    timeout_s: seconds(LIMITS.timeoutMsMin, LIMITS.timeoutMsMax).default(30),
    delay_s: seconds(0, LIMITS.scheduleAheadMsMax).default(0),
    // Checked where activities are made, entry by entry.
    metadata: z.custom<Record<string, string>>(() => true).default({}),
    key: z
      .strictObject({ key: z.string(), on_duplicate: z.enum(DUPLICATE_BEHAVIORS).default('return_existing') })
      .optional(),
  }),
  submit_many: z.strictObject({
    prefix: z.string(),
    n: z.int().min(1).max(DRIVER_LIMITS.submitManyMax),
    type: z.string(),
  }),
  claim: z.strictObject({
    types: z.array(z.string()).min(1),
    limit: limit(LIMITS.dequeueBatchMax, 1),
    lease_ms: leaseMs.default(30_000),
    wait_ms: z.int().min(0).max(LIMITS.waitMsMax).default(1_000),
    worker: z.string().default('w1'),
  }),
  renew: z.strictObject({ claim, lease_ms: leaseMs }),
  complete: z.strictObject({ claim, value: z.unknown().optional() }),
  fail: z.strictObject({
    claim,
    reason: z.string(),
    retryable: z.boolean().default(true),
    timeout: z.boolean().default(false),
  }),
  release: byClaim,
  cancel: byId,
  lookup_key: z.strictObject({ type: z.string(), key: z.string() }),
  process_scheduled: z.strictObject({ limit: limit(LIMITS.housekeepingBatchMax, 100) }),
  reap: z.strictObject({ limit: limit(LIMITS.housekeepingBatchMax, 100) }),
  get_activity: byId,
  get_result: byId,
  get_events: byId,
  list: z.strictObject({ status: z.enum(STATUSES), ...page }),
  dead_letters: z.strictObject(page),
  stats: z.strictObject({}),
  redrive: byId,
  test_expire_lease: byId,
  test_make_due: byId,
  close: z.strictObject({}),
} as const

/** The name of an operation. */
export type OpName = keyof typeof schemas
/** An operation's arguments, complete. */
export type OpArgs<N extends OpName> = z.output<(typeof schemas)[N]>
/** A claim as it was replied and is taken back. */
export type ClaimArgs = z.output<typeof claim>

const request = z.strictObject({ op: z.string(), args: z.unknown().optional() })

/** The operation's name and its raw arguments. Throws `invalid_argument`. */
export function parseRequest(value: unknown): { readonly op: OpName; readonly args: unknown } {
  const { op, args } = check(request, value, 'the request')
  if (isOpName(op)) return { op, args: args ?? {} }
  throw new ErrandError(
    'invalid_argument',
    `op is ${JSON.stringify(op.slice(0, 80))}; known are ${Object.keys(schemas).join(', ')}.`,
    {
      details: { field: 'op' },
    },
  )
}

/** Arguments, checked and complete. Throws `invalid_argument` naming the first wrong field. */
export function check<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, 5).map(issue => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
    const field = [...issue.path, ...keys.slice(0, 1)].join('.')
    return { field, text: `${field === '' ? what : field}: ${issue.message}` }
  })
  throw new ErrandError('invalid_argument', `${problems.map(problem => problem.text).join('; ')}.`, {
    details: { field: problems[0]?.field ?? '' },
  })
}

function isOpName(name: string): name is OpName {
  return Object.hasOwn(schemas, name)
}
