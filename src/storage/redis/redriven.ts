// What ended activities were redriven as, out of the activities that say whom they redrive.

import { LIMITS } from '../../core/limits.ts'
import { REDRIVEN_MS } from './markers.ts'
import type { SideStore } from './side-store.ts'
import { batches } from './side-store.ts'

/** An activity that redrives another. */
export interface Redrive {
  readonly id: string
  readonly redriveOf: string
  readonly createdAtMs: number
}

/** Restores what Redis does not know of these. Gives the number written. */
export async function restoreRedrives(store: SideStore, redrives: readonly Redrive[]): Promise<number> {
  let written = 0
  for (const batch of batches(redrives, LIMITS.scriptBatchMax)) {
    const reply: unknown = await store.main.run(
      'redriven',
      batch.map(({ redriveOf }) => store.keys.marker(redriveOf)),
      batch.flatMap(({ id, createdAtMs }) => [id, createdAtMs + REDRIVEN_MS]),
    )
    written += Number(reply)
  }
  return written
}

/** Those that redrive another. */
export function redrivesAmong(
  activities: readonly { readonly id: string; readonly redriveOf: string | null; readonly createdAtMs: number }[],
): Redrive[] {
  return activities.flatMap(({ id, redriveOf, createdAtMs }) =>
    redriveOf === null ? [] : [{ id, redriveOf, createdAtMs }],
  )
}
