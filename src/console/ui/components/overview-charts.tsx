// The overview's charts: what ended, what waits, and for how long the oldest waits, which matters most: a wait histogram falls silent
// exactly when a lane is stuck.

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Series } from '../api-types.ts'
import { filterBy } from '../navigation.ts'
import { now } from '../now.ts'
import { summed } from '../series-sums.ts'
import { countText, spanText } from '../time-text.ts'
import type { Line } from './chart.tsx'
import { Chart } from './chart.tsx'

/** Lines of one chart: more could not be told apart. */
const TYPES_MAX = 6

/** The charts. `type`: of one type alone. */
export function OverviewCharts({
  series,
  type,
}: {
  readonly series: Series
  readonly type: string | undefined
}): JSX.Element | null {
  const sums = useMemo(() => summed(series, type), [series, type])
  const ages = useMemo(() => agesOf(series, type, sums.timesMs), [series, type, sums])
  const types = series.series.map(each => each.type)
  if (types.length === 0) return null
  return (
    <section aria-labelledby="charts">
      <div class="section-head">
        <h2 id="charts">Over time</h2>
        <label>
          Type{' '}
          <select value={type ?? ''} onChange={event => filterBy({ type: event.currentTarget.value || undefined })}>
            <option value="">all</option>
            {types.map(each => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="charts">
        <Chart
          title="Ended per minute"
          isCount
          timesMs={sums.timesMs}
          lines={[
            { label: 'completed', color: '--chart-1', values: sums.completed },
            { label: 'failed', color: '--chart-2', values: sums.failed },
            { label: 'to be retried', color: '--chart-3', values: sums.retried },
          ]}
          format={value => countText(Math.round(value))}
        />
        <Chart
          title="Pending and running"
          timesMs={sums.timesMs}
          lines={[
            { label: 'pending', color: '--chart-4', values: sums.pending },
            { label: 'running', color: '--chart-1', values: sums.running },
          ]}
          format={value => countText(Math.round(value))}
        />
        <Chart title="Oldest pending" timesMs={sums.timesMs} lines={ages} isLogarithmic format={spanText} />
      </div>
      <p class="muted">
        {`Counted by this console, in memory, for ${spanText(Math.max(0, now.value - series.sinceMs))}; the newest minute is dashed.`}
        {sums.hasGap && ' In some minutes events were missed: their counts are too low.'}
      </p>
    </section>
  )
}

/** Those that waited longest. */
function agesOf({ series }: Series, type: string | undefined, timesMs: readonly number[]): Line[] {
  const lines = series
    .filter(each => type === undefined || each.type === type)
    .map(({ type: label, buckets }) => {
      const byTime = new Map(buckets.map(({ atMs, oldestPendingAgeMs }) => [atMs, oldestPendingAgeMs]))
      return { label, values: timesMs.map(atMs => byTime.get(atMs) ?? null) }
    })
  const longest = (values: readonly (number | null)[]): number => Math.max(-1, ...values.map(value => value ?? -1))
  return lines
    .filter(({ values }) => values.some(value => value !== null))
    .toSorted((a, b) => longest(b.values) - longest(a.values))
    .slice(0, TYPES_MAX)
    .map((line, at) => ({ ...line, color: `--chart-${at + 1}` }))
}
