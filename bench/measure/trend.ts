// Whether something grows: its median at the beginning and at the end, and the straight line through all of it.

import { percentile } from '../figures.ts'

/** A value at a time. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** How a value went. */
export interface Trend {
  /** Median of the first fifth and of the last fifth. */
  readonly first: number
  readonly last: number
  /** From the first to the last. Unit: %. */
  readonly growthPercent: number
  /** By linear regression. */
  readonly perMinute: number
}

/** The trend of at least two points, in the order of their times. */
export function trendOf(points: readonly Point[]): Trend {
  const fifth = Math.max(1, Math.floor(points.length / 5))
  const median = (some: readonly Point[]): number =>
    percentile(
      some.map(({ value }) => value),
      0.5,
    )
  const first = median(points.slice(0, fifth))
  const last = median(points.slice(-fifth))
  return { first, last, growthPercent: (100 * (last - first)) / first, perMinute: 60_000 * slopeOf(points) }
}

function slopeOf(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number): number => points.reduce((sum, each) => sum + of(each), 0) / points.length
  const [meanAtMs, meanValue] = [mean(({ atMs }) => atMs), mean(({ value }) => value)]
  const covariance = mean(({ atMs, value }) => (atMs - meanAtMs) * (value - meanValue))
  const variance = mean(({ atMs }) => (atMs - meanAtMs) ** 2)
  return variance === 0 ? 0 : covariance / variance
}
