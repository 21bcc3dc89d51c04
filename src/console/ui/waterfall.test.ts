import { expect, test } from 'vitest'
import { timelineEntries } from '../../client/timeline.ts'
import type { ActivityEvent } from '../../storage/storage.ts'
import { waterfall } from './waterfall.ts'

const event = (type: ActivityEvent['type'], atMs: number, more: Partial<ActivityEvent> = {}): ActivityEvent => ({
  ...{ id: '1', activityType: 'a', type, attempt: 1, atMs },
  ...more,
})
const bars = (events: readonly ActivityEvent[], nowMs: number, isOver: boolean) =>
  waterfall(timelineEntries(events, nowMs, isOver), nowMs).map(({ entry, left, width, isShortened, isOpen }) => {
    const name = entry.kind === 'gap' ? entry.reason : `${entry.attempt} ${entry.outcome}`
    const marks = `${isShortened ? ' shortened' : ''}${isOpen ? ' open' : ''}`
    return `${name} ${Math.round(left)}+${Math.round(width)}${marks}`
  })

test('attempts and gaps lie behind each other on one scale', () => {
  const events = [
    event('enqueued', 0),
    event('started', 100),
    event('retrying', 200, { dueAtMs: 300 }),
    event('started', 300, { attempt: 2 }),
    event('completed', 400, { attempt: 2 }),
  ]
  expect(bars(events, 9_999, true)).toEqual(['waited 0+25', '1 retrying 25+25', 'backoff 50+25', '2 completed 75+25'])
})

test('a gap that is long beside the work is drawn shorter, and says so', () => {
  const events = [
    event('enqueued', 0),
    event('started', 0),
    event('retrying', 100, { dueAtMs: 3_600_000 }),
    event('started', 3_600_000, { attempt: 2 }),
    event('completed', 3_600_100, { attempt: 2 }),
  ]
  expect(bars(events, 9_999_999, true)).toEqual(['1 retrying 0+20', 'backoff 20+60 shortened', '2 completed 80+20'])
})

test('what is not over goes on until now', () => {
  expect(bars([event('enqueued', 0), event('started', 500)], 1_000, false)).toEqual([
    'waited 0+50',
    '1 running 50+50 open',
  ])
  expect(bars([event('enqueued', 0)], 1_000, false)).toEqual(['waited 0+100 open'])
})

test('an attempt whose end is not recorded lasted until the next began', () => {
  const events = [event('enqueued', 0), event('started', 0), event('started', 500, { attempt: 2 })]
  expect(bars(events, 1_000, false)).toEqual(['1 unknown 0+50', '2 running 50+50 open'])
})

test('an attempt without a start, and one without length, are still seen', () => {
  const events = [event('enqueued', 0), event('cancelled', 1_000)]
  expect(bars(events, 2_000, true)).toEqual(['waited 0+100', '1 cancelled 99+1'])
})

test('nothing has no bars', () => expect(waterfall([], 1)).toEqual([]))
