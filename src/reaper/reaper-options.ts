// What a Reaper is made from.

import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { silentLogger } from '../core/logger.ts'
import { OptionCheck } from '../core/option-check.ts'
import { describe } from '../core/text.ts'
import type { Storage, TakenBack } from '../storage/storage.ts'
import { otelTelemetry } from '../telemetry/otel.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'

/** A killed worker's attempts wait at most this much longer than their lease. */
export const DEFAULT_REAP_INTERVAL_MS = 1_000
/** Activities in one round. */
export const DEFAULT_REAP_BATCH = 100
/** A due activity is noticed at most this late when it was scheduled elsewhere. */
export const DEFAULT_SCHEDULE_INTERVAL_MS = 250
/** How often lanes are trimmed. */
export const DEFAULT_TRIM_INTERVAL_MS = 60_000
/** How often the due-time index is compared with its log. */
export const DEFAULT_SWEEP_INTERVAL_MS = 600_000
/** How long figures of lanes hold. */
export const DEFAULT_FIGURES_INTERVAL_MS = 15_000

/** How a Reaper works. */
export interface ReaperTuning {
  /**
   * Pause between two rounds. Unit: ms. Range: 10 to 600,000. @defaultValue 1_000
   * Too low: idle load on the storage. Too high: attempts of a killed worker wait that much longer.
   */
  readonly intervalMs?: number
  /** Activities in one round of each chore. Range: 1 to 1,000. @defaultValue 100 */
  readonly batch?: number
  /** Longest pause between two looks at the schedule. Unit: ms. Range: 10 to 600,000. @defaultValue 250 */
  readonly scheduleIntervalMs?: number
  /** Unit: ms. Range: 1,000 to a day. @defaultValue 60_000 */
  readonly trimIntervalMs?: number
  /** Unit: ms. Range: 1,000 to a day. @defaultValue 600_000 */
  readonly sweepIntervalMs?: number
  /**
   * Shows how lanes stand as gauges, wherever figures are collected: the storage is asked at most once in `intervalMs`, and not at
   * all while nobody collects. Every reaper of a namespace shows the same: take the highest. Unit: ms. Range: 1,000 to 600,000.
   * @defaultValue every 15_000
   * Too low: load on Kafka and Redis by collecting. Too high: gauges that are old.
   */
  readonly figures?: boolean | { readonly intervalMs?: number }
}

/** An activity that ended as a dead letter because a lease expired. */
export type ReapedDeadLetter = Pick<TakenBack, 'activity' | 'error'>

/** Told of dead letters that a reaper made. What it throws is logged. */
export type ReapedDeadLetterListener = (letter: ReapedDeadLetter) => void | Promise<void>

/** Options of a Reaper; only the storage is needed. */
export interface ReaperOptions extends ReaperTuning {
  /** Whoever opened it closes it. */
  readonly storage: Storage
  /** @defaultValue the system's */
  readonly clock?: Clock
  /** @defaultValue says nothing */
  readonly logger?: Logger
  /** @defaultValue OpenTelemetry, which is silent unless an SDK is registered */
  readonly telemetry?: Telemetry
  /**
   * Told of each activity that this reaper dead-lettered, because a lease expired and no attempt was left. Best effort: one that
   * dies in between tells nobody, and one that continues its work tells it again.
   */
  readonly onDeadLetter?: ReapedDeadLetterListener
}

/** Options, complete and in range. */
export interface ResolvedReaperOptions extends Readonly<Required<Omit<ReaperOptions, 'figures' | 'onDeadLetter'>>> {
  /** Undefined: none are shown. */
  readonly figuresIntervalMs: number | undefined
  readonly onDeadLetter: ReapedDeadLetterListener | undefined
}

const INTERVAL_MS_MIN = 10
const INTERVAL_MS_MAX = 600_000
const DAY_MS = 24 * 3_600_000
const KNOWN = [
  'storage',
  'clock',
  'logger',
  'telemetry',
  'intervalMs',
  'batch',
  'scheduleIntervalMs',
  'trimIntervalMs',
  'sweepIntervalMs',
  'figures',
  'onDeadLetter',
]

/** Completes and checks options. Throws `invalid_argument` naming every bad one. */
export function resolveReaperOptions(options: ReaperOptions): ResolvedReaperOptions {
  const check = new OptionCheck('ReaperOptions', options, KNOWN)
  const interval = (name: string, value: number): number => check.integer(name, value, INTERVAL_MS_MIN, INTERVAL_MS_MAX)
  const rare = (name: string, value: number): number => check.integer(name, value, 1_000, DAY_MS)
  if (typeof options.storage?.requeueExpired !== 'function') check.add('storage must be a storage.', 'storage')
  const resolved = {
    storage: options.storage,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    telemetry: options.telemetry ?? otelTelemetry(),
    intervalMs: interval('intervalMs', options.intervalMs ?? DEFAULT_REAP_INTERVAL_MS),
    batch: check.integer('batch', options.batch ?? DEFAULT_REAP_BATCH, 1, LIMITS.housekeepingBatchMax),
    scheduleIntervalMs: interval('scheduleIntervalMs', options.scheduleIntervalMs ?? DEFAULT_SCHEDULE_INTERVAL_MS),
    trimIntervalMs: rare('trimIntervalMs', options.trimIntervalMs ?? DEFAULT_TRIM_INTERVAL_MS),
    sweepIntervalMs: rare('sweepIntervalMs', options.sweepIntervalMs ?? DEFAULT_SWEEP_INTERVAL_MS),
    figuresIntervalMs: resolveFigures(check, options.figures),
    onDeadLetter: options.onDeadLetter,
  }
  check.throwIfAny()
  return resolved
}

function resolveFigures(check: OptionCheck, figures: ReaperTuning['figures'] = true): number | undefined {
  if (figures === false) return undefined
  if (typeof figures !== 'boolean' && (typeof figures !== 'object' || figures === null)) {
    check.add(`figures is ${describe(figures)}; it must be true, false, or { intervalMs }.`, 'figures')
    return undefined
  }
  const intervalMs = figures === true ? undefined : figures.intervalMs
  return check.integer('figures.intervalMs', intervalMs ?? DEFAULT_FIGURES_INTERVAL_MS, 1_000, INTERVAL_MS_MAX)
}
