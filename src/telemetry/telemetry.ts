// What Errand tells about itself: spans around an activity's life, and figures. A small interface of our own words, so that
// client and worker know no telemetry library; `otel.ts` speaks OpenTelemetry, the default here says nothing.

import type { Activity, Coordinates, TraceContext } from '../core/activity.ts'
import type { LogFields } from '../core/logger.ts'
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
  /**
   * The span of the attempt that this one belongs to. A `send` belongs to the caller's span all the same, and to this only where
   * there is none; a `process` has none, and belongs to its `send`.
   */
  readonly parent?: ActivitySpan | undefined
}

/** An error as spans and figures tell of it: a recorded failure, or one of Errand's own. */
export interface TracedError {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly stack?: string | undefined
}

/** How a span ended. */
export interface SpanEnd {
  /** One word, such as `created`, `completed`, `retrying`. */
  readonly outcome: string
  readonly coordinates?: Coordinates | undefined
  /** When the next attempt is due. Ms since the epoch. */
  readonly dueAtMs?: number | undefined
  /** Why what the span is about failed. */
  readonly error?: TracedError | undefined
  /** For `settle`: the failure that was written down, which is none of the settlement. */
  readonly failure?: TracedError | undefined
}

/** A span that was started and is ended once. */
export interface ActivitySpan {
  /** What others need to continue this trace; undefined when there is none. */
  readonly trace: TraceContext | undefined
  /** What a log line says to be found from this span: `traceId` and `spanId`; nothing when there is none. */
  readonly logFields: LogFields
  /** Calls with this span as the current one, and nothing else from the caller's context. */
  run<T>(call: () => T): T
  end(end: SpanEnd): void
}

/** Things that are counted, one by one. */
export type CounterName =
  | 'enqueued'
  | 'deduplicated'
  | 'sent'
  | 'consumed'
  | 'claimed'
  | 'settled'
  | 'lease_lost'
  | 'requeued'
  | 'overrun'
  | 'withheld'
  | 'backed_off'
  | 'rebalances'
  | 'rebuilds'

/**
 * Durations, in ms here. `wait`: due to start · `run`: handler · `total`: creation to end · `send`: an enqueue · `settle`: from a
 * handler's end until it is written down · `lateness`: due to ready · `side_store`: a script at Redis.
 */
export type DurationName = 'wait' | 'run' | 'total' | 'send' | 'settle' | 'lateness' | 'side_store'

/** What is shown as it stands. Those that end in `_age` are times, in ms here. */
export type GaugeName =
  | 'lane_pending'
  | 'lane_running'
  | 'lane_scheduled'
  | 'lane_dead_letters'
  | 'lane_oldest_pending_age'
  | 'frontier_hold'
  | 'frontier_hold_age'
  | 'slots_used'
  | 'slots_limit'

/** How one thing stands now. */
export interface GaugeReading {
  readonly name: GaugeName
  /** NaN: not known now. */
  readonly value: number
  readonly labels: FigureLabels
}

/** Asked whenever figures are collected. */
export type GaugeSource = () => readonly GaugeReading[] | Promise<readonly GaugeReading[]>

/** What figures are told apart by. Never an id. */
export interface FigureLabels {
  readonly type?: string
  readonly priority?: Priority
  readonly outcome?: string
  readonly isRetry?: boolean
  /** The name of a script of the side-store. */
  readonly script?: string
  /** Told as one of few words. */
  readonly error?: TracedError | undefined
}

/** Where spans and figures go. None of its methods throws. */
export interface Telemetry {
  startSpan(start: SpanStart): ActivitySpan
  count(name: CounterName, add: number, labels: FigureLabels): void
  duration(name: DurationName, ms: number, labels: FigureLabels): void
  /**
   * Shows what a source says whenever figures are collected, until the function given back is called. A source is asked once at
   * a time, and not at all while nobody collects; one that fails shows nothing, and `onFailed` hears of the first failure in a row.
   */
  observe(source: GaugeSource, onFailed?: (error: unknown) => void): () => void
  /** Calls without a current span and with tracing off: for Errand's own loops and writes. */
  quietly<T>(call: () => T): T
  /** The call, to be made from within a {@link quietly} as if it were made here. */
  bind<Given, T>(call: (given: Given) => T): (given: Given) => T
}

const noSpan: ActivitySpan = { trace: undefined, logFields: {}, run: call => call(), end: () => undefined }

/** Says nothing. */
export const silentTelemetry: Telemetry = {
  startSpan: () => noSpan,
  count: () => undefined,
  duration: () => undefined,
  observe: () => () => undefined,
  quietly: call => call(),
  bind: call => call,
}
