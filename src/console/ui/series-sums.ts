// What the charts draw, from the series of the server: sums over types, minute by minute. Pure.

import type { Series, SeriesBucket } from '../series.ts'

/** Minutes, and what happened in each. */
export interface Summed {
  readonly timesMs: readonly number[]
  readonly completed: readonly number[]
  /** Failed for good, and dead letters. */
  readonly failed: readonly number[]
  readonly retried: readonly number[]
  /** Null: nobody looked in that minute. */
  readonly pending: readonly (number | null)[]
  readonly running: readonly (number | null)[]
  /** Some events of a minute were missed: its counts are too low. */
  readonly hasGap: boolean
}

/** All types together, or one. */
export function summed({ series }: Series, type: string | undefined): Summed {
  const chosen = type === undefined ? series : series.filter(each => each.type === type)
  const minutes = new Map<number, SeriesBucket[]>()
  for (const { buckets } of chosen) {
    for (const bucket of buckets) minutes.set(bucket.atMs, [...(minutes.get(bucket.atMs) ?? []), bucket])
  }
  const sorted = [...minutes].toSorted(([a], [b]) => a - b)
  const each = <T>(of: (buckets: readonly SeriesBucket[]) => T): T[] => sorted.map(([, buckets]) => of(buckets))
  return {
    timesMs: sorted.map(([atMs]) => atMs),
    completed: each(buckets => total(buckets, ({ completed }) => completed)),
    failed: each(buckets => total(buckets, ({ failed, deadLetter }) => failed + deadLetter)),
    retried: each(buckets => total(buckets, ({ retrying, leaseExpired }) => retrying + leaseExpired)),
    pending: each(buckets => known(buckets, ({ pending }) => pending)),
    running: each(buckets => known(buckets, ({ running }) => running)),
    hasGap: sorted.some(([, buckets]) => buckets.some(bucket => bucket.hasGap)),
  }
}

/** Of one type, the last `minutes` without the one that is not over: what happened a minute. */
export function perMinute(series: Series, type: string, minutes: number): { completed: number; failed: number } | null {
  const whole = series.series.find(each => each.type === type)?.buckets.filter(({ isPartial }) => !isPartial) ?? []
  const recent = whole.slice(-minutes)
  if (recent.length === 0) return null
  return {
    completed: total(recent, ({ completed }) => completed) / recent.length,
    failed: total(recent, ({ failed, deadLetter }) => failed + deadLetter) / recent.length,
  }
}

function total(buckets: readonly SeriesBucket[], of: (bucket: SeriesBucket) => number): number {
  return buckets.reduce((sum, bucket) => sum + of(bucket), 0)
}

function known(buckets: readonly SeriesBucket[], of: (bucket: SeriesBucket) => number | null): number | null {
  const values = buckets.flatMap(bucket => of(bucket) ?? [])
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)
}
