// What a memory storage can be told.

import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { ErrandError } from '../../core/errors.ts'
import type { IdSource } from '../../core/ids.ts'
import { uuidv7Source } from '../../core/ids.ts'
import { checkNamespace } from '../../core/names.ts'
import { checkInteger } from '../../core/text.ts'

/** What has ended is remembered for an hour. */
export const DEFAULT_MARKER_TTL_MS = 3_600_000
/** Results are kept for a day. */
export const DEFAULT_RESULT_TTL_MS = 24 * 3_600_000
/** Idempotency keys are kept for a day. */
export const DEFAULT_KEY_TTL_MS = 24 * 3_600_000
/** Ended activities that are remembered at most. */
export const DEFAULT_ENDED_ACTIVITIES_MAX = 200_000

const TTL_MS_MAX = 366 * 24 * 3_600_000

/** Options of a {@link MemoryStorage}; all have defaults. */
export interface MemoryStorageOptions {
  /** Decides leases, due times and what is forgotten; a manual clock makes the storage steppable. @defaultValue the system's clock */
  readonly clock?: Clock
  /** A label: `^[a-z0-9][a-z0-9-]{0,31}$`. @defaultValue 'memory' */
  readonly namespace?: string
  /** Where lease ids and the ids of redriven activities come from. @defaultValue UUIDv7s by the clock */
  readonly ids?: IdSource
  /** How long results are readable. Unit: ms. Range: 1,000 to a year. @defaultValue 86_400_000 */
  readonly resultTtlMs?: number
  /** How long what has ended is remembered at least. Unit: ms. Range: 1,000 to a year. @defaultValue 3_600_000 */
  readonly markerTtlMs?: number
  /** How long a key stands for its activity, at least while that has not ended. Unit: ms. Range: 1,000 to a year. @defaultValue 86_400_000 */
  readonly keyTtlMs?: number
  /**
   * Ended activities that are remembered at most; beyond it the oldest are forgotten before their time, results included.
   * Range: 1 to 10,000,000. @defaultValue 200_000
   */
  readonly endedActivitiesMax?: number
}

/** Options, complete and in range. */
export type ResolvedMemoryStorageOptions = Required<MemoryStorageOptions>

const KNOWN: ReadonlySet<string> = new Set<keyof MemoryStorageOptions>([
  'clock',
  'namespace',
  'ids',
  'resultTtlMs',
  'markerTtlMs',
  'keyTtlMs',
  'endedActivitiesMax',
])

/** Completes and checks options. Throws `invalid_argument` naming the option. */
export function resolveMemoryStorageOptions(options: MemoryStorageOptions = {}): ResolvedMemoryStorageOptions {
  const unknown = Object.keys(options).filter(name => !KNOWN.has(name))
  if (unknown.length > 0) {
    throw new ErrandError(
      'invalid_argument',
      `unknown option ${unknown.join(', ')}; known are ${[...KNOWN].join(', ')}.`,
      {
        details: { field: unknown[0] },
      },
    )
  }
  const clock = options.clock ?? systemClock
  const randomBytes = (into: Uint8Array): Uint8Array => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>)
  return {
    clock,
    namespace: checkNamespace(options.namespace ?? 'memory'),
    ids: options.ids ?? uuidv7Source({ nowMs: () => clock.nowMs(), randomBytes }),
    resultTtlMs: checkTtl('resultTtlMs', options.resultTtlMs ?? DEFAULT_RESULT_TTL_MS),
    markerTtlMs: checkTtl('markerTtlMs', options.markerTtlMs ?? DEFAULT_MARKER_TTL_MS),
    keyTtlMs: checkTtl('keyTtlMs', options.keyTtlMs ?? DEFAULT_KEY_TTL_MS),
    endedActivitiesMax: checkInteger(
      'endedActivitiesMax',
      options.endedActivitiesMax ?? DEFAULT_ENDED_ACTIVITIES_MAX,
      1,
      10_000_000,
    ),
  }
}

function checkTtl(field: string, value: number): number {
  return checkInteger(field, value, 1_000, TTL_MS_MAX)
}
