// Outcomes, told to Redis as the log has them: markers with results and counts, keys, redrives. Each compares and sets, so
// that the order in which partitions are read does not matter, and twice is once.

import type { OutcomeRecord } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import { decodeOutcome } from '../../wire/outcome-record.ts'
import { redrivesAmong, restoreRedrives } from '../redis/redriven.ts'
import { knownFrom, restoreKeys } from '../redis/rekey.ts'
import { restoreMarkers } from '../redis/restore.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { LogPage } from './log-pages.ts'

/** What was written. */
export interface Replayed {
  readonly markers: number
  readonly results: number
  readonly keys: number
  readonly redriven: number
}

/** Tells Redis what these outcomes, in the order of the log, say and it does not know. */
export async function replayOutcomes(store: SideStore, outcomes: readonly OutcomeRecord[]): Promise<Replayed> {
  const { markers, results } = await crossing('restore.markers', () => restoreMarkers(store, outcomes))
  // After the markers, which say how a key's activity stands.
  const keyed = outcomes.filter(({ key }) => key !== null)
  const { keys } = await crossing('restore.keys', () => restoreKeys(store, keyed.map(knownFrom)))
  const redriven = await crossing('restore.redriven', () => restoreRedrives(store, redrivesAmong(outcomes)))
  return { markers, results, keys, redriven }
}

/** The outcomes of a page. What is none of ours tells nothing about any activity. */
export function outcomesOf({ records }: LogPage): { readonly outcomes: OutcomeRecord[]; readonly unreadable: number } {
  const outcomes = records.flatMap(({ value }) => tryDecode(value))
  return { outcomes, unreadable: records.length - outcomes.length }
}

function tryDecode(value: Uint8Array | null): OutcomeRecord[] {
  try {
    return value === null ? [] : [decodeOutcome(value)]
  } catch {
    return [] // counted by the caller
  }
}
