// Scenes: how one activity comes to a write, and then the one call that makes it. What a scene does before its call is only
// the way there.

import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Activity, AttemptFailureReport, ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { CrashPoint } from '../../src/core/crash-point.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import type { Priority } from '../../src/core/priority.ts'
import { PRIORITIES } from '../../src/core/priority.ts'
import { laneTopic } from '../../src/core/topics.ts'
import { TopicWriter } from '../../src/producer/topic-writer.ts'
import type { CancelAnswer } from '../../src/storage/storage.ts'
import type { CrashStage } from './crash-stage.ts'
import type { ScenarioName } from './crash-scenarios.ts'
import { PARTITIONS } from './crash-storage-options.ts'
import { kafkaBrokers } from './stack.ts'

/** What is on the stage, and the call that is still to be made. */
export interface Scene {
  /** The activity that it is about; of a poison record, its text. */
  readonly id: string
  /** Activities beside it that must end as well. @defaultValue none */
  readonly others?: readonly string[]
  /** Makes the write. May be called again when it was answered `unavailable`. */
  readonly act: () => Promise<unknown>
}

const STEP_MS_MAX = 15_000
const HOUR_MS = 3_600_000
const FAILURE: AttemptFailureReport = { kind: 'retryable', error: { name: 'Error', message: 'as planned' } }
const NON_RETRYABLE: AttemptFailureReport = { ...FAILURE, kind: 'non_retryable' }
const DELAYED = { delayMs: HOUR_MS }

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

/** Plays a scene up to its call. With an id, over what an earlier process has left of it. */
export function setScene(name: ScenarioName, stage: CrashStage, id: string | null): Promise<Scene> {
  return SCENES[name](stage, id)
}

type Play = (stage: CrashStage, id: string | null) => Promise<Scene>

const SCENES: Readonly<Record<ScenarioName, Play>> = {
  'enqueue plain': async stage => enqueueing(stage, make(stage)),
  'enqueue delayed': async stage => enqueueing(stage, make(stage, DELAYED)),
  'enqueue keyed': async stage => enqueueing(stage, makeKeyed(stage)),
  'enqueue keyed and delayed': async stage => enqueueing(stage, makeKeyed(stage, DELAYED)),
  'confirm reservations': async (stage, left) => {
    const id = left ?? (await reservedOnly(stage))
    await stage.redis.hurry()
    return { id, act: () => stage.storage.confirmReservations({ limit: 100 }) }
  },
  'drop a reservation': async stage => {
    const activity = makeKeyed(stage)
    await enqueueing(stage, activity).act()
    await stage.redis.addReservation(stage.type, activity.id)
    return { id: activity.id, act: () => stage.storage.confirmReservations({ limit: 100 }) }
  },
  claim: async stage => {
    const { id, act } = enqueueing(stage, make(stage))
    const claim = async (): Promise<void> => {
      await act()
      expect(
        'the claim',
        (await dequeue(stage)).map(({ activity }) => activity.id),
        [id],
      )
    }
    return { id, act: claim }
  },
  'return a claim': returnAClaim,
  'look at what is over': async stage => {
    const attempt = await claimed(stage)
    await stage.stuck('settle.outcome', 'before', () => complete(stage, attempt))
    return {
      id: attempt.activity.id,
      act: () => stage.storage.catchUp({ types: [stage.type], timeoutMs: STEP_MS_MAX }),
    }
  },
  complete: async stage => withAttempt(await claimed(stage), attempt => complete(stage, attempt)),
  retry: async stage => withAttempt(await claimed(stage), attempt => fail(stage, attempt, 'retrying')),
  fail: async stage => withAttempt(await claimed(stage), attempt => fail(stage, attempt, 'failed')),
  exhaust: async stage =>
    withAttempt(await claimed(stage, { maxAttempts: 1 }), attempt => fail(stage, attempt, 'dead_letter')),
  renew: async stage =>
    withAttempt(await claimed(stage), async attempt => {
      const { outcome } = await stage.storage.extendLease({ ...leaseOf(attempt), byMs: HOUR_MS })
      expect('the renewal', outcome, 'renewed')
    }),
  release: async stage =>
    withAttempt(await claimed(stage), async attempt =>
      expect('the release', await stage.storage.releaseLease(leaseOf(attempt)), 'released'),
    ),
  close: async stage => withAttempt(await claimed(stage), () => stage.storage.close()),
  'store a result': async stage => {
    const { id } = await enqueued(stage)
    const result = { state: 'ok', dataJson: '"apart"', atMs: systemClock.nowMs() } as const
    return { id, act: () => stage.storage.storeResult({ id, result }) }
  },
  'cancel pending': async stage => cancelling(stage, (await enqueued(stage)).id),
  'cancel scheduled': async stage => cancelling(stage, (await enqueued(stage, DELAYED)).id),
  'cancel running': async stage => cancelling(stage, (await claimed(stage)).activity.id, 'cancel_requested'),
  redrive: async stage => {
    const attempt = await claimed(stage)
    await fail(stage, attempt, 'failed')
    const { id } = attempt.activity
    return { id, act: () => stage.storage.redrive({ id }) }
  },
  discard: async stage => {
    const attempt = await claimed(stage, { maxAttempts: 1 })
    await fail(stage, attempt, 'dead_letter')
    const { id } = attempt.activity
    return { id, act: () => stage.storage.discard({ id }) }
  },
  'save an operation': async stage => {
    const { id } = await enqueued(stage)
    return { id, act: () => stage.storage.operations.save({ id, progressJson: '{}' }) }
  },
  'set poison aside': async stage => {
    await stage.storage.subscribe({ types: [stage.type] })
    const id = ids.next()
    return { id, act: () => writePoison(stage, id) }
  },
  'read the schedule': async stage => {
    const { id, act } = enqueueing(stage, make(stage, DELAYED))
    await stage.stuck('schedule.indexed', 'before', act)
    return { id, act: () => stage.storage.processScheduled({ limit: 100 }) }
  },
  'sweep over what was cancelled': async stage => {
    const { id } = await enqueued(stage, DELAYED)
    await stage.stuck('cancel.decided', 'after', () => stage.storage.cancel({ id }))
    return { id, act: () => stage.storage.sweepScheduled() }
  },
  sweep: async stage => {
    const { id, act } = enqueueing(stage, make(stage, DELAYED))
    await stage.stuck('schedule.indexed', 'before', act)
    return { id, act: () => stage.storage.sweepScheduled() }
  },
  dispatch: async (stage, left) => dispatching(stage, left ?? (await enqueued(stage, DELAYED)).id),
  'dispatch a retry': async stage => {
    const attempt = await claimed(stage)
    await fail(stage, attempt, 'retrying')
    return dispatching(stage, attempt.activity.id)
  },
  reap: async (stage, left) => reaping(stage, left ?? (await claimed(stage)).activity.id),
  'reap exhausted': async stage => reaping(stage, (await claimed(stage, { maxAttempts: 1 })).activity.id),
  'reap cancelled': async stage => {
    const { id } = (await claimed(stage)).activity
    await stage.storage.cancel({ id })
    return reaping(stage, id)
  },
  'reap what has no envelope': async stage => {
    const { id } = (await claimed(stage)).activity
    await stage.redis.loseEnvelope(id)
    return reaping(stage, id)
  },
  rehome: async stage => {
    const { id, act } = enqueueing(stage, make(stage))
    let homed: Promise<void> | undefined
    const run = async (): Promise<void> => {
      await act()
      homed ??= passed(stage, 'rehome.indexed').then(() => passed(stage, 'offsets.committed'))
      await dequeue(stage)
      await homed
    }
    return { id, act: run }
  },
  'complete what was re-homed': async stage =>
    withAttempt(await claimedLong(stage), attempt => complete(stage, attempt)),
  'retry what was re-homed': async stage =>
    withAttempt(await claimedLong(stage), attempt => fail(stage, attempt, 'retrying')),
  'look at what was re-homed': async stage => dispatching(stage, (await claimedLong(stage)).activity.id),
  'look at what was re-homed and is over': async stage => {
    const attempt = await claimedLong(stage)
    const { id } = attempt.activity
    const member = (await stage.redis.home(id)) ?? ''
    let decided: Promise<void> | undefined
    const act = async (): Promise<void> => {
      stage.holdAll('done.claimed') // else it would see for itself that it is over
      await (decided ??= stage.stuck('settle.outcome', 'before', () => complete(stage, attempt)))
      await stage.redis.makeDue(member)
      await stage.storage.processScheduled({ limit: 100 })
    }
    return { id, act }
  },
  'give back what was re-homed': async stage =>
    withAttempt(await claimedLong(stage), async attempt => {
      expect('the release', await stage.storage.releaseLease(leaseOf(attempt)), 'released')
      await stage.storage.processScheduled({ limit: 100 })
    }),
  'cancel what was re-homed and given back': async stage => {
    const attempt = await claimedLong(stage)
    const { id, act } = cancelling(stage, attempt.activity.id)
    let released: Promise<unknown> | undefined
    const cancel = async (): Promise<void> => {
      await (released ??= stage.storage.releaseLease(leaseOf(attempt)))
      await act()
    }
    return { id, act: cancel }
  },
  trim: async stage => {
    const id = await completedAndCommitted(stage)
    return { id, act: () => stage.storage.trimLanes() }
  },
  restore: async stage => {
    const id = await completedAndCommitted(stage)
    await stage.redis.empty()
    return { id, act: () => stage.storage.requeueExpired({ limit: 100 }) }
  },
  rebuild: async stage => {
    await completedAndCommitted(stage, await redriven(stage))
    const { id, act } = enqueueing(stage, makeKeyed(stage, DELAYED))
    await act()
    await stage.redis.empty()
    return { id, act: () => stage.storage.rebuild() }
  },
}

function make(stage: CrashStage, spec: Partial<ActivitySpec> = {}): Activity {
  const { type } = stage
  return newActivity({ type, payload: null, retryDelayMs: HOUR_MS, ...spec }, { ids, nowMs: systemClock.nowMs() })
}

/** With its own id as its key, so that others know the key. */
function makeKeyed(stage: CrashStage, spec: Partial<ActivitySpec> = {}): Activity {
  const id = ids.next()
  return make(stage, { id, key: id, ...spec })
}

function enqueueing(stage: CrashStage, activity: Activity): Scene {
  const act = async (): Promise<void> => {
    const [answer] = await stage.storage.enqueueMany({ activities: [activity] })
    if (answer?.outcome === 'unavailable') throw new ErrandError('unavailable', answer.message)
    expect('the enqueue', [answer?.outcome, answer?.id], ['created', activity.id])
  }
  return { id: activity.id, act }
}

function cancelling(stage: CrashStage, id: string, outcome: CancelAnswer['outcome'] = 'cancelled'): Scene {
  return { id, act: async () => expect('the cancel', (await stage.storage.cancel({ id })).outcome, outcome) }
}

function dispatching(stage: CrashStage, id: string): Scene {
  const act = async (): Promise<void> => {
    await stage.storage.fixtures.makeDue({ id })
    await stage.storage.processScheduled({ limit: 100 })
  }
  return { id, act }
}

function reaping(stage: CrashStage, id: string): Scene {
  const act = async (): Promise<void> => {
    await stage.storage.fixtures.expireLease({ id })
    await stage.reaper.requeueExpired({ limit: 100 })
  }
  return { id, act }
}

function withAttempt(attempt: ClaimedAttempt, act: (attempt: ClaimedAttempt) => Promise<unknown>): Scene {
  return { id: attempt.activity.id, act: () => act(attempt) }
}

async function enqueued(stage: CrashStage, spec: Partial<ActivitySpec> = {}): Promise<Activity> {
  const activity = make(stage, spec)
  await enqueueing(stage, activity).act()
  return activity
}

async function claimed(stage: CrashStage, spec: Partial<ActivitySpec> = {}): Promise<ClaimedAttempt> {
  const { id } = await enqueued(stage, spec)
  const [attempt] = await dequeue(stage)
  if (attempt?.activity.id === id) return attempt
  throw new ErrandError('internal', `instead of ${id} came ${attempt?.activity.id ?? 'nothing'}`)
}

/** With a home, its lane record finished and committed. */
async function claimedLong(stage: CrashStage): Promise<ClaimedAttempt> {
  const homed = passed(stage, 'rehome.indexed').then(() => passed(stage, 'offsets.committed'))
  const attempt = await claimed(stage)
  await homed
  return attempt
}

function passed(stage: CrashStage, point: CrashPoint): Promise<void> {
  return new Promise(resolve => {
    stage.whenNextAt(point, 'after', () => {
      resolve()
      return undefined
    })
  })
}

async function dequeue(stage: CrashStage): Promise<readonly ClaimedAttempt[]> {
  await stage.storage.subscribe({ types: [stage.type] })
  return stage.storage.dequeue({ workerId: 'dying', timeoutMs: STEP_MS_MAX, leaseMs: HOUR_MS })
}

async function complete(stage: CrashStage, attempt: ClaimedAttempt): Promise<void> {
  const answers = await stage.storage.ackSuccess({ leases: [{ ...leaseOf(attempt), resultJson: '"from the dead"' }] })
  expect('the settlement', answers, ['settled'])
}

async function fail(
  stage: CrashStage,
  attempt: ClaimedAttempt,
  wanted: 'retrying' | 'failed' | 'dead_letter',
): Promise<void> {
  const failure = wanted === 'failed' ? NON_RETRYABLE : FAILURE
  const { outcome } = await stage.storage.ackFailure({ ...leaseOf(attempt), failure })
  expect('the failure', outcome, wanted)
}

/** Whoever was answered late, after a lost answer, is answered the same. */
function expect(what: string, answered: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(answered, wanted)) return
  throw new ErrandError('internal', `${what} was answered ${JSON.stringify(answered)}, not ${JSON.stringify(wanted)}`)
}

function leaseOf({ activity, leaseId }: ClaimedAttempt): { id: string; leaseId: string } {
  return { id: activity.id, leaseId }
}

/** Reserved by a producer that came no further. */
async function reservedOnly(stage: CrashStage): Promise<string> {
  const activity = makeKeyed(stage)
  await stage.stuck('enqueue.produced', 'before', () => enqueueing(stage, activity).act())
  return activity.id
}

/** A keyed one that has failed, redriven: what it was redriven as is claimed. */
async function redriven(stage: CrashStage): Promise<ClaimedAttempt> {
  await enqueueing(stage, makeKeyed(stage)).act()
  const [failed] = await dequeue(stage)
  if (failed === undefined) throw new ErrandError('internal', 'nothing came to be failed')
  await fail(stage, failed, 'failed')
  await stage.storage.redrive({ id: failed.activity.id })
  const [attempt] = await dequeue(stage)
  if (attempt === undefined) throw new ErrandError('internal', 'nothing came of the redrive')
  return attempt
}

async function completedAndCommitted(stage: CrashStage, given?: ClaimedAttempt): Promise<string> {
  const attempt = given ?? (await claimed(stage))
  const committed = passed(stage, 'offsets.committed')
  await complete(stage, attempt)
  await committed
  return attempt.activity.id
}

function makeIn(stage: CrashStage, priority: Priority, partition: number): Activity {
  for (;;) {
    const activity = make(stage, { priority })
    if (partitionOf(activity.id, PARTITIONS) === partition) return activity
  }
}

/** In every lane partition one, since nobody knows which of them another member of the group will get. */
async function returnAClaim(stage: CrashStage): Promise<Scene> {
  await stage.storage.subscribe({ types: [stage.type] })
  const activities = PRIORITIES.flatMap(priority => [0, 1].map(partition => makeIn(stage, priority, partition)))
  await stage.storage.enqueueMany({ activities })
  await stage.storage.catchUp({ types: [stage.type], timeoutMs: STEP_MS_MAX })
  stage.whenNextAt('claim.leased', 'after', () => Promise.reject(new ErrandError('unavailable', 'the answer was lost')))
  const claiming = stage.storage.dequeue({ workerId: 'dying', timeoutMs: STEP_MS_MAX, leaseMs: HOUR_MS, limit: 100 })
  const lost = await claiming.then(
    () => false,
    () => true,
  )
  if (!lost) throw new ErrandError('internal', 'the claim was answered')
  const other = await stage.another()
  const [id = '', ...others] = activities.map(activity => activity.id)
  return { id, others, act: () => other.subscribe({ types: [stage.type] }) }
}

async function writePoison(stage: CrashStage, text: string): Promise<void> {
  const writer = new TopicWriter({
    settings: { brokers: kafkaBrokers(), clientId: 'poisoner', logger: silentLogger },
    clock: systemClock,
    logger: silentLogger,
  })
  await writer.start()
  try {
    const topic = laneTopic(stage.namespace, stage.type, 'normal')
    const [answer] = await writer.write([{ topic, partition: 0, key: null, value: text }])
    if (answer?.ok !== true) throw new ErrandError('internal', 'the poison was not written')
  } finally {
    await writer.stop()
  }
}
