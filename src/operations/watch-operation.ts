// How operations stand: what their activity says (whether it waits, runs, has ended) beside what their progress says (how far).

import type { Status } from '../core/activity.ts'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { ErrandError, isErrandError } from '../core/errors.ts'
import { checkId } from '../core/names.ts'
import { checkInteger } from '../core/text.ts'
import type { ActivitySnapshot, Storage } from '../storage/storage.ts'
import type { OperationSummary } from './operation.ts'
import { OPERATION_TYPE, resolveOperation } from './operation.ts'
import type { OperationHead, OperationProgress } from './operation-progress.ts'
import { newProgress, parseProgress, summaryOfProgress } from './operation-progress.ts'

/**
 * `queued`: nobody has begun it · `running` · `cancelling`: running, asked to end · `waiting`: cut off or failed, its next attempt
 * is to come · then how it ended · `unknown`: it was begun, and nothing is remembered of its activity.
 */
export const OPERATION_STATES = [
  'queued',
  'running',
  'cancelling',
  'waiting',
  'completed',
  'failed',
  'cancelled',
  'unknown',
] as const
/** One of {@link OPERATION_STATES}. */
export type OperationState = (typeof OPERATION_STATES)[number]

/** An operation as it stands. */
export interface OperationView extends OperationSummary {
  readonly id: string
  readonly state: OperationState
  readonly head: OperationHead
  /** Items that are still to come, or that were when it was cut off, as far as is known; null: it is not. 0 once it is completed. */
  readonly left: number | null
  /** Items a second, of late. */
  readonly perSecond: number | null
  readonly requestedAtMs: number
  readonly startedAtMs: number | null
  readonly updatedAtMs: number
  readonly endedAtMs: number | null
  readonly worker: string | null
  /** Why its last attempt did not end well. */
  readonly error: string | null
}

/** True when it will not change any more. */
export function hasEnded({ state }: Pick<OperationView, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}

/** How an operation stands. Throws `not_found` when no operation of that id is remembered. */
export async function readOperation(storage: Storage, id: string): Promise<OperationView> {
  checkId(id)
  const progress = parseProgress(await storage.operations.get({ id }))
  const view = await viewOf(storage, id, progress)
  if (view !== null) return view
  throw new ErrandError('not_found', `no operation ${id} is remembered; \`errand ops list\` shows which are.`, {
    details: { id },
  })
}

/** The operations that were busy last, newest first. `limit`: 1 to 200. */
export async function listOperations(
  storage: Storage,
  { limit }: { readonly limit: number },
): Promise<OperationView[]> {
  const stored = await storage.operations.list({ limit })
  const views = await Promise.all(
    stored.map(async ({ id, progressJson }) => viewOf(storage, id, parseProgress(progressJson))),
  )
  return views.filter(view => view !== null)
}

/** What {@link watchOperation} takes. */
export interface WatchParams {
  readonly storage: Storage
  readonly id: string
  /** Ends the watch; the operation goes on. */
  readonly signal: AbortSignal
  /** Between two looks. Unit: ms. Range: 10 to an hour. @defaultValue 1_000 */
  readonly intervalMs?: number
  /** @defaultValue the system's */
  readonly clock?: Clock
}

/**
 * How an operation stands, now and at each look that finds it changed, until it has ended (that one comes last) or the signal
 * aborts. Throws `not_found`, and `unavailable` when it cannot be looked at.
 */
export async function* watchOperation({
  storage,
  id,
  signal,
  intervalMs = 1_000,
  clock = systemClock,
}: WatchParams): AsyncGenerator<OperationView, void, undefined> {
  checkInteger('intervalMs', intervalMs, 10, 3_600_000)
  let shown = ''
  while (!signal.aborted) {
    const view = await readOperation(storage, id)
    const text = JSON.stringify(view)
    if (text !== shown) yield view
    if (hasEnded(view)) return
    shown = text
    await clock.sleep(intervalMs, { signal }).catch((error: unknown) => {
      if (!isErrandError(error, 'cancelled')) throw error // cancelled: the loop ends
    })
  }
}

async function viewOf(storage: Storage, id: string, progress: OperationProgress | null): Promise<OperationView | null> {
  // What it says of its own end is final; everything else its activity knows better.
  if (progress !== null && hasEnded({ state: progress.state })) return shownOf(id, progress, progress.state, null)
  const activity = await storage.getActivity({ id })
  if (activity === null) return progress === null ? null : shownOf(id, progress, 'unknown', null)
  if (activity.type !== OPERATION_TYPE) return null
  const known = progress ?? unsaved(activity)
  return known === null ? null : shownOf(id, known, stateOf(activity, known), activity)
}

/** Of one that nobody has saved, or whose progress is lost: as it was asked for. */
function unsaved({ payloadJson, createdAtMs }: ActivitySnapshot): OperationProgress | null {
  if (payloadJson === null) return null
  try {
    return newProgress(resolveOperation(JSON.parse(payloadJson)), createdAtMs)
  } catch {
    return null // none of ours: its activity ends as failed
  }
}

function shownOf(
  id: string,
  progress: OperationProgress,
  state: OperationState,
  activity: ActivitySnapshot | null,
): OperationView {
  const { head, perSecond, requestedAtMs, startedAtMs, updatedAtMs, worker } = progress
  const isOver = hasEnded({ state })
  return {
    ...{ id, state, head, ...summaryOfProgress(progress) },
    left: state === 'completed' ? 0 : (leftOf(progress) ?? (isOver ? leftOfFound(progress) : null)),
    perSecond: state === 'running' ? perSecond : null,
    ...{ requestedAtMs, startedAtMs, updatedAtMs, worker },
    endedAtMs: isOver ? (progress.endedAtMs ?? activity?.endedAtMs ?? null) : null,
    error: activity?.lastError?.message ?? null,
  }
}

/** Exactly once its lists have been gone through; before, by what was counted at the start. */
function leftOf({ head, found, done, already, failed, position, queue }: OperationProgress): number | null {
  if (position === null) return queue.length
  const total = head.filter.ids ?? (head.expected === null ? null : Math.min(head.expected, head.max) + already)
  return total === null ? null : Math.max(0, Math.max(total, found) - done - already - failed)
}

/** Of one that will not find more. */
function leftOfFound({ found, done, already, failed }: OperationProgress): number {
  return Math.max(0, found - done - already - failed)
}

function stateOf(
  { status, attempt, cancelRequested }: ActivitySnapshot,
  { startedAtMs }: OperationProgress,
): OperationState {
  const states: Readonly<Record<Status, OperationState>> = {
    pending: attempt > 1 || startedAtMs !== null ? 'waiting' : 'queued',
    scheduled: 'waiting',
    running: cancelRequested ? 'cancelling' : 'running',
    completed: 'completed',
    failed: 'failed',
    dead_letter: 'failed',
    cancelled: 'cancelled',
  }
  return states[status]
}
