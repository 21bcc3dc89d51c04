import { expect, test } from 'vitest'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { ActivityEvent, LaneFigures } from '../storage/storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeriesBook } from './series.ts'

const event = (type: ActivityEvent['type'], activityType = 'mail'): ActivityEvent => ({
  ...{ id: 'a', activityType, type, attempt: 1, atMs: 0 },
})
const lane = (figures: Partial<LaneFigures>): LaneFigures => ({
  ...{
    type: 'mail',
    priority: 'normal',
    pending: 0,
    oldestPendingAtMs: null,
    running: 0,
    scheduled: 0,
    deadLetters: 0,
  },
  ...{ finishedAhead: 0, frontierStuckMs: 0, consumers: 1, ...figures },
})
const MINUTE_MS = 60_000

test('each minute counts what is heard in it; the newest is not over', async () => {
  const clock = new ManualClock()
  const book = new SeriesBook(clock)
  for (const type of ['completed', 'completed', 'retrying', 'started'] as const) book.count(event(type))
  await clock.advance(MINUTE_MS)
  for (const type of ['dead_letter', 'failed', 'cancelled', 'lease_expired'] as const) book.count(event(type))
  const [mail] = book.shown({ minutes: 60 }).series
  expect(mail?.buckets).toMatchObject([
    { completed: 2, retrying: 1, deadLetter: 0, enqueued: null, isPartial: false },
    { completed: 0, deadLetter: 1, failed: 1, cancelled: 1, leaseExpired: 1, isPartial: true },
  ])
  expect(mail?.buckets[1]?.atMs).toBe((mail?.buckets[0]?.atMs ?? 0) + MINUTE_MS)
})

test('nothing is shown of the time before it began, nor more than is asked for', async () => {
  const clock = new ManualClock()
  const book = new SeriesBook(clock)
  expect(book.shown({ type: 'mail', minutes: 60 }).series[0]?.buckets.length).toBe(1)
  await clock.advance(10 * MINUTE_MS)
  const { sinceMs, series } = book.shown({ type: 'mail', minutes: 60 })
  expect([series[0]?.buckets.length, sinceMs]).toEqual([11, clock.nowMs() - 10 * MINUTE_MS])
  expect(book.shown({ type: 'mail', minutes: 3 }).series[0]?.buckets.length).toBe(3)
})

test('depths are those of all lanes of a type, the age that of the oldest; minutes that nobody looked in have none', async () => {
  const clock = new ManualClock()
  const book = new SeriesBook(clock)
  const nowMs = clock.nowMs()
  book.sample([
    lane({ pending: 2, oldestPendingAtMs: nowMs - 5_000, running: 1 }),
    lane({ priority: 'high', pending: 1, oldestPendingAtMs: nowMs - 9_000, scheduled: 4 }),
    lane({ type: 'sms', pending: 7 }),
  ])
  await clock.advance(MINUTE_MS)
  const [mail, sms] = book.shown({ minutes: 2 }).series
  expect(mail?.buckets).toMatchObject([
    { pending: 3, running: 1, scheduled: 4, oldestPendingAgeMs: 9_000 },
    { pending: null, running: null, oldestPendingAgeMs: null },
  ])
  expect(sms?.buckets[0]).toMatchObject({ pending: 7, oldestPendingAgeMs: null })
})

test('a minute in which events were missed says so, and enqueues count once a storage tells of them', () => {
  const book = new SeriesBook(new ManualClock())
  book.count(event('completed'))
  expect(book.shown({ minutes: 1 }).series[0]?.buckets[0]).toMatchObject({ enqueued: null, hasGap: false })
  book.gap()
  book.count(event('enqueued'))
  expect(book.shown({ minutes: 1 }).series[0]?.buckets[0]).toMatchObject({ enqueued: 1, hasGap: true })
})

test('neither minutes nor types grow without end', async () => {
  const clock = new ManualClock()
  const book = new SeriesBook(clock)
  for (let n = 0; n < CONSOLE_LIMITS.seriesTypesMax + 10; n++) book.count(event('completed', `t${n}`))
  expect(book.shown({ minutes: 1 }).series.length).toBe(CONSOLE_LIMITS.seriesTypesMax)
  for (let n = 0; n < CONSOLE_LIMITS.seriesMinutesMax + 10; n++) {
    await clock.advance(MINUTE_MS)
    book.count(event('completed', 't0'))
    book.gap()
  }
  const [first] = book.shown({ type: 't0', minutes: CONSOLE_LIMITS.seriesMinutesMax * 2 }).series
  const kept = first?.buckets.filter(({ completed }) => completed > 0) ?? []
  expect(kept.length).toBe(CONSOLE_LIMITS.seriesMinutesMax)
})

test('beyond its bound of types the one that is silent for longest makes room; no busy one does', async () => {
  const clock = new ManualClock()
  const book = new SeriesBook(clock)
  const types = Array.from({ length: CONSOLE_LIMITS.seriesTypesMax }, (_, n) => `t${n}`)
  for (const type of types) book.count(event('completed', type))
  book.count(event('completed', 'late'))
  const shown = (): string[] => book.shown({ minutes: 5 }).series.map(each => each.type)
  expect(shown()).not.toContain('late')
  await clock.advance(MINUTE_MS)
  for (const type of types.filter(each => each !== 't7')) book.count(event('completed', type))
  book.sample([lane({ type: 't7' }), lane({ type: 'empty' })])
  expect(shown()).not.toContain('empty')
  book.count(event('completed', 'late'))
  expect(shown()).toContain('late')
  expect(shown()).not.toContain('t7')
  expect(shown()).toHaveLength(CONSOLE_LIMITS.seriesTypesMax)
})
