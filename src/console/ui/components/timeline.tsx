// What happened to an activity: a waterfall over all attempts, with what lies between them labelled by its reason. It needs no
// tracing: it is made of the outcomes.

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { GapReason, TimelineEntry } from '../../../client/timeline.ts'
import { timelineEntries } from '../../../client/timeline.ts'
import type { ActivityEvent } from '../api-types.ts'
import { now } from '../now.ts'
import { spanText } from '../time-text.ts'
import type { Bar } from '../waterfall.ts'
import { waterfall } from '../waterfall.ts'
import { Failure } from './failure.tsx'
import { StatusBadge } from './status.tsx'
import { Time } from './time.tsx'

const GAPS: Readonly<Record<GapReason, string>> = {
  delay: 'was to run later',
  backoff: 'backoff before the next attempt',
  waited: 'waited for a free slot',
}

/** The timeline, oldest first. */
export function Timeline({
  events,
  isOver,
}: {
  readonly events: readonly ActivityEvent[]
  readonly isOver: boolean
}): JSX.Element {
  const nowMs = isOver ? 0 : now.value
  const entries = useMemo(() => timelineEntries(events, nowMs, isOver), [events, nowMs, isOver])
  const bars = useMemo(
    () => new Map(waterfall(entries, nowMs).map(bar => [bar.entry as TimelineEntry, bar])),
    [entries],
  )
  if (entries.length === 0) {
    return (
      <p class="muted">
        What happened is not known any more: outcomes are kept for a week, unless that is set otherwise.
      </p>
    )
  }
  return (
    <>
      <ol class="timeline">
        {entries.map((entry, at) => (
          <li key={at} class={`entry entry-${entry.kind}`}>
            <Entry entry={entry} bar={bars.get(entry)} />
          </li>
        ))}
      </ol>
      {[...bars.values()].some(({ isShortened }) => isShortened) && (
        <p class="muted">Bars with a torn edge are drawn shorter than they lasted.</p>
      )}
    </>
  )
}

function Entry({ entry, bar }: { readonly entry: TimelineEntry; readonly bar: Bar | undefined }): JSX.Element {
  if (entry.kind === 'event') {
    return (
      <span class="entry-label">
        {entry.type === 'cancel_requested' ? 'cancel was asked for' : entry.type} <Time atMs={entry.atMs} />
      </span>
    )
  }
  if (entry.kind === 'gap') {
    return (
      <>
        <span class="entry-label muted">
          {GAPS[entry.reason]}, {spanText(entry.durationMs)}
          {entry.untilMs === null && ' so far'}
        </span>
        {bar !== undefined && <BarView bar={bar} kind={`gap-${entry.reason}`} />}
      </>
    )
  }
  const { attempt, outcome, durationMs, worker, endedAtMs, error } = entry
  return (
    <>
      <span class="entry-label">
        <strong>attempt {attempt}</strong> <StatusBadge status={outcome} />
        {durationMs !== null && <span>{` ${outcome === 'running' ? 'for' : 'after'} ${spanText(durationMs)}`}</span>}
        {worker !== null && <span class="muted"> on {worker}</span>} {endedAtMs !== null && <Time atMs={endedAtMs} />}
      </span>
      {bar !== undefined && <BarView bar={bar} kind={`bar-${outcome}`} />}
      {error !== null && (
        <details class="entry-error">
          <summary>
            {error.name}: {error.message}
          </summary>
          <Failure error={error} />
        </details>
      )}
    </>
  )
}

function BarView({ bar, kind }: { readonly bar: Bar; readonly kind: string }): JSX.Element {
  const marks = `${bar.isShortened ? ' shortened' : ''}${bar.isOpen ? ' open' : ''}`
  return (
    <span class="lane-of-bar" aria-hidden="true">
      <span class={`bar ${kind}${marks}`} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} />
    </span>
  )
}
