// What the API answers with, as schemas: held to the port's types by the compiler, to the answers by tests, and shown as OpenAPI.
// Times are ms since the epoch (`…AtMs`), durations ms (`…Ms`).

import { z } from 'zod'
import { ATTEMPT_OUTCOMES, STATUSES } from '../core/activity.ts'
import type { Coordinates, RecordedFailure, StoredResult } from '../core/activity.ts'
import { ERROR_CODES } from '../core/errors.ts'
import { PRIORITIES } from '../core/priority.ts'
import { OPERATION_KINDS } from '../operations/operation.ts'
import type {
  ActivityEvent,
  ActivitySummary,
  DeadLetterSummary,
  EventGap,
  HealthReport,
  LaneFigures,
  Page,
  StatusCounts,
  StorageStats,
} from '../storage/storage.ts'
import { EVENT_TYPES } from '../storage/storage.ts'
import { ROLES } from './access.ts'
import type { AuditEntry } from './audit.ts'
import { ACTS } from './audit.ts'

const text = z.string()
const count = z.int().min(0)
const atMs = z.number()
const maybe = <T extends z.ZodType>(schema: T): z.ZodNullable<T> => schema.nullable()
const status = z.enum(STATUSES)
const priority = z.enum(PRIORITIES)

/** Names of the schemas that OpenAPI shows by name. */
const named = z.registry<{ id: string; description?: string }>()

/** The registry, for OpenAPI. */
export const SCHEMA_NAMES: typeof named = named

function name<T extends z.ZodType>(id: string, schema: T, description?: string): T {
  named.add(schema, { id, ...(description === undefined ? {} : { description }) })
  return schema
}

/** A page of something. */
export function pageOf<T>(id: string, item: z.ZodType<T>): z.ZodType<Page<T>> {
  return name(id, z.strictObject({ items: z.array(item), cursor: maybe(text) }))
}

/** An error. */
export const problemSchema: z.ZodType = name(
  'Problem',
  z.strictObject({
    error: z.strictObject({
      code: z.enum([...ERROR_CODES, 'unauthorized', 'forbidden', 'method_not_allowed', 'too_many_requests']),
      message: text,
      field: text.optional(),
      existingId: text.optional(),
      redrivenAs: text.optional(),
    }),
  }),
)

const failure: z.ZodType<RecordedFailure> = name(
  'RecordedFailure',
  z.strictObject({
    name: text,
    message: text,
    stack: text.exactOptional(),
    code: text.exactOptional(),
    get cause() {
      return failure.exactOptional()
    },
  }),
)

const counts: z.ZodType<StatusCounts> = name(
  'StatusCounts',
  z.strictObject({
    ...{ pending: count, scheduled: count, running: count },
    ...{ completed: count, failed: count, dead_letter: count, cancelled: count },
  }),
)

/** How fresh an answer is: it may be older than the question while a server is away. */
const asOf = { asOfMs: atMs, trouble: maybe(text) }

export const statsSchema: z.ZodType<StorageStats & AsOf> = name(
  'Stats',
  z.strictObject({
    ...{ pending: count, scheduled: count, running: count },
    ...{ completed: count, failed: count, dead_letter: count, cancelled: count },
    byType: z.record(text, counts),
    byPriority: z.record(priority, counts),
    ...asOf,
  }),
  'Counts by status. What has ended is counted while it is remembered.',
)

/** When it was looked up; what is wrong now, where that is later. */
export interface AsOf {
  readonly asOfMs: number
  readonly trouble: string | null
}

const lane: z.ZodType<LaneFigures> = name(
  'LaneFigures',
  z.strictObject({
    ...{ type: text, priority, pending: count, oldestPendingAtMs: maybe(atMs), running: count, scheduled: count },
    ...{ deadLetters: count, finishedAhead: count, frontierStuckMs: z.number().min(0), consumers: maybe(count) },
  }),
)

export const lanesSchema: z.ZodType<AsOf & { readonly lanes: readonly LaneFigures[] }> = name(
  'Lanes',
  z.strictObject({ lanes: z.array(lane), ...asOf }),
)

const bucket = name(
  'SeriesBucket',
  z.strictObject({
    atMs,
    ...{ enqueued: maybe(count), completed: count, failed: count, deadLetter: count, cancelled: count },
    ...{ retrying: count, leaseExpired: count },
    ...{ pending: maybe(count), running: maybe(count), scheduled: maybe(count), oldestPendingAgeMs: maybe(z.number()) },
    hasGap: z.boolean(),
    isPartial: z.boolean(),
  }),
  'One minute. Counts of what happened within it; depths as they were last seen in it, null when nobody looked.',
)

export const seriesSchema: z.ZodType = name(
  'Series',
  z.strictObject({
    bucketMs: z.number(),
    sinceMs: atMs,
    series: z.array(z.strictObject({ type: text, buckets: z.array(bucket) })),
  }),
)

const summaryFields = {
  ...{ id: text, type: text, status, priority, attempt: count, maxAttempts: z.union([count, z.literal('unlimited')]) },
  ...{ createdAtMs: atMs, scheduledAtMs: maybe(atMs), startedAtMs: maybe(atMs), endedAtMs: maybe(atMs) },
  ...{ worker: maybe(text), error: maybe(failure) },
}

export const summarySchema: z.ZodType<ActivitySummary> = name('ActivitySummary', z.strictObject(summaryFields))

const discarded = maybe(z.strictObject({ atMs, reason: maybe(text) }))

export const deadLetterSchema: z.ZodType<DeadLetterSummary> = name(
  'DeadLetter',
  z.strictObject({
    ...summaryFields,
    ...{ error: failure, attempts: count, failedAtMs: atMs, fingerprint: text, redrivenAs: maybe(text) },
    discarded,
  }),
)

const coordinates: z.ZodType<Coordinates> = name(
  'Coordinates',
  z.strictObject({ topic: text, partition: count, offset: text }),
)

const result = name(
  'Result',
  z.strictObject({ state: z.enum(['ok', 'err']), data: z.unknown(), atMs, isRedacted: z.boolean() }),
)

/** A result as it is shown: its text parsed, or what a hook gave for it. */
export interface ShownResult extends Pick<StoredResult, 'state' | 'atMs'> {
  readonly data: unknown
  readonly isRedacted: boolean
}

export const resultSchema: z.ZodType = name('MaybeResult', z.strictObject({ result: maybe(result) }))

export const activitySchema: z.ZodType = name(
  'Activity',
  z.strictObject({
    ...summaryFields,
    ...{ payload: z.unknown().optional(), isRedacted: z.boolean(), metadata: z.record(text, text), key: maybe(text) },
    ...{ retryCount: count, timeoutMs: maybe(count), currentWorker: maybe(text), lastWorker: maybe(text) },
    ...{ lastError: maybe(failure), leaseDeadlineMs: maybe(atMs), cancelRequested: z.boolean() },
    ...{ parentId: maybe(text), redriveOf: maybe(text), redrivenAs: maybe(text), discarded },
    ...{ editedFrom: maybe(text), editedAs: maybe(text) },
    ...{ coordinates: maybe(coordinates), traceId: maybe(text), traceUrl: maybe(text), result: maybe(result) },
    ...{ fingerprint: maybe(text), sentence: text, nowMs: atMs },
  }),
  'Everything that is known of an activity. `payload` is left out when it is no longer there.',
)

const event: z.ZodType<ActivityEvent> = name(
  'ActivityEvent',
  z.strictObject({
    id: text,
    activityType: text,
    type: z.enum([...EVENT_TYPES, ...ATTEMPT_OUTCOMES]),
    attempt: count,
    atMs,
    worker: maybe(text).exactOptional(),
    error: maybe(failure).exactOptional(),
    dueAtMs: maybe(atMs).exactOptional(),
  }),
)

export const eventsSchema: z.ZodType<{ readonly events: readonly ActivityEvent[] }> = name(
  'Events',
  z.strictObject({ events: z.array(event) }),
)

export const gapSchema: z.ZodType<EventGap> = name('Gap', z.strictObject({ type: z.literal('gap'), atMs }))

export const searchSchema: z.ZodType = name(
  'SearchPage',
  z.strictObject({
    items: z.array(summarySchema),
    cursor: maybe(text),
    lookedAt: count,
    fromMs: maybe(atMs),
    toMs: maybe(atMs),
    isComplete: z.boolean(),
  }),
  'What was found among `lookedAt` activities, whose times reach from `fromMs` to `toMs`. Not complete: the cursor goes on.',
)

export const lookupSchema: z.ZodType = name(
  'Lookup',
  z.strictObject({
    ...{ id: maybe(text), by: maybe(z.enum(['id', 'key'])), type: maybe(text) },
    hits: z.array(z.strictObject({ id: text, type: text })),
  }),
  'What a text stands for. `id` is null where it is nothing, or a key of several types: `hits` has all of them.',
)

export const groupsSchema: z.ZodType = name(
  'DeadLetterGroups',
  z.strictObject({
    groups: z.array(
      z.strictObject({
        ...{ fingerprint: text, count, redriven: count, types: z.array(text) },
        ...{ firstFailedAtMs: atMs, lastFailedAtMs: atMs, error: failure, sampleIds: z.array(text) },
      }),
    ),
    lookedAt: count,
    isComplete: z.boolean(),
  }),
)

const operationHead = z.strictObject({
  kind: z.enum(OPERATION_KINDS),
  filter: z.strictObject({
    ...{ type: maybe(text), fingerprint: maybe(text), statuses: z.array(status), ids: maybe(count) },
    ...{ afterMs: maybe(atMs), beforeMs: maybe(atMs) },
  }),
  ...{ max: count, ratePerSecond: z.number(), reason: maybe(text), requestedBy: maybe(text), expected: maybe(count) },
})

export const operationSchema: z.ZodType = name(
  'Operation',
  z.strictObject({
    id: text,
    state: z.enum(['queued', 'running', 'cancelling', 'waiting', 'completed', 'failed', 'cancelled', 'unknown']),
    head: operationHead,
    ...{ found: count, done: count, already: count, failed: count },
    failures: z.array(z.strictObject({ id: text, code: text, message: text, atMs })),
    ...{ left: maybe(count), perSecond: maybe(z.number()), requestedAtMs: atMs, startedAtMs: maybe(atMs) },
    ...{ updatedAtMs: atMs, endedAtMs: maybe(atMs), worker: maybe(text), error: maybe(text) },
  }),
)

export const operationsSchema: z.ZodType = name(
  'Operations',
  z.strictObject({ operations: z.array(operationSchema), servedBy: maybe(count) }),
  '`servedBy`: how many processes run operations; 0: they wait until a reaper is started; null: not known.',
)

export const previewSchema: z.ZodType = name(
  'Preview',
  z.strictObject({
    ...{ count, isExact: z.boolean(), already: count, lookedAt: count },
    samples: z.array(
      z.strictObject({
        ...{ id: text, type: maybe(text), status: maybe(status), atMs: maybe(atMs), error: maybe(failure) },
        isAlready: z.boolean(),
      }),
    ),
  }),
)

const runningItem = z.strictObject({
  ...{ id: text, type: text, attempt: count, priority, startedAtMs: maybe(atMs), leaseDeadlineMs: maybe(atMs) },
})

export const workersSchema: z.ZodType = name(
  'Workers',
  z.strictObject({
    workers: z.array(
      z.strictObject({
        ...{ worker: maybe(text), running: count, types: z.record(text, count) },
        items: z.array(runningItem),
      }),
    ),
    types: z.array(z.strictObject({ type: text, members: maybe(count), running: count, pending: count })),
    isComplete: z.boolean(),
  }),
  'Who holds what. `items`: those that run longest; lease ends are looked up for them.',
)

export const topicsSchema: z.ZodType = name(
  'Topics',
  z.strictObject({
    lanes: z.array(lane),
    topics: z.array(
      z.strictObject({
        ...{ topic: text, role: text, type: maybe(text), isThere: z.boolean(), settings: z.record(text, text) },
        wanted: z.record(text, text),
        partitions: z.array(
          z.strictObject({
            ...{ partition: count, leader: maybe(z.int()), replicas: count, inSync: count },
            ...{ low: maybe(count), high: maybe(count), frontier: maybe(z.int()), lag: maybe(count) },
            ...{ finishedAhead: maybe(count), standsStill: z.boolean() },
          }),
        ),
      }),
    ),
    groups: z.array(
      z.strictObject({ groupId: text, type: maybe(text), state: text, members: count, isStuck: z.boolean() }),
    ),
    isKnown: z.boolean(),
    asOfMs: maybe(atMs),
    trouble: maybe(text),
  }),
  '`isKnown` false: this storage has no topics, or nobody can look at them here.',
)

export const doctorSchema: z.ZodType = name(
  'Diagnosis',
  z.strictObject({
    isAvailable: z.boolean(),
    ...{ asOfMs: maybe(atMs), trouble: maybe(text) },
    findings: z.array(
      z.strictObject({
        id: text,
        severity: z.enum(['error', 'warning', 'note']),
        ...{ source: text, subject: text, says: text, fix: text },
      }),
    ),
    notChecked: z.array(z.strictObject({ what: text, why: text })),
  }),
)

export const healthSchema: z.ZodType<HealthReport> = name(
  'Health',
  z.strictObject({ checks: z.array(z.strictObject({ name: text, trouble: maybe(text), isFatal: z.boolean() })) }),
)

const auditEntry: z.ZodType<AuditEntry> = name(
  'AuditEntry',
  z.strictObject({
    ...{ id: count, atMs, who: text, act: z.enum(ACTS), subject: text, reason: maybe(text), requestId: maybe(text) },
    outcome: z.enum(['done', 'refused', 'failed']),
    says: maybe(text),
  }),
)

export const auditSchema: z.ZodType = name('Audit', z.strictObject({ entries: z.array(auditEntry) }))

export const sessionSchema: z.ZodType = name(
  'Session',
  z.strictObject({
    role: maybe(z.enum(ROLES)),
    needsToken: z.boolean(),
    isReadOnly: z.boolean(),
    environment: maybe(z.strictObject({ name: text, color: maybe(text) })),
    namespace: maybe(text),
    version: maybe(text),
    traceUrl: maybe(text),
    redacts: z.boolean(),
    canDiagnose: z.boolean(),
    nowMs: atMs,
  }),
  '`role` null: a token must be shown first; then namespace, version and trace URL are null.',
)

export const idSchema: z.ZodType = name('Id', z.strictObject({ id: text }))

export const enqueuedSchema: z.ZodType = name(
  'Enqueued',
  z.strictObject({ id: text, outcome: z.enum(['created', 'existing']) }),
)

export const cancelledSchema: z.ZodType = name(
  'Cancelled',
  z.strictObject({ outcome: z.enum(['cancelled', 'cancel_requested', 'already_ended']) }),
)

export const discardedSchema: z.ZodType = name(
  'Discarded',
  z.strictObject({ outcome: z.enum(['discarded', 'already']) }),
)

export const startedSchema: z.ZodType = name(
  'StartedOperation',
  z.strictObject({ id: text, outcome: z.enum(['created', 'existing']), servedBy: maybe(count) }),
)
