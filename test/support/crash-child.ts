// A process that dies on purpose: it does one thing to one activity and kills itself at the crash point that it was told.
// Told by JSON as its only argument; says on stdout, a JSON line each, which activity it is about and where it dies.

import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import type { Activity, AttemptFailureReport, ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { CrashPoint } from '../../src/core/crash-point.ts'
import { onCrashPoint } from '../../src/core/crash-point.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { ScenarioName } from './crash-rows.ts'
import { crashStorageOptions } from './crash-storage-options.ts'

/** What a child is told. */
export interface CrashOrder {
  readonly namespace: string
  readonly type: string
  readonly scenario: ScenarioName
  readonly point: CrashPoint
  /** What an earlier process has left, to go on with; null: make an activity. */
  readonly id: string | null
}

const STEP_MS_MAX = 15_000
const HOUR_MS = 3_600_000
const FAILURE: AttemptFailureReport = { kind: 'retryable', error: { name: 'Error', message: 'as planned' } }
const NON_RETRYABLE: AttemptFailureReport = { ...FAILURE, kind: 'non_retryable' }

const order = JSON.parse(process.argv[2] ?? '') as CrashOrder
const { type } = order
const storage = await KafkaStorage.open(crashStorageOptions(order.namespace))
const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

const SCENARIOS: Readonly<Record<ScenarioName, () => Promise<unknown>>> = {
  'enqueue plain': () => enqueueFatally(make()),
  'enqueue delayed': () => enqueueFatally(make({ delayMs: HOUR_MS })),
  'enqueue keyed': () => enqueueFatally(makeKeyed()),
  'enqueue keyed and delayed': () => enqueueFatally(makeKeyed({ delayMs: HOUR_MS })),
  claim: async () => {
    const activity = await enqueued()
    await storage.subscribe({ types: [type] })
    arm(activity.id)
    await storage.dequeue({ workerId: 'dying', timeoutMs: STEP_MS_MAX, leaseMs: HOUR_MS })
  },
  complete: async () => {
    const attempt = await armedClaim()
    await storage.ackSuccess({ leases: [{ ...leaseOf(attempt), resultJson: '"from the dead"' }] })
  },
  retry: async () => storage.ackFailure({ ...leaseOf(await armedClaim()), failure: FAILURE }),
  fail: async () => storage.ackFailure({ ...leaseOf(await armedClaim()), failure: NON_RETRYABLE }),
  exhaust: async () => storage.ackFailure({ ...leaseOf(await armedClaim({ maxAttempts: 1 })), failure: FAILURE }),
  release: async () => storage.releaseLease(leaseOf(await armedClaim())),
  'cancel pending': async () => cancelFatally(await enqueued()),
  'cancel scheduled': async () => cancelFatally(await enqueued({ delayMs: HOUR_MS })),
  dispatch: async () => dispatchFatally(order.id ?? (await enqueued({ delayMs: HOUR_MS })).id),
  'dispatch a retry': async () => {
    const attempt = await claimed()
    await storage.ackFailure({ ...leaseOf(attempt), failure: FAILURE })
    await dispatchFatally(attempt.activity.id)
  },
  reap: async () => reapFatally(order.id ?? (await claimed()).activity.id),
  'reap exhausted': async () => reapFatally((await claimed({ maxAttempts: 1 })).activity.id),
  'reap cancelled': async () => {
    const { id } = (await claimed()).activity
    await storage.cancel({ id })
    await reapFatally(id)
  },
  'confirm reservations': () => {
    arm(order.id ?? '')
    return storage.confirmReservations({ limit: 100 })
  },
  redrive: async () => {
    const attempt = await claimed()
    await storage.ackFailure({ ...leaseOf(attempt), failure: NON_RETRYABLE })
    arm(attempt.activity.id)
    await storage.redrive({ id: attempt.activity.id })
  },
}

await storage.declareTypes({ types: [type] })
await SCENARIOS[order.scenario]()
throw new ErrandError('internal', `'${order.scenario}' went by without coming to ${order.point}`)

/** From here on the point is fatal; what was done before is only the way there. */
function arm(id: string): void {
  say({ id })
  onCrashPoint(point => {
    if (point !== order.point) return
    say({ diesAt: point })
    process.kill(process.pid, 'SIGKILL')
  })
}

// Written at once: nothing that is buffered outlives the kill.
function say(line: unknown): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

function make(spec: Partial<ActivitySpec> = {}): Activity {
  return newActivity({ type, payload: null, retryDelayMs: HOUR_MS, ...spec }, { ids, nowMs: systemClock.nowMs() })
}

/** With its own id as its key, so that the parent knows the key. */
function makeKeyed(spec: Partial<ActivitySpec> = {}): Activity {
  const id = ids.next()
  return make({ id, key: id, ...spec })
}

async function enqueueFatally(activity: Activity): Promise<void> {
  arm(activity.id)
  await storage.enqueueMany({ activities: [activity] })
}

async function cancelFatally({ id }: Activity): Promise<void> {
  arm(id)
  await storage.cancel({ id })
}

async function dispatchFatally(id: string): Promise<void> {
  await storage.fixtures.makeDue({ id })
  arm(id)
  await storage.processScheduled({ limit: 100 })
}

async function reapFatally(id: string): Promise<void> {
  await storage.fixtures.expireLease({ id })
  arm(id)
  await storage.requeueExpired({ limit: 100 })
}

async function enqueued(spec: Partial<ActivitySpec> = {}): Promise<Activity> {
  const activity = make(spec)
  const [answer] = await storage.enqueueMany({ activities: [activity] })
  if (answer?.outcome === 'created') return activity
  throw new ErrandError('internal', `the enqueue was answered ${JSON.stringify(answer)}`)
}

async function claimed(spec: Partial<ActivitySpec> = {}): Promise<ClaimedAttempt> {
  const { id } = await enqueued(spec)
  await storage.subscribe({ types: [type] })
  const [attempt] = await storage.dequeue({ workerId: 'dying', timeoutMs: STEP_MS_MAX, leaseMs: HOUR_MS })
  if (attempt?.activity.id === id) return attempt
  throw new ErrandError('internal', `instead of ${id} came ${attempt?.activity.id ?? 'nothing'}`)
}

async function armedClaim(spec: Partial<ActivitySpec> = {}): Promise<ClaimedAttempt> {
  const attempt = await claimed(spec)
  arm(attempt.activity.id)
  return attempt
}

function leaseOf({ activity, leaseId }: ClaimedAttempt): { id: string; leaseId: string } {
  return { id: activity.id, leaseId }
}
