// Long attempts are re-homed: the frontier waits for none of them, and none is lost, run beside itself or ended twice for it.

import { describe, expect, test } from 'vitest'
import type { AttemptFailureReport, ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { REHOMING_LIMITS } from '../../src/core/limits.ts'
import type { Priority } from '../../src/core/priority.ts'
import { PRIORITIES } from '../../src/core/priority.ts'
import { delayKey } from '../../src/core/topics.ts'
import { Reaper } from '../../src/reaper/reaper.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { runAlone, settledTwice } from '../support/observed-namespace.ts'
import { LONG, RehomedNamespace } from '../support/rehomed-namespace.ts'

const LEASE_MS = 2_000
const REAP_INTERVAL_MS = 200
const FAILURE: AttemptFailureReport = { kind: 'retryable', error: { name: 'Error', message: 'as planned' } }
const leaseOf = ({ activity, leaseId }: ClaimedAttempt) => ({ id: activity.id, leaseId })
const complete = (storage: KafkaStorage, attempt: ClaimedAttempt) =>
  storage.ackSuccess({ leases: [{ ...leaseOf(attempt), resultJson: '"done"' }] })
/** What is due is looked at. */
const look = async (long: RehomedNamespace, storage: KafkaStorage): Promise<number> => {
  await long.redis.hurry()
  return (await storage.processScheduled({ limit: 100 })).moved
}

describe('an attempt that runs for long', () => {
  test('has its offset committed while it runs, counts as running once, and ends once, without a delay record left', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const attempt = await long.rehomed(storage)
    const { id } = attempt.activity
    const [home = ''] = await long.standing()
    expect(home.startsWith(`${delayKey(id, 1)}/`), home).toBe(true)
    expect(await long.indexed()).toEqual([home])
    expect(await long.counts()).toEqual({ running: 1, scheduled: 0, pending: 0 })
    expect(await storage.getActivity({ id })).toMatchObject({ status: 'running', attempt: 1, payloadJson: '0' })
    expect((await storage.list({ status: 'running' })).items).toMatchObject([{ id }])
    expect((await storage.list({ status: 'scheduled' })).items).toEqual([])
    expect((await storage.list({ status: 'pending' })).items).toEqual([])

    expect(await look(long, storage), 'it runs').toBe(0)
    expect(await storage.sweepScheduled(), 'nothing is missing').toBe(0)
    expect(await long.indexed()).toEqual([home])
    expect(await storage.extendLease({ ...leaseOf(attempt), byMs: 60_000 })).toMatchObject({ outcome: 'renewed' })

    expect(await complete(storage, attempt)).toEqual(['settled'])
    expect(await long.standing()).toEqual([])
    expect(await long.indexed()).toEqual([])
    expect(await long.counts()).toEqual({ running: 0, scheduled: 0, pending: 0 })
    // Once, or once more by a look that came between: copies are legal.
    expect(new Set((await long.observed.outcomes()).map(({ outcome }) => outcome))).toEqual(new Set(['completed']))
    expect(await long.claim(storage, 500), runAlone()).toEqual([])
  })

  test('is retried like any other: its home goes, the record of its retry stays', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const attempt = await long.rehomed(storage)
    const answer = await storage.ackFailure({ ...leaseOf(attempt), failure: FAILURE })
    expect(answer).toMatchObject({ outcome: 'retrying' })
    const { id } = attempt.activity
    expect(await long.standing()).toEqual([delayKey(id, 2)])
    expect(await long.indexed()).toEqual([delayKey(id, 2)])
    await storage.fixtures.makeDue({ id })
    expect(await storage.processScheduled({ limit: 100 })).toMatchObject({ moved: 1 })
    const [second] = await long.claim(storage)
    expect(second).toMatchObject({ attempt: 2, activity: { id } })
    await long.committedBeyond(second ?? attempt)
    if (second !== undefined) await complete(storage, second)
    expect(await long.standing(), runAlone()).toEqual([])
  })

  test('is given back to its lane as the same attempt, counts as pending until then, and has a home again if it is long again', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const attempt = await long.rehomed(storage)
    const { id } = attempt.activity
    expect(await storage.releaseLease(leaseOf(attempt))).toBe('released')
    expect(await long.claim(storage, 500), 'its lane record is finished').toEqual([])
    expect(await long.counts()).toEqual({ running: 0, scheduled: 0, pending: 1 })
    expect(await storage.getActivity({ id })).toMatchObject({ status: 'pending', attempt: 1, payloadJson: '0' })

    expect(await storage.processScheduled({ limit: 100 }), 'its home is due at once').toMatchObject({ moved: 1 })
    const [again] = await long.claim(storage)
    expect(again).toMatchObject({ attempt: 1, activity: { id } })
    if (again === undefined) return
    await long.committedBeyond(again)
    expect(await complete(storage, attempt), 'its lease is over').toEqual(['lease_lost'])
    expect(await complete(storage, again)).toEqual(['settled'])
    expect(await long.standing()).toEqual([])
    expect(await long.indexed()).toEqual([])
    expect(settledTwice(await long.observed.outcomes()), runAlone()).toEqual([])
  })

  test('is given back by a storage that closes, and by another than the one that runs it', async () => {
    await using long = await RehomedNamespace.open()
    const closing = await long.worker()
    const { activity } = await long.rehomed(closing)
    await closing.close()
    const storage = await long.worker()
    expect(await storage.processScheduled({ limit: 100 })).toMatchObject({ moved: 1 })
    const [again] = await long.claim(storage)
    expect(again).toMatchObject({ attempt: 1, activity: { id: activity.id } })
    if (again === undefined) return
    await long.committedBeyond(again)

    expect(await long.observed.storage.releaseLease(leaseOf(again))).toBe('released')
    await storage.catchUp({ types: [LONG.type], timeoutMs: 5_000 }) // looks at what runs here
    expect(await storage.processScheduled({ limit: 100 })).toMatchObject({ moved: 1 })
    const [third] = await long.claim(storage)
    expect(third).toMatchObject({ attempt: 1, activity: { id: activity.id } })
    if (third !== undefined) expect(await complete(storage, third), runAlone()).toEqual(['settled'])
  })

  test('is cancelled where it runs, and while it waits for its lane', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const running = await long.rehomed(storage)
    expect(await storage.cancel({ id: running.activity.id })).toEqual({ outcome: 'cancel_requested' })
    expect(await storage.ackFailure({ ...leaseOf(running), failure: FAILURE })).toEqual({ outcome: 'cancelled' })
    expect(await long.standing()).toEqual([])

    const waiting = await long.rehomed(storage)
    await storage.releaseLease(leaseOf(waiting))
    expect(await storage.cancel({ id: waiting.activity.id })).toEqual({ outcome: 'cancelled' })
    expect(await long.standing()).toEqual([])
    expect(await long.counts()).toEqual({ running: 0, scheduled: 0, pending: 0 })
    expect(await look(long, storage)).toBe(0)
    expect(await long.claim(storage, 500), runAlone()).toEqual([])
  })

  test('is taken back when its lease expires, and its home goes', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const { activity } = await long.rehomed(storage)
    await storage.fixtures.expireLease({ id: activity.id })
    expect(await storage.requeueExpired({ limit: 100 })).toMatchObject({ requeued: 1 })
    const [second] = await long.claim(storage)
    expect(second).toMatchObject({ attempt: 2, activity: { id: activity.id } })
    expect(await look(long, storage), 'its first attempt is over').toBe(0)
    expect(await long.standing()).toEqual([])
    if (second !== undefined) expect(await complete(storage, second), runAlone()).toEqual(['settled'])
  })

  test('is re-homed by who was assigned its partition meanwhile, and settled by who runs it', async () => {
    await using long = await RehomedNamespace.open()
    const runner = await long.worker({ rehomeAfterMs: 3_600_000 })
    // In each lane one: half of the lanes go to whoever joins, nobody knows which.
    for (const priority of PRIORITIES) await long.observed.enqueueAll(LONG, [0], { priority })
    const attempts: ClaimedAttempt[] = []
    while (attempts.length < PRIORITIES.length) attempts.push(...(await long.claim(runner)))
    const owner = await long.worker()
    const isFinished = async (priority: Priority): Promise<boolean> => (await long.committed(priority)) > 0
    const finished = async (): Promise<number> => {
      expect(await long.claim(owner, 100), 'they run').toEqual([]) // by which it learns that they do
      return (await Promise.all(PRIORITIES.map(isFinished))).filter(Boolean).length
    }
    await expect.poll(finished, { timeout: 30_000, message: runAlone() }).toBe(PRIORITIES.length / 2)
    expect(await long.standing()).toHaveLength(PRIORITIES.length / 2)
    expect(await long.counts()).toMatchObject({ running: PRIORITIES.length, scheduled: 0 })
    await expect.poll(async () => (await long.counts())['pending'], { timeout: 10_000 }).toBe(0)
    for (const attempt of attempts) expect(await complete(runner, attempt)).toEqual(['settled'])
    expect(await look(long, owner)).toBe(0)
    expect(await long.standing()).toEqual([])
    expect(settledTwice(await long.observed.outcomes()), runAlone()).toEqual([])
  })
})

describe('when what ran it is gone', () => {
  test('a killed worker is followed by attempt 2 within lease, reap interval and 5 s', async () => {
    await using long = await RehomedNamespace.open()
    const doomed = long.startDoomed(LEASE_MS)
    const [id = ''] = await long.observed.enqueueAll(LONG, [0])
    expect(await doomed.begun).toBe(id)
    await long.committedBeyond({ coordinates: { topic: '', partition: 0, offset: '0' } })
    const storage = await long.worker()
    await using reaper = new Reaper({ storage, intervalMs: REAP_INTERVAL_MS })
    await reaper.start()
    const killedMs = systemClock.monotonicMs()
    await doomed.kill()
    const [second] = await long.claim(storage)
    const tookMs = systemClock.monotonicMs() - killedMs
    expect(second, runAlone()).toMatchObject({ attempt: 2, activity: { id } })
    expect(tookMs, runAlone()).toBeLessThan(LEASE_MS + REAP_INTERVAL_MS + 5_000)
    if (second !== undefined) await complete(storage, second)
    await long.redis.hurry()
    await expect.poll(() => long.standing(), { timeout: 10_000 }).toEqual([])
    expect(settledTwice(await long.observed.outcomes()), runAlone()).toEqual([])
  })

  test('an emptied Redis and a killed worker: it runs again as the same attempt, and ends once', async () => {
    await using long = await RehomedNamespace.open()
    const doomed = long.startDoomed(LEASE_MS)
    const [id = ''] = await long.observed.enqueueAll(LONG, [0])
    await doomed.begun
    await long.committedBeyond({ coordinates: { topic: '', partition: 0, offset: '0' } })
    await doomed.kill()
    await long.redis.empty()
    const storage = await long.worker()
    await using reaper = new Reaper({ storage, intervalMs: REAP_INTERVAL_MS })
    await reaper.start()
    const [again] = await long.claim(storage)
    expect(again, runAlone()).toMatchObject({ attempt: 1, activity: { id } })
    if (again !== undefined) await complete(storage, again)
    await long.redis.hurry()
    await expect.poll(() => long.standing(), { timeout: 10_000 }).toEqual([])
    expect(
      (await long.observed.outcomes()).map(({ outcome }) => outcome),
      runAlone(),
    ).toEqual(['completed'])
  })

  test('an emptied Redis while it runs: its worker settles it, or whoever runs it again, but not both', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const attempts = [await long.rehomed(storage), await long.rehomed(storage)]
    await long.redis.empty()
    const [first, second] = attempts
    if (first === undefined || second === undefined) return
    expect(await complete(storage, first), 'nobody else has it').toEqual(['settled'])
    expect(await look(long, storage), 'the other is unknown').toBe(1)
    const [again] = await long.claim(storage)
    expect(again).toMatchObject({ attempt: 1, activity: { id: second.activity.id } })
    expect(await complete(storage, second)).toEqual(['lease_lost'])
    if (again !== undefined) expect(await complete(storage, again)).toEqual(['settled'])
    await look(long, storage)
    expect(await long.standing()).toEqual([])
    expect(settledTwice(await long.observed.outcomes()), runAlone()).toEqual([])
  })

  test('the sweep and a rebuild bring its home back, and nobody runs it beside its worker', async () => {
    await using long = await RehomedNamespace.open()
    const storage = await long.worker()
    const attempt = await long.rehomed(storage)
    const homes = await long.standing()
    for (const restore of [
      () => storage.sweepScheduled(),
      async () => (await storage.rebuild({ restart: true })).scheduled,
    ]) {
      await storage.processScheduled({ limit: 1 }) // who reads the schedule has read it: the log comes back by a sweep only
      await long.redis.loseIndex()
      expect(await restore()).toBe(1)
      expect(await long.indexed()).toEqual(homes)
      expect(await long.counts()).toEqual({ running: 1, scheduled: 0, pending: 0 })
      expect(await look(long, storage)).toBe(0)
    }
    expect(await long.claim(storage, 500)).toEqual([])
    expect(await complete(storage, attempt)).toEqual(['settled'])
    expect(await long.standing(), runAlone()).toEqual([])
  })
})

test('what holds its frontier is not waited for once thousands are finished behind it', async () => {
  await using long = await RehomedNamespace.open()
  const storage = await long.worker({ rehomeAfterMs: 3_600_000 })
  const heads = [await long.claimed(storage), await long.claimed(storage)]
  const behind = REHOMING_LIMITS.recordsBehindMax + 500
  let enqueued = 0
  let finished = 0
  while (finished < behind) {
    if (enqueued < behind) {
      const batch = Array.from({ length: Math.min(1_000, behind - enqueued) }, (_, n) => n)
      enqueued += (await long.observed.enqueueAll(LONG, batch)).length
    }
    const attempts = await storage.dequeue({ workerId: 'w', timeoutMs: 5_000, leaseMs: 60_000, limit: 1_000 })
    expect(attempts.length, runAlone()).toBeGreaterThan(0)
    await storage.ackSuccess({ leases: attempts.map(leaseOf) })
    finished += attempts.length
  }
  await expect.poll(() => long.committed(), { timeout: 20_000, message: runAlone() }).toBe(behind + heads.length)
  expect(await long.standing()).toHaveLength(heads.length)
  expect(await long.counts()).toEqual({ running: heads.length, scheduled: 0, pending: 0 })
  for (const head of heads) expect(await complete(storage, head)).toEqual(['settled'])
  expect(await long.standing(), runAlone()).toEqual([])
})
