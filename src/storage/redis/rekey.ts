// Idempotency keys out of activities that the log has. The key of several stands for the one that was made last, by
// `created_at`, then by id: nearly the order in which they were reserved, which the log does not tell.

import type { Activity, OutcomeRecord } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import { LIMITS } from '../../core/limits.ts'
import { countField } from './attempts.ts'
import type { SideStore } from './side-store.ts'
import { batches } from './side-store.ts'

/** What the log knows of an activity, as far as keys and cancelled ones that wait need it. */
export interface KnownActivity {
  readonly activity: Pick<Activity, 'id' | 'type' | 'priority' | 'attempt' | 'createdAtMs' | 'scheduledAtMs' | 'key'>
  /** How it ended, where an outcome says so. */
  readonly ended: 'succeeded' | 'unsuccessful' | null
  /** Its lane record, if one is known: `waits` for whoever has not seen it · `unfinished`: waits, or was seen lately. */
  readonly laneRecord: 'waits' | 'unfinished' | null
}

/** What was written. */
export interface RestoredKeys {
  readonly keys: number
  /** Cancelled, with a lane record that nobody has looked at: kept from running until somebody does. */
  readonly unseen: number
  /** Of the `unfinished`: ids of those that were cancelled, which are to be looked at again. */
  readonly undecided: ReadonlySet<string>
}

const LANE_RECORD = { waits: '1', unfinished: '?' } as const

/** Clocks that make ids differ by less, else their machines have other troubles. */
const CLOCKS_DIFFER_MS_MAX = 60_000

/** What an outcome tells of its activity. */
export function knownFrom(outcome: OutcomeRecord): KnownActivity {
  const ended = outcome.outcome === 'completed' ? 'succeeded' : 'unsuccessful'
  return { activity: outcome, ended: isTerminal(outcome.outcome) ? ended : null, laneRecord: null }
}

/** Restores what Redis does not know of these activities' keys, and which of them were cancelled while they wait. */
export async function restoreKeys(store: SideStore, known: readonly KnownActivity[]): Promise<RestoredKeys> {
  let keys = 0
  let unseen = 0
  const undecided = new Set<string>()
  for (const batch of batches(known, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'rekey',
      [store.keys.unseenCounts, ...batch.flatMap(({ activity }) => keysOf(store, activity))],
      [
        CLOCKS_DIFFER_MS_MAX,
        ...batch.flatMap(({ activity, ended, laneRecord }) => [
          activity.id,
          activity.createdAtMs,
          expiryMs(store, activity),
          ended ?? '',
          countField(activity),
          laneRecord === null ? '' : LANE_RECORD[laneRecord],
        ]),
      ],
    )
    const [written, waiting, ...ids] = reply
    keys += Number(written)
    unseen += Number(waiting)
    for (const id of ids) undecided.add(id)
  }
  return { keys, unseen, undecided }
}

function keysOf(store: SideStore, { id, type, key }: KnownActivity['activity']): string[] {
  const marker = store.keys.marker(id)
  return [marker, key === null ? marker : store.keys.keyEntry(type, key.key)]
}

/** As `reserve` decides it. A later attempt no longer tells when the first one was due; that one's outcome does. */
function expiryMs(store: SideStore, { attempt, createdAtMs, scheduledAtMs }: KnownActivity['activity']): number {
  const dueAtMs = attempt === 1 ? (scheduledAtMs ?? createdAtMs) : createdAtMs
  return Math.max(createdAtMs, dueAtMs) + store.retention.keyMs
}
