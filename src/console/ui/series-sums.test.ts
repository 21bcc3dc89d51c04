import { expect, test } from 'vitest'
import type { Series, SeriesBucket } from '../series.ts'
import { perMinute, summed } from './series-sums.ts'

const bucket = (atMs: number, more: Partial<SeriesBucket> = {}): SeriesBucket => ({
  ...{ atMs, enqueued: null, completed: 0, failed: 0, deadLetter: 0, cancelled: 0, retrying: 0, leaseExpired: 0 },
  ...{ pending: null, running: null, scheduled: null, oldestPendingAgeMs: null, hasGap: false, isPartial: false },
  ...more,
})
const series: Series = {
  ...{ bucketMs: 60_000, sinceMs: 0 },
  series: [
    {
      type: 'a',
      buckets: [
        bucket(0, { completed: 2, pending: 3 }),
        bucket(60_000, { deadLetter: 1, isPartial: true, hasGap: true }),
      ],
    },
    { type: 'b', buckets: [bucket(60_000, { completed: 5, failed: 1, retrying: 1, leaseExpired: 1, pending: 4 })] },
  ],
}

test('all types together, minute by minute', () => {
  expect(summed(series, undefined)).toEqual({
    ...{ timesMs: [0, 60_000], completed: [2, 5], failed: [0, 2], retried: [0, 2], pending: [3, 4] },
    ...{ running: [null, null], hasGap: true },
  })
})

test('one type alone; of one that nobody knows nothing', () => {
  expect(summed(series, 'b')).toMatchObject({ timesMs: [60_000], completed: [5], hasGap: false })
  expect(summed(series, 'c').timesMs).toEqual([])
})

test('the minute that is not over is not counted as a whole one', () => {
  expect(perMinute(series, 'a', 5)).toEqual({ completed: 2, failed: 0 })
  expect(perMinute(series, 'c', 5)).toBe(null)
})
