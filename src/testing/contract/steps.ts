// The steps that cases are made of. They assume no manual time and no immediate consistency of what is only looked at:
// deadlines are moved by the storage's fixtures, waits end with a condition, and every wait has a limit.

import assert from 'node:assert/strict'
import type { Activity, AttemptFailureReport, ClaimedAttempt, Status } from '../../core/activity.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { isErrandError } from '../../core/errors.ts'
import type { ActivitySnapshot, EnqueueAnswer, LeaseRef, Storage } from '../../storage/storage.ts'
import type { CaseSpec, ContractSetup } from './case.ts'

/** No wait of a case is longer. */
export const WAIT_MS = 15_000
/** What is left running by a case must not expire under the next one. */
const LEASE_MS = 3_600_000
const POLL_MS = 20

/** Enqueues activities made from specs; each must be created. */
export async function enqueue(setup: ContractSetup, ...specs: CaseSpec[]): Promise<Activity[]> {
  const activities = specs.map(spec => setup.newActivity(spec))
  await enqueueThese(setup.storage, activities)
  return activities
}

/** Enqueues one activity; it must be created. */
export async function enqueueOne(setup: ContractSetup, spec: CaseSpec = {}): Promise<Activity> {
  return only(await enqueue(setup, spec))
}

/** Enqueues activities as they are; each must be created. */
export async function enqueueThese(storage: Storage, activities: readonly Activity[]): Promise<void> {
  const answers = await storage.enqueueMany({ activities })
  assert.deepEqual(
    answers.map(({ outcome, id }) => ({ outcome, id })),
    activities.map(({ id }) => ({ outcome: 'created', id })),
  )
}

/** Enqueues one activity and gives the answer, whatever it is. */
export async function offer(storage: Storage, activity: Activity): Promise<EnqueueAnswer> {
  return only(await storage.enqueueMany({ activities: [activity] }))
}

/** How a case claims. */
export interface ClaimSpec {
  /** @defaultValue 1 */
  readonly count?: number
  /** At most so many per dequeue. @defaultValue what is still missing */
  readonly limit?: number
  /** @defaultValue all of the case */
  readonly types?: readonly string[]
  readonly leaseMs?: number
  readonly worker?: string
  /** A fleet: each is asked in turn. @defaultValue the setup's storage */
  readonly storages?: readonly Storage[]
}

/** Claims exactly so many attempts, in claim order. */
export async function claim(setup: ContractSetup, spec: ClaimSpec = {}): Promise<ClaimedAttempt[]> {
  const { count = 1, types = setup.types, storages = [setup.storage] } = spec
  const claimed: ClaimedAttempt[] = []
  const untilMs = setup.clock.monotonicMs() + WAIT_MS
  await Promise.all(storages.map(storage => storage.catchUp({ types, timeoutMs: WAIT_MS })))
  while (claimed.length < count && setup.clock.monotonicMs() < untilMs) {
    for (const storage of storages) {
      const missing = count - claimed.length
      if (missing === 0) break
      const timeoutMs = storages.length === 1 ? 1_000 : 100
      const limit = Math.min(spec.limit ?? missing, missing)
      const leaseMs = spec.leaseMs ?? LEASE_MS
      claimed.push(...(await storage.dequeue({ workerId: spec.worker ?? 'w1', timeoutMs, types, limit, leaseMs })))
    }
  }
  assert.equal(claimed.length, count, `claimed ${claimed.length} of ${count} attempts within ${WAIT_MS} ms`)
  return claimed
}

/** Claims one attempt. */
export async function claimOne(setup: ContractSetup, spec: ClaimSpec = {}): Promise<ClaimedAttempt> {
  return only(await claim(setup, { ...spec, count: 1 }))
}

/** Nothing (more) of these types can be claimed. */
export async function claimNothing(
  setup: ContractSetup,
  storages: readonly Storage[] = [setup.storage],
): Promise<void> {
  const { types } = setup
  for (const storage of storages) {
    await storage.catchUp({ types, timeoutMs: WAIT_MS })
    const claimed = await storage.dequeue({ workerId: 'w1', timeoutMs: 150, types, limit: 100, leaseMs: LEASE_MS })
    assert.deepEqual(claimed.map(named), [])
  }
}

/** Claims the activity's next attempt, also when that is scheduled: its due time is put into the past. */
export async function claimAgain(setup: ContractSetup, id: string, spec: ClaimSpec = {}): Promise<ClaimedAttempt> {
  const { types = setup.types, storages = [setup.storage], worker: workerId = 'w1', leaseMs = LEASE_MS } = spec
  const next = await eventually(setup, async () => {
    await bringForward(setup, id)
    for (const storage of storages) {
      const [claimed] = await storage.dequeue({ workerId, timeoutMs: 200, types, limit: 1, leaseMs })
      if (claimed !== undefined) return claimed
    }
    return assert.fail(`no next attempt of ${id}`)
  })
  assert.equal(next.activity.id, id)
  return next
}

async function bringForward(setup: ContractSetup, id: string): Promise<void> {
  try {
    await setup.storage.fixtures.makeDue({ id })
  } catch (error) {
    if (!isErrandError(error, 'not_found')) throw error // a retry without delay may be ready already
  }
  await setup.storage.processScheduled({ limit: 100 })
}

/** Puts a due time into the past, as soon as the schedule knows the activity. */
export async function makeDue(setup: ContractSetup, id: string): Promise<void> {
  await eventually(setup, () => setup.storage.fixtures.makeDue({ id }))
}

/** Lets a lease expire and has it taken back. */
export async function expire(setup: ContractSetup, id: string): Promise<void> {
  await setup.storage.fixtures.expireLease({ id })
  await setup.storage.requeueExpired({ limit: 100 })
}

/** The lease of a claim. */
export function leaseOf(claimed: ClaimedAttempt): LeaseRef {
  return { id: claimed.activity.id, leaseId: claimed.leaseId }
}

/** Completes an attempt. */
export async function complete(setup: ContractSetup, claimed: ClaimedAttempt, resultJson?: string): Promise<void> {
  const lease = { ...leaseOf(claimed), ...(resultJson === undefined ? {} : { resultJson }) }
  assert.deepEqual(await setup.storage.ackSuccess({ leases: [lease] }), ['settled'])
}

/** A failure report. */
export function failure(kind: AttemptFailureReport['kind'] = 'retryable', message = 'it broke'): AttemptFailureReport {
  return { kind, error: { name: 'Error', message } }
}

/** Fails an attempt and gives the answer. */
export function fail(
  setup: ContractSetup,
  claimed: ClaimedAttempt,
  report: AttemptFailureReport = failure(),
): ReturnType<Storage['ackFailure']> {
  return setup.storage.ackFailure({ ...leaseOf(claimed), failure: report })
}

/** The states that an activity can be brought to. `retrying`: scheduled for another attempt. */
export const STATES = [
  'pending',
  'scheduled',
  'running',
  'retrying',
  'completed',
  'failed',
  'dead_letter',
  'cancelled',
] as const
/** One of {@link STATES}. */
export type State = (typeof STATES)[number]

/** The status by which a state is shown. */
export function statusOf(state: State): Status {
  return state === 'retrying' ? 'scheduled' : state
}

/** A new activity, brought to a state. Nothing else of its type may be ready. */
export async function bringTo(setup: ContractSetup, state: State, spec: CaseSpec = {}): Promise<Activity> {
  const maxAttempts = state === 'dead_letter' ? 1 : (spec.maxAttempts ?? 3)
  const later = state === 'scheduled' ? { delayMs: 3_600_000 } : {}
  const activity = await enqueueOne(setup, { retryDelayMs: 600_000, ...later, ...spec, maxAttempts })
  if (state === 'pending' || state === 'scheduled') return activity
  if (state === 'cancelled') {
    assert.deepEqual(await setup.storage.cancel({ id: activity.id }), { outcome: 'cancelled' })
    return activity
  }
  const claimed = await claimOne(setup, { types: [activity.type] })
  assert.equal(claimed.activity.id, activity.id)
  if (state === 'completed') await complete(setup, claimed, '"done"')
  else if (state !== 'running') {
    const { outcome } = await fail(setup, claimed, failure(state === 'failed' ? 'non_retryable' : 'retryable'))
    assert.equal(outcome, state)
  }
  return activity
}

/** The activity as people see it, once it shows the status. */
export function shown(setup: ContractSetup, id: string, status: Status): Promise<ActivitySnapshot> {
  return eventually(setup, async () => {
    const snapshot = await setup.storage.getActivity({ id })
    assert.ok(snapshot !== null, `activity ${id} is shown`)
    assert.equal(snapshot.status, status, `status of ${id}`)
    return snapshot
  })
}

/** The error result of an activity, parsed. */
export async function errorResultOf(setup: ContractSetup, id: string): Promise<Record<string, unknown>> {
  const result = await setup.storage.getResult({ id })
  assert.equal(result?.state, 'err', `result of ${id}`)
  return JSON.parse(result?.dataJson ?? 'null') as Record<string, unknown>
}

/** Tries until it no longer throws; then the last error is thrown. For what is only eventually consistent. */
export async function eventually<T>(
  setup: Pick<ContractSetup, 'clock'>,
  attempt: () => Promise<T>,
  waitMs: number = WAIT_MS,
): Promise<T> {
  const untilMs = setup.clock.monotonicMs() + waitMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (setup.clock.monotonicMs() >= untilMs) throw error
    }
    await setup.clock.sleep(POLL_MS)
  }
}

/** The promise rejects with an error of the code, whose text begins with the code and names the field. */
export async function refuses(promise: Promise<unknown>, code: ErrorCode, field?: string): Promise<void> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}${field === undefined ? '' : ` naming ${field}`}, and it was accepted`),
    (rejection: unknown) => rejection,
  )
  assert.ok(isErrandError(error), `an ErrandError, not ${String(error)}`)
  assert.equal(error.code, code, error.message)
  assert.ok(error.message.startsWith(`[${code}] `), error.message)
  if (field !== undefined) assert.ok(error.message.includes(field), `'${error.message}' names ${field}`)
}

/** The one element. */
export function only<T>(items: readonly T[]): T {
  assert.equal(items.length, 1)
  const [item] = items
  assert.ok(item !== undefined)
  return item
}

/** A claim in a few words, for messages. */
export function named(claimed: ClaimedAttempt): string {
  return `${claimed.activity.id} attempt ${claimed.attempt}`
}
