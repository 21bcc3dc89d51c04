// How far an operation has come, as it is saved. What was counted and where to go on stand in one text, so that a process that
// takes over does again only what was not counted; and doing it again gives the same.

import type { Status } from '../core/activity.ts'
import { OPERATION_LIMITS } from '../core/limits.ts'
import type { ItemFailure, Operation, OperationKind, OperationSummary } from './operation.ts'

/** Where an operation stands by its own account. `running` also while nobody has it: its activity knows. */
export const PROGRESS_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const
/** One of {@link PROGRESS_STATES}. */
export type ProgressState = (typeof PROGRESS_STATES)[number]

/** Of a filter what is worth showing: ids are counted. */
export interface ShownFilter {
  readonly type: string | null
  readonly fingerprint: string | null
  readonly statuses: readonly Status[]
  readonly ids: number | null
  readonly afterMs: number | null
  readonly beforeMs: number | null
}

/** What was asked for. */
export interface OperationHead {
  readonly kind: OperationKind
  readonly filter: ShownFilter
  readonly max: number
  readonly ratePerSecond: number
  readonly reason: string | null
  readonly requestedBy: string | null
  readonly expected: number | null
}

/** A place in the lists that an operation goes through. Null: they have been gone through. */
export interface Position {
  /** Which of its statuses (0 where it has ids). */
  readonly stage: number
  /** Of a page; null: the first. */
  readonly cursor: string | null
}

/** An item that waits to be acted on. */
export interface QueuedItem {
  readonly id: string
  /** How often Kafka or Redis were away for it. */
  readonly tries: number
}

/** Everything that is saved. */
export interface OperationProgress extends OperationSummary {
  readonly version: 1
  readonly head: OperationHead
  readonly state: ProgressState
  /** When it was asked for, when its first attempt began, when this was saved, when it ended. Unit: ms since the epoch. */
  readonly requestedAtMs: number
  readonly startedAtMs: number | null
  readonly updatedAtMs: number
  readonly endedAtMs: number | null
  readonly worker: string | null
  /** Items a second, of late. */
  readonly perSecond: number | null
  readonly position: Position | null
  readonly queue: readonly QueuedItem[]
  /** Attempts in a row, this one included, that have acted on nothing. */
  readonly barrenAttempts: number
}

/** The progress of one that has not begun. */
export function newProgress(operation: Operation, nowMs: number): OperationProgress {
  return {
    version: 1,
    head: headOf(operation),
    state: 'queued',
    ...{ found: 0, done: 0, already: 0, failed: 0, failures: [] },
    ...{ requestedAtMs: nowMs, startedAtMs: null, updatedAtMs: nowMs, endedAtMs: null },
    ...{ worker: null, perSecond: null, barrenAttempts: 0 },
    position: { stage: 0, cursor: null },
    queue: [],
  }
}

function headOf({ kind, filter, max, ratePerSecond, reason, requestedBy, expected }: Operation): OperationHead {
  const ids = filter.ids === null ? null : filter.ids.length
  return { kind, filter: { ...filter, ids }, max, ratePerSecond, reason, requestedBy, expected }
}

/** Reads what was saved; null when it was not by this version, or is none: then the operation begins anew. */
export function parseProgress(json: string | null): OperationProgress | null {
  if (json === null) return null
  try {
    const parsed: Partial<OperationProgress> | null = JSON.parse(json)
    const isOurs =
      parsed?.version === 1 && PROGRESS_STATES.some(state => state === parsed.state) && Array.isArray(parsed.queue)
    return isOurs ? (parsed as OperationProgress) : null
  } catch {
    return null // what nobody can read is as good as gone
  }
}

/** The failures with one more, as many as are kept. */
export function withItemFailure(failures: readonly ItemFailure[], failure: ItemFailure): readonly ItemFailure[] {
  return [...failures, failure].slice(-OPERATION_LIMITS.failuresMax)
}

/** Its result. */
export function summaryOfProgress({ found, done, already, failed, failures }: OperationProgress): OperationSummary {
  return { found, done, already, failed, failures }
}
