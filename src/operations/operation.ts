// What an operation is: bulk work (redrive, cancel or discard everything that a filter matches) that runs where a reaper runs, not where
// it was asked for. It is an activity of a type of Errand's own: so it is in Kafka, is taken over from a process that dies, is
// cancelled like any other, and says in its payload who asked for what, and why.

import { defineOwnActivity } from '../client/define-activity.ts'
import type { ActivityDefinition } from '../client/define-activity.ts'
import type { Status } from '../core/activity.ts'
import { ErrandError, saidBy } from '../core/errors.ts'
import { LIMITS, OPERATION_LIMITS } from '../core/limits.ts'
import { checkId, checkType } from '../core/names.ts'
import { OptionCheck } from '../core/option-check.ts'
import { checkText, describe } from '../core/text.ts'

/** The type of operations. */
export const OPERATION_TYPE = 'errand-operation'

/** What an operation does to each of its items. */
export const OPERATION_KINDS = ['redrive', 'cancel', 'discard'] as const
/** One of {@link OPERATION_KINDS}. */
export type OperationKind = (typeof OPERATION_KINDS)[number]

/** Items a second, unless the operation says otherwise. */
export const DEFAULT_RATE_PER_SECOND = 50

/** Which statuses each kind acts on; the first of `redrive`, and all of the others, when none is named. */
export const STATUSES_OF: Readonly<Record<OperationKind, readonly Status[]>> = {
  redrive: ['dead_letter', 'failed', 'cancelled'],
  cancel: ['pending', 'scheduled', 'running'],
  discard: ['dead_letter'],
}

/**
 * Which activities. All that is said must hold. Either ids, or at least one of the rest; {@link OperationFilter.all} alone
 * means every one.
 */
export interface OperationFilter {
  readonly type?: string | undefined
  /** The group of the failure: 16 hex digits, as dead letters show it. Only of what has failed. */
  readonly fingerprint?: string | undefined
  /** @defaultValue to redrive, to discard: `dead_letter`; to cancel: pending, scheduled and running */
  readonly status?: Status | undefined
  /** These, and nothing else is said. 1 to 5,000. */
  readonly ids?: readonly string[] | undefined
  /** To redrive, to discard: ended then or later; to cancel: created then or later. Unit: ms since the epoch. */
  readonly afterMs?: number | undefined
  /** To redrive, to discard: ended earlier; to cancel: created earlier. Unit: ms since the epoch. @defaultValue what is there at the start */
  readonly beforeMs?: number | undefined
  /** Every one. */
  readonly all?: boolean | undefined
}

/** What an operation is started with. */
export interface OperationSpec {
  readonly kind: OperationKind
  readonly filter: OperationFilter
  /** Items that it acts on at most, the newest first. Range: 1 to 10,000,000. @defaultValue 10,000,000 */
  readonly max?: number | undefined
  /**
   * Items a second. Range: 0.1 to 1,000. @defaultValue 50
   * Too low: it takes long. Too high: what failed under load fails again, and whoever waits in the same lanes waits longer.
   */
  readonly ratePerSecond?: number | undefined
  /** Why, for people: at most 1 KiB. */
  readonly reason?: string | undefined
  /** Who, for people: at most 256 bytes. */
  readonly requestedBy?: string | undefined
  /** How many there are, as far as was counted before: for "left". */
  readonly expected?: number | undefined
}

/** A filter, complete. */
export interface ResolvedFilter {
  readonly type: string | null
  readonly fingerprint: string | null
  readonly statuses: readonly Status[]
  readonly ids: readonly string[] | null
  readonly afterMs: number | null
  readonly beforeMs: number | null
}

/** An operation, complete and in range. */
export interface Operation {
  readonly kind: OperationKind
  readonly filter: ResolvedFilter
  readonly max: number
  readonly ratePerSecond: number
  readonly reason: string | null
  readonly requestedBy: string | null
  readonly expected: number | null
}

/** How an operation ended: its result. */
export interface OperationSummary {
  /** Items that it came upon: `done + already + failed`, and while it runs or where it was cut off, those that it had yet to act on. */
  readonly found: number
  readonly done: number
  /** Nothing had to be done: redriven, discarded or ended before. */
  readonly already: number
  readonly failed: number
  /** The latest failures, at most 100. */
  readonly failures: readonly ItemFailure[]
}

/** One item that it could not act on. */
export interface ItemFailure {
  readonly id: string
  readonly code: string
  readonly message: string
  readonly atMs: number
}

const FIELDS = ['kind', 'filter', 'max', 'ratePerSecond', 'reason', 'requestedBy', 'expected']
const FILTER_FIELDS = ['type', 'fingerprint', 'status', 'ids', 'afterMs', 'beforeMs', 'all']
const FINGERPRINT = /^[0-9a-f]{16}$/

/** Completes and checks an operation. Throws `invalid_argument` with everything that is wrong with it. */
export function resolveOperation(spec: OperationSpec): Operation {
  if (!isObject(spec) || !isObject(spec.filter)) {
    throw new ErrandError('invalid_argument', 'the operation must be an object with a kind and a filter.', {
      details: { field: 'filter' },
    })
  }
  const check = new OptionCheck('OperationSpec', spec, FIELDS)
  const { itemsMax, ratePerSecond, requestedByBytesMax } = OPERATION_LIMITS
  if (!OPERATION_KINDS.includes(spec.kind)) {
    check.add(`kind is ${describe(spec.kind)}; it must be one of ${OPERATION_KINDS.join(', ')}.`, 'kind')
    check.throwIfAny()
  }
  const operation: Operation = {
    kind: spec.kind,
    filter: resolveFilter(check, spec.kind, spec.filter),
    max: check.integer('max', spec.max ?? itemsMax, 1, itemsMax),
    ratePerSecond: rate(check, spec.ratePerSecond ?? DEFAULT_RATE_PER_SECOND, ratePerSecond),
    reason: check.value(null, () => optional('reason', spec.reason, LIMITS.reasonBytesMax)),
    requestedBy: check.value(null, () => optional('requestedBy', spec.requestedBy, requestedByBytesMax)),
    expected: spec.expected === undefined ? null : check.integer('expected', spec.expected, 0, Number.MAX_SAFE_INTEGER),
  }
  check.throwIfAny()
  return operation
}

function resolveFilter(check: OptionCheck, kind: OperationKind, filter: OperationFilter): ResolvedFilter {
  for (const name of Object.keys(filter).filter(each => !FILTER_FIELDS.includes(each))) {
    check.add(`there is no filter '${name}'; known are ${FILTER_FIELDS.join(', ')}.`, `filter.${name}`)
  }
  const { type, fingerprint, status, ids, afterMs, beforeMs, all } = filter
  const said = Object.entries(filter).flatMap(([name, value]) => (value === undefined || value === false ? [] : [name]))
  if (said.length === 0) {
    check.add('the filter says nothing; name a type, a fingerprint, a time or ids, or say all: true.', 'filter')
  }
  if (all !== undefined && typeof all !== 'boolean')
    check.add(`all is ${describe(all)}; it must be true.`, 'filter.all')
  if (ids !== undefined && said.length > 1)
    check.add('ids stand alone; leave the rest of the filter out.', 'filter.ids')
  if (fingerprint !== undefined && kind === 'cancel') {
    check.add('what has not ended has no fingerprint; leave it out.', 'filter.fingerprint')
  }
  if (fingerprint !== undefined && !(typeof fingerprint === 'string' && FINGERPRINT.test(fingerprint))) {
    check.add(`fingerprint is ${describe(fingerprint)}; it must be 16 hex digits.`, 'filter.fingerprint')
  }
  const statuses = STATUSES_OF[kind]
  if (status !== undefined && !statuses.includes(status)) {
    check.add(`status is ${describe(status)}; to ${kind} it must be one of ${statuses.join(', ')}.`, 'filter.status')
  }
  const byDefault = kind === 'redrive' ? statuses.slice(0, 1) : statuses
  return {
    type: type === undefined ? null : check.value(null, () => checkType(type)),
    fingerprint: fingerprint ?? null,
    statuses: status === undefined ? byDefault : [status],
    ids: ids === undefined ? null : check.value(null, () => checkIds(ids)),
    afterMs: afterMs === undefined ? null : check.integer('afterMs', afterMs, 0, LIMITS.timeMsMax),
    beforeMs: beforeMs === undefined ? null : check.integer('beforeMs', beforeMs, 0, LIMITS.timeMsMax),
  }
}

function checkIds(ids: readonly string[]): readonly string[] {
  const isList = Array.isArray(ids) && ids.length > 0 && ids.length <= OPERATION_LIMITS.idsMax
  if (!isList) {
    const received = Array.isArray(ids) ? `${ids.length} ids` : describe(ids)
    const text = `ids are ${received}; give 1 to ${OPERATION_LIMITS.idsMax}, or a filter.`
    throw new ErrandError('invalid_argument', text, { details: { field: 'filter.ids' } })
  }
  return [...new Set(ids.map(id => checkId(id, 'filter.ids')))]
}

function rate(check: OptionCheck, value: unknown, [min, max]: readonly [number, number]): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  check.add(`ratePerSecond is ${describe(value)}; it must be a number from ${min} to ${max}.`, 'ratePerSecond')
  return min
}

function optional(field: string, value: unknown, bytesMax: number): string | null {
  return value === undefined ? null : checkText(field, value, bytesMax, 0) || null
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Schema<Given, Parsed> = ActivityDefinition<Given, Parsed>['input']

const operationSchema: Schema<OperationSpec, Operation> = {
  '~standard': {
    version: 1,
    vendor: 'errand',
    validate: value => {
      try {
        return { value: resolveOperation(value as OperationSpec) }
      } catch (error) {
        return { issues: [{ message: saidBy(error).replace(/^\[\w+\] /, '') }] }
      }
    },
  },
}

const summarySchema: Schema<OperationSummary, OperationSummary> = {
  '~standard': { version: 1, vendor: 'errand', validate: value => ({ value: value as OperationSummary }) },
}

/**
 * The activity. Its attempts are not counted: each goes on where the one before was cut off, and `operation-run.ts` gives one up
 * that gets nowhere. An attempt that is over its week is followed by another.
 */
export const operationActivity: ActivityDefinition<OperationSpec, Operation, OperationSummary, OperationSummary> =
  defineOwnActivity({
    type: OPERATION_TYPE,
    input: operationSchema,
    output: summarySchema,
    maxAttempts: 'unlimited',
    timeoutMs: LIMITS.timeoutMsMax,
    priority: 'normal',
    retryDelayMs: 1_000,
    retryDelayMaxMs: 60_000,
  })
