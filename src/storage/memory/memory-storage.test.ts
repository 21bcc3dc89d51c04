// What only the storage in memory can show: deadlines to the millisecond by a clock that is moved by hand, what is
// forgotten when, and handles that are closed. Everything else is in the storage contract.

import { expect, test } from 'vitest'
import type { Activity, ClaimedAttempt } from '../../core/activity.ts'
import { uuidv7Source } from '../../core/ids.ts'
import type { ActivitySpec } from '../../core/new-activity.ts'
import { newActivity } from '../../core/new-activity.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import type { ActivityEvent, EventGap } from '../storage.ts'
import type { MemoryStorageOptions } from './memory-storage-options.ts'
import { MemoryStorage } from './memory-storage.ts'

const HOUR_MS = 3_600_000

async function setup(options: MemoryStorageOptions = {}) {
  const clock = new ManualClock()
  const storage = new MemoryStorage({ clock, ...options })
  await storage.subscribe({ types: ['mail'] })
  const ids = uuidv7Source({ nowMs: () => clock.nowMs(), randomBytes: into => into.fill(7) })
  const enqueue = async (spec: Partial<ActivitySpec> = {}): Promise<Activity> => {
    const activity = newActivity({ type: 'mail', payload: null, ...spec }, { ids, nowMs: clock.nowMs() })
    await storage.enqueueMany({ activities: [activity] })
    return activity
  }
  const claim = async (leaseMs = 10_000): Promise<ClaimedAttempt> => {
    const [claimed] = await storage.dequeue({ workerId: 'w1', timeoutMs: 0, leaseMs })
    if (claimed === undefined) throw new Error('nothing to claim')
    return claimed
  }
  const complete = async (): Promise<string> => {
    const { activity, leaseId } = await claim()
    expect(await storage.ackSuccess({ leases: [{ id: activity.id, leaseId, resultJson: '1' }] })).toEqual(['settled'])
    return activity.id
  }
  return { clock, storage, enqueue, claim, complete }
}

test('a scheduled attempt is due at its millisecond and not before', async () => {
  const { clock, storage, enqueue, claim } = await setup()
  const { id } = await enqueue({ delayMs: 1_000 })
  await clock.advance(999)
  expect(await storage.processScheduled({ limit: 10 })).toEqual({ moved: 0, nextDueInMs: 1, latenessMs: [] })
  await clock.advance(1)
  expect(await storage.processScheduled({ limit: 10 })).toEqual({ moved: 1, nextDueInMs: null, latenessMs: [0] })
  expect((await claim()).activity.id).toBe(id)
})

test('a lease is live until its deadline, and is renewed from now', async () => {
  const { clock, storage, enqueue, claim } = await setup()
  await enqueue()
  const { activity, leaseId, deadlineMs } = await claim(10_000)
  await clock.advance(6_000)
  const renewed = await storage.extendLease({ id: activity.id, leaseId, byMs: 10_000 })
  expect(renewed).toEqual({ outcome: 'renewed', deadlineMs: deadlineMs + 6_000, cancelRequested: false })
  await clock.advance(9_999)
  expect((await storage.requeueExpired({ limit: 10 })).requeued).toBe(0)
  await clock.advance(1)
  expect((await storage.requeueExpired({ limit: 10 })).requeued).toBe(1)
})

test('a retry is due at the storage’s time plus its delay', async () => {
  const { clock, storage, enqueue, claim } = await setup()
  await enqueue({ retryDelayMs: 5_000 })
  const { activity, leaseId } = await claim()
  await clock.advance(123)
  const failure = { kind: 'retryable', error: { name: 'Error', message: 'x' } } as const
  const answer = await storage.ackFailure({ id: activity.id, leaseId, failure })
  expect(answer).toEqual({ outcome: 'retrying', retryAtMs: clock.nowMs() + 10_000, retryInMs: 10_000 })
})

test('a dequeue waits by the clock', async () => {
  const { clock, storage } = await setup()
  let isDone = false
  const waiting = storage.dequeue({ workerId: 'w1', timeoutMs: 5_000 }).finally(() => (isDone = true))
  await clock.advance(4_999)
  expect(isDone).toBe(false)
  await clock.advance(1)
  expect(await waiting).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('results, keys and what has ended are forgotten after their times', async () => {
  const { clock, storage, enqueue, complete } = await setup({
    resultTtlMs: HOUR_MS,
    markerTtlMs: 2 * HOUR_MS,
    keyTtlMs: 3 * HOUR_MS,
  })
  await enqueue()
  const id = await complete()
  await enqueue({ key: 'k' })
  const keyed = await complete()
  await clock.advance(HOUR_MS - 1)
  expect((await storage.getResult({ id }))?.dataJson).toBe('1')
  await clock.advance(1)
  expect(await storage.getResult({ id })).toBeNull()
  await expect(storage.awaitResult({ id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await storage.getActivity({ id }))?.status).toBe('completed')
  await clock.advance(HOUR_MS)
  expect(await storage.getActivity({ id })).toBeNull()
  expect((await storage.stats()).completed).toBe(1)
  expect(await storage.lookupKey({ type: 'mail', key: 'k' })).toBe(keyed)
  await clock.advance(HOUR_MS)
  expect(await storage.lookupKey({ type: 'mail', key: 'k' })).toBeNull()
  expect((await storage.stats()).completed).toBe(0)
})

test('a key stands for its activity as long as that has not ended', async () => {
  const { clock, storage, enqueue } = await setup({ keyTtlMs: HOUR_MS })
  const { id } = await enqueue({ key: 'k', delayMs: 100 * HOUR_MS })
  await clock.advance(50 * HOUR_MS)
  expect(await storage.lookupKey({ type: 'mail', key: 'k' })).toBe(id)
})

test('no more ended activities are remembered than the option says', async () => {
  const { storage, enqueue, complete } = await setup({ endedActivitiesMax: 2 })
  const ended: string[] = []
  for (let round = 0; round < 3; round++) {
    await enqueue()
    ended.push(await complete())
  }
  expect((await storage.stats()).completed).toBe(2)
  expect(await storage.getActivity({ id: ended[0] ?? '' })).toBeNull()
  expect((await storage.getActivity({ id: ended[2] ?? '' }))?.status).toBe('completed')
})

test('giving back an attempt that was asked to end ends it as cancelled', async () => {
  const { storage, enqueue, claim } = await setup()
  const { id } = await enqueue()
  const { leaseId } = await claim()
  await storage.cancel({ id, reason: 'too late' })
  expect(await storage.releaseLease({ id, leaseId })).toBe('released')
  expect((await storage.getActivity({ id }))?.status).toBe('cancelled')
  expect(await storage.releaseLease({ id, leaseId })).toBe('released')
})

test('a reader that is too slow is told by a gap that it missed something', async () => {
  const { storage, enqueue } = await setup()
  const aborter = new AbortController()
  const stream = storage.events({ signal: aborter.signal })[Symbol.asyncIterator]()
  for (let count = 0; count < 1_500; count++) await enqueue()
  const seen: (ActivityEvent | EventGap)[] = []
  for (let next = await stream.next(); seen.length < 3 && next.done !== true; next = await stream.next())
    seen.push(next.value)
  expect(seen[0]?.type).toBe('gap')
  expect(seen.slice(1).map(event => event.type)).toEqual(['enqueued', 'enqueued'])
  aborter.abort()
  expect((await stream.next()).done).toBe(true)
})

test('closing ends what waits on this handle, and not on its peer', async () => {
  const { storage, enqueue } = await setup()
  const peer = storage.peer()
  await peer.subscribe({ types: ['mail'] })
  const { id } = await enqueue({ delayMs: HOUR_MS })
  const claiming = storage.dequeue({ workerId: 'w1', timeoutMs: 60_000 })
  const waiting = storage.awaitResult({ id })
  const refused = expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  await storage.close()
  expect(await claiming).toEqual([])
  await refused
  await expect(storage.stats()).rejects.toMatchObject({ code: 'conflict' })
  expect((await peer.stats()).scheduled).toBe(1)
})

test('unknown and bad options are refused by name', () => {
  expect(() => new MemoryStorage({ ttl: 1 } as MemoryStorageOptions)).toThrow(/unknown option ttl/)
  expect(() => new MemoryStorage({ resultTtlMs: 0 })).toThrow(/resultTtlMs is 0/)
  expect(() => new MemoryStorage({ namespace: 'A_B' })).toThrow(/namespace/)
})
