// What Errand tells about itself: spans around an activity's life, and figures. A small interface of our own words, so that
// client and worker know no telemetry library; `otel.ts` speaks OpenTelemetry, the default here says nothing.

import type { Activity, Coordinates, TraceContext } from '../core/activity.ts'
import type { Priority } from '../core/priority.ts'

/** `send`: an enqueue · `process`: one run of a handler · `settle`: writing how it ended · `dead-letter`: its last end. */
export type SpanKind = 'send' | 'process' | 'settle' | 'dead-letter'

/** What a span is about. */
export interface SpanStart {
  readonly kind: SpanKind
  readonly activity: Activity
  readonly coordinates?: Coordinates | undefined
  /** For `process`: from creation to start. Unit: ms. */
  readonly waitMs?: number | undefined
  readonly workerId?: string | undefined
  /** The span that this one belongs to; without it a `send` belongs to the caller's, a `process` to its `send`. */
  readonly parent?: ActivitySpan | undefined
}

/** How a span ended. */
export interface SpanEnd {
  /** One word, such as `created`, `completed`, `retrying`. */
  readonly outcome: string
  readonly coordinates?: Coordinates | undefined
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string | undefined } | undefined
}

/** A span that was started and is ended once. */
export interface ActivitySpan {
  /** What others need to continue this trace; undefined when there is none. */
  readonly trace: TraceContext | undefined
  /** Calls with this span as the current one, and nothing else from the caller's context. */
  run<T>(call: () => T): T
  end(end: SpanEnd): void
}

/** Things that are counted, one by one. */
export type CounterName =
  | 'enqueued'
  | 'deduplicated'
  | 'claimed'
  | 'settled'
  | 'lease_lost'
  | 'requeued'
  | 'overrun'
  | 'withheld'
  | 'backed_off'

/** Durations, in ms here. `wait`: due to start · `run`: handler · `total`: creation to end · `send`: an enqueue. */
export type DurationName = 'wait' | 'run' | 'total' | 'send'

/** What figures are told apart by. Never an id. */
export interface FigureLabels {
  readonly type?: string
  readonly priority?: Priority
  readonly outcome?: string
  readonly isRetry?: boolean
}

/** Where spans and figures go. None of its methods throws. */
export interface Telemetry {
  startSpan(start: SpanStart): ActivitySpan
  count(name: CounterName, add: number, labels: FigureLabels): void
  duration(name: DurationName, ms: number, labels: FigureLabels): void
  /** Calls without a current span and with tracing off: for Errand's own loops and writes. */
  quietly<T>(call: () => T): T
}

const noSpan: ActivitySpan = { trace: undefined, run: call => call(), end: () => undefined }

/** Says nothing. */
export const silentTelemetry: Telemetry = {
  startSpan: () => noSpan,
  count: () => undefined,
  duration: () => undefined,
  quietly: call => call(),
}
