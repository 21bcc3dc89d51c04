// A chart over time: lines by uPlot, the newest bucket dashed because it is not over, and the same numbers as a table.

import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { COUNT_STEPS, shownTimes, TIME_STEPS_S } from '../chart-scale.ts'
import { theme } from '../theme.ts'

/** One line. */
export interface Line {
  readonly label: string
  /** A custom property of the style sheet, such as `--chart-1`. */
  readonly color: string
  readonly values: readonly (number | null)[]
}

/** Props of {@link Chart}. */
export interface ChartProps {
  readonly title: string
  /** Of each bucket. Unit: ms since the epoch. */
  readonly timesMs: readonly number[]
  readonly lines: readonly Line[]
  /** Counts of a minute: the newest is not over, so the last whole one is said. */
  readonly isCount?: boolean
  /** Waits differ by orders of magnitude: a linear axis would show the largest alone. */
  readonly isLogarithmic?: boolean
  /** A value in words. */
  readonly format: (value: number) => string
}

// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a name of types alone, of which a bundler has no value
const LOGARITHMIC: uPlot.Scale = { distr: 3, log: 10 }
const HEIGHT = 170
const TICK_WIDTH = 64
const TIME_AXIS_HEIGHT = 28
/** Where a logarithmic axis of durations has its lines: round for people. */
const ROUND_MS = [1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 86_400_000, 864_000_000]

/** The chart. */
export function Chart(props: ChartProps): JSX.Element {
  const { title, timesMs, lines, format } = props
  const place = useRef<HTMLDivElement>(null)
  const shown = theme.value
  const labels = lines.map(({ label }) => label).join('\n')
  const plot = useRef<uPlot | null>(null)
  useEffect(() => {
    const { current } = place
    if (current === null) return
    const made = new uPlot(optionsOf(props, current), dataOf(props), current)
    plot.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT }))
    watch.observe(current)
    return () => {
      watch.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [labels, shown])
  useEffect(() => plot.current?.setData(dataOf(props)), [timesMs, lines])
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <ul class="legend">
          {lines.map(({ label, color, values }) => (
            <li key={label}>
              <span class="swatch" style={{ background: `var(${color})` }} aria-hidden="true" /> {label}{' '}
              <strong>{said(values.at(props.isCount === true ? -2 : -1), format)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
      <details>
        <summary>{`${title} as a table`}</summary>
        <ChartTable {...props} />
      </details>
    </figure>
  )
}

function ChartTable({ title, timesMs, lines, format }: ChartProps): JSX.Element {
  return (
    <div class="scroll short" tabIndex={0} role="group" aria-label={title}>
      <table>
        <thead>
          <tr>
            <th scope="col">Minute</th>
            {lines.map(({ label }) => (
              <th key={label} scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {timesMs.map((atMs, at) => (
            <tr key={atMs}>
              <td>{clockText(atMs / 1_000)}</td>
              {lines.map(({ label, values }) => (
                <td key={label} class="number">
                  {said(values[at], format)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function said(value: number | null | undefined, format: ChartProps['format']): string {
  return value === null || value === undefined ? '–' : format(value)
}

/** Each line twice: whole buckets, and the step to the one that is not over. */
function dataOf({ timesMs, lines, isLogarithmic }: ChartProps): uPlot.AlignedData {
  const last = timesMs.length - 1
  // A logarithm has no zero: what waits for less than a millisecond is not drawn.
  const drawable = (value: number | null): number | null =>
    isLogarithmic === true && value !== null && value < 1 ? null : value
  const whole = lines.map(({ values }) => values.map((value, at) => (at === last ? null : drawable(value))))
  const open = lines.map(({ values }) => values.map((value, at) => (at < last - 1 ? null : drawable(value))))
  return [timesMs.map(atMs => atMs / 1_000), ...whole, ...open]
}

function optionsOf({ lines, isLogarithmic, format }: ChartProps, place: HTMLElement): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } }
  const line = ({ label, color: name }: Line): uPlot.Series => ({
    ...{ label, stroke: color(name), width: 1.5, spanGaps: false, points: { size: 4 } },
  })
  return {
    width: place.clientWidth || 300,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: timesShown },
      y: isLogarithmic === true ? LOGARITHMIC : { range: rangeFromZero },
    },
    series: [{}, ...lines.map(line), ...lines.map(each => ({ ...line(each), dash: [4, 4] }))],
    axes: [
      { ...axis, size: TIME_AXIS_HEIGHT, incrs: [...TIME_STEPS_S], values: (_, ticks) => ticks.map(clockText) },
      {
        ...{ ...axis, size: TICK_WIDTH, values: (_, ticks) => ticks.map(tick => format(tick)) },
        ...(isLogarithmic === true ? { splits: roundTicks, filter: (_, ticks) => ticks } : { incrs: [...COUNT_STEPS] }),
      },
    ],
  }
}

function timesShown(_: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  return shownTimes(min, max, Date.now() / 1_000)
}

function rangeFromZero(_: uPlot, __: number, max: number | null): uPlot.Range.MinMax {
  return [0, Math.max(1, (max ?? 0) * 1.1)]
}

function roundTicks(_: uPlot, __: number, min: number, max: number): number[] {
  return ROUND_MS.filter(ms => ms >= min && ms <= max)
}

/** `14:05`, of seconds since the epoch. */
function clockText(atS: number): string {
  return new Date(atS * 1_000).toLocaleTimeString('en-GB').slice(0, 5)
}
