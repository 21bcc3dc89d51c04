// Where the bars of a waterfall stand: all attempts and what lies between them on one scale. A gap that is long beside the work
// is drawn shorter, and says so: an hour of delay would leave nothing to see of a run of 40 ms. Pure.

import type { TimelineEntry } from '../../client/timeline.ts'

/** A bar. Places are percent of the width. */
export interface Bar {
  readonly entry: Extract<TimelineEntry, { readonly kind: 'attempt' | 'gap' }>
  readonly left: number
  readonly width: number
  /** It lasted longer than it is drawn. */
  readonly isShortened: boolean
  /** It is not over. */
  readonly isOpen: boolean
}

/** A gap is drawn at most so many times as long as all attempts together. */
const GAP_PER_WORK_MAX = 1.5
/** Seen, however short it was. */
const WIDTH_MIN = 0.6

interface Span {
  readonly entry: Bar['entry']
  readonly fromMs: number
  readonly untilMs: number
}

/** The bars of a timeline, in its order, as it stands at `nowMs`. */
export function waterfall(entries: readonly TimelineEntry[], nowMs: number): Bar[] {
  const spans = entries.flatMap(entry => spanOf(entry, nowMs))
  const workMs = spans.reduce(
    (sum, { entry, fromMs, untilMs }) => (entry.kind === 'attempt' ? sum + untilMs - fromMs : sum),
    0,
  )
  const drawnMsMax = workMs === 0 ? Number.POSITIVE_INFINITY : workMs * GAP_PER_WORK_MAX
  const cuts = spans.flatMap(span =>
    span.entry.kind === 'gap' && span.untilMs - span.fromMs > drawnMsMax
      ? [{ fromMs: span.fromMs + drawnMsMax, untilMs: span.untilMs }]
      : [],
  )
  const drawn = (atMs: number): number =>
    atMs - cuts.reduce((sum, cut) => sum + Math.max(0, Math.min(atMs, cut.untilMs) - cut.fromMs), 0)
  const startMs = Math.min(...spans.map(({ fromMs }) => drawn(fromMs)))
  const lengthMs = Math.max(1, Math.max(...spans.map(({ untilMs }) => drawn(untilMs))) - startMs)
  return spans.map(({ entry, fromMs, untilMs }) => {
    const left = ((drawn(fromMs) - startMs) / lengthMs) * 100
    const width = Math.max(WIDTH_MIN, ((drawn(untilMs) - drawn(fromMs)) / lengthMs) * 100)
    return {
      ...{
        entry,
        left: Math.min(left, 100 - WIDTH_MIN),
        width: Math.min(width, 100 - Math.min(left, 100 - WIDTH_MIN)),
      },
      isShortened: entry.kind === 'gap' && untilMs - fromMs > drawnMsMax,
      isOpen: entry.kind === 'gap' ? entry.untilMs === null : entry.outcome === 'running',
    }
  })
}

/** An attempt whose start is not recorded ends where it ended, and has no length. */
function spanOf(entry: TimelineEntry, nowMs: number): Span[] {
  if (entry.kind === 'event') return []
  if (entry.kind === 'gap')
    return [{ entry, fromMs: entry.fromMs, untilMs: Math.max(entry.fromMs, entry.untilMs ?? nowMs) }]
  // How it ended may not be recorded: then it lasted until the next began.
  const lastedMs = entry.outcome === 'running' ? null : entry.durationMs
  const endMs = entry.endedAtMs ?? (entry.startedAtMs ?? 0) + (lastedMs ?? nowMs - (entry.startedAtMs ?? 0))
  const fromMs = entry.startedAtMs ?? endMs
  return [{ entry, fromMs, untilMs: Math.max(fromMs, endMs) }]
}
