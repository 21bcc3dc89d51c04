// What the API takes, as schemas. Unknown names are refused: a typing error must not act on more than was meant.

import { z } from 'zod'
import { DUPLICATE_BEHAVIORS, STATUSES } from '../core/activity.ts'
import { CONSOLE_LIMITS, LIMITS, OPERATION_LIMITS } from '../core/limits.ts'
import { PRIORITIES } from '../core/priority.ts'
import { OPERATION_KINDS } from '../operations/operation.ts'

/** An activity's id. */
export const idText: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$/, 'must be an id: letters, digits and . _ : ~ -, at most 128')

const typeText = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be a type: a letter, then letters, digits, _ and -, at most 64')
const timeMs = z.int().min(0).max(LIMITS.timeMsMax)
/** In a query, which holds texts. */
const timeOfQuery = z.coerce.number().pipe(timeMs)
const cursor = z.string().max(4_096)
const limit = z.coerce.number().pipe(z.int().min(1).max(LIMITS.pageItemsMax))
const reason = z.string().trim().max(LIMITS.reasonBytesMax)
/** Whoever changes something says why. */
const requiredReason = reason.min(1, 'must say why')
const status = z.enum(STATUSES)

/** `:id` */
export const idParams = z.strictObject({ id: idText })

/** A page of activities. */
export const listQuery = z.strictObject({
  status: status.default('pending'),
  type: typeText.optional(),
  cursor: cursor.optional(),
  limit: limit.optional(),
})

/** A page of dead letters, of those that were discarded too where that is asked for. */
export const deadLettersQuery = z.strictObject({
  includeDiscarded: z.enum(['true', 'false']).optional(),
  type: typeText.optional(),
  cursor: cursor.optional(),
  limit: limit.optional(),
})

/** Groups of dead letters. */
export const groupsQuery = z.strictObject({
  type: typeText.optional(),
  limit: z.coerce.number().pipe(z.int().min(CONSOLE_LIMITS.lookedAt[0]).max(CONSOLE_LIMITS.lookedAt[2])).optional(),
})

/** A search. */
export const searchQuery = z.strictObject({
  text: z.string().trim().min(1).max(CONSOLE_LIMITS.searchTextCharsMax),
  type: typeText.optional(),
  status: status.optional(),
  fromMs: timeOfQuery.optional(),
  toMs: timeOfQuery.optional(),
  cursor: cursor.optional(),
})

/** One search box. */
export const lookupQuery = z.strictObject({
  text: z.string().trim().min(1).max(LIMITS.keyBytesMax),
  type: typeText.optional(),
})

/** Charts. */
export const seriesQuery = z.strictObject({
  type: typeText.optional(),
  minutes: z.coerce.number().pipe(z.int().min(1).max(CONSOLE_LIMITS.seriesMinutesMax)).default(60),
})

/** Live events, all or of one activity or type. `after`: as `Last-Event-ID`, for who cannot set it. */
export const streamQuery = z.strictObject({
  id: idText.optional(),
  type: typeText.optional(),
  after: z.string().max(32).optional(),
})

/** Operations that were busy last. */
export const operationsQuery = z.strictObject({ limit: limit.default(50) })

/** Why. */
export const reasonBody = z.strictObject({ reason: requiredReason })

/** A new activity. `payload` is read from the text of the body, so that every digit stays. */
export const enqueueBody = z.strictObject({
  type: typeText,
  payload: z.unknown().optional(),
  options: z
    .strictObject({
      priority: z.enum(PRIORITIES).optional(),
      delayMs: z.int().min(0).max(LIMITS.scheduleAheadMsMax).optional(),
      scheduledAtMs: timeMs.optional(),
      key: z.string().min(1).max(LIMITS.keyBytesMax).optional(),
      onDuplicate: z.enum(DUPLICATE_BEHAVIORS).optional(),
      maxAttempts: z.union([z.int().min(1).max(LIMITS.attemptsMax), z.literal('unlimited')]).optional(),
      timeoutMs: z.int().min(LIMITS.timeoutMsMin).max(LIMITS.timeoutMsMax).optional(),
      metadata: z.record(z.string(), z.string()).optional(),
      id: idText.optional(),
    })
    .optional(),
  reason: requiredReason,
})

/** Another payload for what has failed. */
export const editBody = z.strictObject({ payload: z.unknown(), reason: requiredReason })

const filterFields = {
  type: typeText.optional(),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits')
    .optional(),
  ids: z.array(idText).min(1).max(OPERATION_LIMITS.idsMax).optional(),
  afterMs: timeMs.optional(),
  beforeMs: timeMs.optional(),
  all: z.literal(true).optional(),
}
const [rateMin, rateMax] = OPERATION_LIMITS.ratePerSecond

/** What to redrive: dead letters, or what else has ended without a result. */
export const redriveFilter = z.strictObject({
  ...filterFields,
  status: z.enum(['dead_letter', 'failed', 'cancelled']).optional(),
})

/** What to discard. */
const discardFilter = z.strictObject({ ...filterFields, status: z.literal('dead_letter').optional() })

/** What to cancel. */
const cancelFilter = z.strictObject({
  ...{ type: filterFields.type, ids: filterFields.ids, afterMs: filterFields.afterMs },
  ...{ beforeMs: filterFields.beforeMs, all: filterFields.all },
  status: z.enum(['pending', 'scheduled', 'running']).optional(),
})

const bulkFields = {
  max: z.int().min(1).max(OPERATION_LIMITS.itemsMax).optional(),
  ratePerSecond: z.number().min(rateMin).max(rateMax).optional(),
  /** What a preview counted, for "left". */
  expected: z.int().min(0).optional(),
}

/** Counts what bulk work would act on. */
export const previewBody = z.strictObject({
  kind: z.enum(OPERATION_KINDS).default('redrive'),
  filter: z.union([redriveFilter, cancelFilter]),
  max: bulkFields.max,
})

/** Bulk redrive. */
export const bulkRedriveBody = z.strictObject({ filter: redriveFilter, ...bulkFields, reason: requiredReason })

/** Bulk discard. */
export const bulkDiscardBody = z.strictObject({ filter: discardFilter, ...bulkFields, reason: requiredReason })

/** Bulk cancel. */
export const bulkCancelBody = z.strictObject({ filter: cancelFilter, ...bulkFields, reason: requiredReason })

/** The one place where a token is taken. */
export const signInBody = z.strictObject({ token: z.string().min(1).max(CONSOLE_LIMITS.tokenChars[1]) })
