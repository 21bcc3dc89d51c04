// What a Worker is made from.

import { hostname } from 'node:os'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import type { IdSource } from '../core/ids.ts'
import { LIMITS, WORKER_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { silentLogger } from '../core/logger.ts'
import { OptionCheck } from '../core/option-check.ts'
import { checkText, clipUtf8, describe } from '../core/text.ts'
import type { ReaperTuning } from '../reaper/reaper-options.ts'
import type { Storage } from '../storage/storage.ts'
import { otelTelemetry } from '../telemetry/otel.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { DeadLetterBudgetOptions, ResolvedDeadLetterBudget } from './dead-letter-budget-options.ts'
import { resolveDeadLetterBudget } from './dead-letter-budget-options.ts'
import type { DeadLetterListener } from './registry.ts'

/** Handlers that run at once. */
export const DEFAULT_CONCURRENCY = 50
/** A dead worker is noticed after this. */
export const DEFAULT_LEASE_MS = 15_000
/** Shorter than Kubernetes' 30 s, so that what is left can still be given back. */
export const DEFAULT_GRACE_MS = 25_000
/** How long a claim waits before it is asked for again. */
export const DEFAULT_POLL_MS = 10_000

/** Options of a Worker; only the storage is needed. */
export interface WorkerOptions {
  /** Where activities come from. Whoever opened it closes it, after the worker has stopped. */
  readonly storage: Storage
  /**
   * Handlers that run at once. Range: 1 to 1,000. @defaultValue 50
   * Too low: activities wait while the process idles. Too high: handlers wait for each other, and more is given back at a stop.
   */
  readonly concurrency?: number
  /**
   * Length of a lease, renewed at a third of it. A worker that dies is noticed after this plus one reap interval.
   * Unit: ms. Range: 1,000 to a day. @defaultValue 15_000
   * Too low: a pause of the event loop loses live leases and attempts run twice. Too high: a killed worker's attempts wait that long.
   */
  readonly leaseMs?: number
  /**
   * How long `stop` waits for running handlers before it gives their attempts back. Unit: ms. Range: 0 to a day.
   * @defaultValue 25_000
   */
  readonly graceMs?: number
  /** How long one claim waits for something to become ready. Unit: ms. Range: 10 to a day. @defaultValue 10_000 */
  readonly pollMs?: number
  /** A label for people: at most 256 bytes. @defaultValue host, process id and a random part */
  readonly workerId?: string
  /** The embedded reaper: its settings, or false for none (some other process must run one). @defaultValue true */
  readonly reaper?: boolean | ReaperTuning
  /**
   * Told when an attempt that ran here was the last of its activity, and when the embedded reaper dead-letters an activity, of any
   * type, whose lease expired. What it throws is logged.
   */
  readonly onDeadLetter?: DeadLetterListener
  /**
   * How many dead letters each type may make here before it slows down, or false for as many as come.
   * @defaultValue 20 at once, one more for ten successes and for each minute
   *
   * While a type fails 20 times in a row, claims of it pause for a second, then twice as long each time, up to a minute;
   * after each pause one attempt probes. Once a probe succeeds the type works its way up again. An activity whose attempts are
   * used up meanwhile is withheld: it counts as running until a credit is there for its dead letter, and when the type
   * recovers, or this worker stops, it is given back and runs once more (not where one attempt was asked for). What this
   * worker does not run, such as the expired leases of a worker that died, is dead-lettered as ever.
   */
  readonly deadLetterBudget?: DeadLetterBudgetOptions | false
  /** @defaultValue the system's */
  readonly clock?: Clock
  /** Where the ids of nested enqueues come from. @defaultValue UUIDv7s */
  readonly ids?: IdSource
  /** @defaultValue says nothing */
  readonly logger?: Logger
  /** @defaultValue OpenTelemetry, which is silent unless an SDK is registered */
  readonly telemetry?: Telemetry
}

/** Options, complete and in range. */
export interface ResolvedWorkerOptions extends Readonly<
  Required<Omit<WorkerOptions, 'reaper' | 'onDeadLetter' | 'deadLetterBudget' | 'ids'>>
> {
  /** Undefined: none. */
  readonly reaper: ReaperTuning | undefined
  readonly onDeadLetter: DeadLetterListener | undefined
  /** Undefined: none is kept. */
  readonly deadLetterBudget: ResolvedDeadLetterBudget | undefined
  readonly ids: IdSource | undefined
}

const KNOWN = [
  'storage',
  'concurrency',
  'leaseMs',
  'graceMs',
  'pollMs',
  'workerId',
  'reaper',
  'onDeadLetter',
  'deadLetterBudget',
  'clock',
  'ids',
  'logger',
  'telemetry',
]
const LEASE_MS_MIN = 1_000

/** Completes and checks options. Throws `invalid_argument` naming every bad one. */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const check = new OptionCheck('WorkerOptions', options, KNOWN)
  if (typeof options.storage?.dequeue !== 'function') check.add('storage must be a storage.', 'storage')
  const { reaper = true } = options
  if (typeof reaper !== 'boolean' && (typeof reaper !== 'object' || reaper === null)) {
    check.add(`reaper is ${describe(reaper)}; it must be true, false, or its settings.`, 'reaper')
  }
  const workerId = options.workerId ?? defaultWorkerId()
  const resolved = {
    storage: options.storage,
    concurrency: check.integer(
      'concurrency',
      options.concurrency ?? DEFAULT_CONCURRENCY,
      1,
      WORKER_LIMITS.concurrencyMax,
    ),
    leaseMs: check.integer('leaseMs', options.leaseMs ?? DEFAULT_LEASE_MS, LEASE_MS_MIN, LIMITS.leaseMsMax),
    graceMs: check.integer('graceMs', options.graceMs ?? DEFAULT_GRACE_MS, 0, LIMITS.waitMsMax),
    pollMs: check.integer('pollMs', options.pollMs ?? DEFAULT_POLL_MS, 10, LIMITS.waitMsMax),
    workerId: check.value('', () => checkText('workerId', workerId, LIMITS.workerIdBytesMax)),
    reaper: reaper === false ? undefined : reaper === true ? {} : reaper,
    onDeadLetter: options.onDeadLetter,
    deadLetterBudget: resolveDeadLetterBudget(check, options.deadLetterBudget),
    clock: options.clock ?? systemClock,
    ids: options.ids,
    logger: options.logger ?? silentLogger,
    telemetry: options.telemetry ?? otelTelemetry(),
  }
  check.throwIfAny()
  return resolved
}

function defaultWorkerId(): string {
  const random = Math.trunc(Math.random() * 2 ** 32).toString(36)
  return `${clipUtf8(hostname(), 200)}-${process.pid}-${random}`
}
