// The overview: what is odd first, then how each type and lane stands, then how that came to be.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import type { LanesView, Series, StatsView } from '../api-types.ts'
import { CopyLine } from '../components/copy-button.tsx'
import { AsOfNote, Empty, Shown, Teach } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { OverviewCharts } from '../components/overview-charts.tsx'
import { href } from '../navigation.ts'
import { now } from '../now.ts'
import type { Oddity, TypeFigures } from '../odd.ts'
import { endedBadly, figuresByType, oddities, OPERATION_TYPE } from '../odd.ts'
import { useResource } from '../resource.ts'
import { perMinute } from '../series-sums.ts'
import { counted, countText, spanText } from '../time-text.ts'

const CHART_MINUTES = 60
const RATE_MINUTES = 5

/** The page. `type`: of the charts. */
export function OverviewPage({ type }: { readonly type: string | undefined }): JSX.Element {
  const lanes = useResource<LanesView>({
    ...{ key: 'lanes', everyMs: 5_000, load: signal => get('lanes', {}, signal) },
    concerns: () => true,
  })
  const series = useResource<Series>({
    ...{ key: 'series', everyMs: 10_000, load: signal => get('series', { minutes: CHART_MINUTES }, signal) },
    concerns: () => true,
  })
  const stats = useResource<StatsView>({
    ...{ key: 'stats', everyMs: 5_000, load: signal => get('stats', {}, signal) },
    concerns: () => true,
  })
  return (
    <>
      <h1>Overview</h1>
      <Shown resource={lanes} what="how the lanes stand">
        {({ lanes: figures, trouble, asOfMs }) => {
          const types = figuresByType(figures)
          return (
            <>
              <AsOfNote trouble={trouble} asOfMs={asOfMs} />
              {areUnused(types) ? (
                <NothingYet />
              ) : (
                <Odd found={oddities(types, now.value)} bad={endedBadly(types, stats.data.value?.failed ?? null)} />
              )}
              {!areUnused(types) && <TypeTable types={types} series={series.data.value} />}
            </>
          )
        }}
      </Shown>
      <Shown resource={series} what="charts">
        {data => <OverviewCharts series={data} type={type} />}
      </Shown>
    </>
  )
}

/** Only Errand's own type, which is there from the start. */
function areUnused(types: readonly TypeFigures[]): boolean {
  return types.every(({ type }) => type === OPERATION_TYPE)
}

function NothingYet(): JSX.Element {
  return (
    <Empty title="No type is known yet">
      <p>A type is known once a worker subscribes to it, or an activity of it is enqueued.</p>
      <Teach
        does="Run a worker whose module handles some types:"
        text="errand init && errand worker --import ./worker.ts"
      />
      <Teach does="Enqueue by the command line:" text={`errand enqueue send-invoice '{"orderId":"42"}'`} />
      <Teach does="Enqueue by code:" text={`await client.enqueue(sendInvoice, { orderId: '42' })`} />
    </Empty>
  )
}

function Odd({ found, bad }: { readonly found: readonly Oddity[]; readonly bad: string }): JSX.Element {
  if (found.length === 0 && bad === '') {
    return <p class="well">Nothing is odd: what is pending is being taken up.</p>
  }
  if (found.length === 0) return <EndedBadly bad={bad} />
  return (
    <section aria-labelledby="odd">
      <h2 id="odd">What is odd</h2>
      <ul class="odd">
        {found.map(({ severity, type, says, hint, command }) => (
          <li key={says} class={`odd-${severity}`}>
            <p>
              <strong>{severity === 'error' ? 'Problem' : 'Warning'}: </strong>
              <a href={href('activities', { status: 'pending', type })}>{says}</a>
            </p>
            <p>{hint}</p>
            {command !== null && <CopyLine text={command} label="a command line" />}
          </li>
        ))}
      </ul>
      {bad !== '' && <EndedBadly bad={bad} />}
    </section>
  )
}

function EndedBadly({ bad }: { readonly bad: string }): JSX.Element {
  return (
    <p>
      Ended badly, as far as is remembered: {bad}. Look at <a href={href('dead-letters')}>dead letters</a> or{' '}
      <a href={href('activities', { status: 'failed' })}>what failed for good</a>.
    </p>
  )
}

function TypeTable({
  types,
  series,
}: {
  readonly types: readonly TypeFigures[]
  readonly series: Series | null
}): JSX.Element {
  const sum = (of: 'pending' | 'running' | 'scheduled' | 'deadLetters'): string =>
    countText(types.reduce((total, each) => total + each[of], 0))
  return (
    <section aria-labelledby="types">
      <h2 id="types">Types and lanes</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Types and lanes">
        <table>
          <thead>
            <tr>
              <th scope="col">Type</th>
              {[
                'Pending',
                'Oldest',
                'Running',
                'Scheduled',
                'Done /min',
                'Failed /min',
                'Dead letters',
                'Consumers',
              ].map(title => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          {types.map(each => (
            <TypeRows key={each.type} figures={each} series={series} />
          ))}
          <tfoot>
            <tr>
              <th scope="row">{counted(types.length, 'type')}</th>
              <td class="number">{sum('pending')}</td>
              <td />
              <td class="number">{sum('running')}</td>
              <td class="number">{sum('scheduled')}</td>
              <td />
              <td />
              <td class="number">{sum('deadLetters')}</td>
              <td />
            </tr>
          </tfoot>
        </table>
      </div>
    </section>
  )
}

function TypeRows({ figures, series }: { readonly figures: TypeFigures; readonly series: Series | null }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const { type, pending, running, scheduled, deadLetters, oldestPendingAtMs, consumers, lanes } = figures
  const rate = series === null ? null : perMinute(series, type, RATE_MINUTES)
  const link = (status: string, count: number): JSX.Element => (
    <a href={href('activities', { status, type })}>{countText(count)}</a>
  )
  return (
    <tbody>
      <tr>
        <th scope="row">
          <button
            type="button"
            class="fold"
            aria-expanded={isOpen}
            aria-label={`Lanes of ${type}`}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? '▾' : '▸'}
          </button>{' '}
          <a
            class="row-link"
            href={href('', { type })}
            title={type === OPERATION_TYPE ? 'Errand’s own: bulk work' : undefined}
          >
            {type}
          </a>
        </th>
        <td class="number">{link('pending', pending)}</td>
        <td class="number">
          <Oldest atMs={oldestPendingAtMs} pending={pending} />
        </td>
        <td class="number">{link('running', running)}</td>
        <td class="number">{link('scheduled', scheduled)}</td>
        <td class="number">{rateText(rate?.completed)}</td>
        <td class="number">{rateText(rate?.failed)}</td>
        <td class="number">
          <a href={href('dead-letters', { type })}>{countText(deadLetters)}</a>
        </td>
        <td class="number">{consumers === null ? '–' : countText(consumers)}</td>
      </tr>
      {isOpen &&
        lanes.map(lane => (
          <tr key={lane.priority} class="lane">
            <th scope="row">{lane.priority}</th>
            <td class="number">{countText(lane.pending)}</td>
            <td class="number">
              <Oldest atMs={lane.oldestPendingAtMs} pending={lane.pending} />
            </td>
            <td class="number">{countText(lane.running)}</td>
            <td class="number">{countText(lane.scheduled)}</td>
            <td colSpan={2} class="number">
              {lane.frontierStuckMs > 0 &&
                `frontier stands for ${spanText(lane.frontierStuckMs)}, ${countText(lane.finishedAhead)} finished behind it`}
            </td>
            <td class="number">{countText(lane.deadLetters)}</td>
            <td />
          </tr>
        ))}
    </tbody>
  )
}

/** The age, in words; `looking` where something is pending and the oldest was not found yet. */
function Oldest({ atMs, pending }: { readonly atMs: number | null; readonly pending: number }): JSX.Element {
  if (atMs === null) return <span class="muted">{pending > 0 ? 'looking' : '–'}</span>
  return <Time atMs={atMs} />
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return '–'
  return rate === 0 || rate >= 10 ? countText(Math.round(rate)) : rate.toFixed(1)
}
