// Markers, results and counts out of outcomes: what a Redis that was emptied or rolled back is told. What is written is what
// the settlement left, with the rest of its life.

import type { OutcomeRecord } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import { LIMITS, REBUILD_LIMITS } from '../../core/limits.ts'
import { countField, endedCountsTtlMs } from './attempts.ts'
import { ENDED_BUCKET_MS } from './keys.ts'
import { errorResultText, resultText } from './markers.ts'
import type { Retention, SideStore } from './side-store.ts'
import { batches } from './side-store.ts'

/** What was written. */
export interface RestoredMarkers {
  readonly markers: number
  readonly results: number
}

/** Restores the markers that these outcomes, in the order of the log, tell of and Redis does not know. */
export async function restoreMarkers(store: SideStore, outcomes: readonly OutcomeRecord[]): Promise<RestoredMarkers> {
  const { keys } = store
  let markers = 0
  let results = 0
  for (const batch of batches(outcomes, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'restore',
      [
        keys.leases,
        keys.runningCounts,
        ...batch.flatMap(outcome => [keys.marker(outcome.id), keys.endedCounts(outcome.endedAtMs)]),
      ],
      batch.flatMap(outcome => fieldsOf(store, outcome)),
    )
    markers += Number(reply[0])
    results += Number(reply[1])
  }
  return { markers, results }
}

function fieldsOf(store: SideStore, outcome: OutcomeRecord): (string | number)[] {
  const { status, next } = standingOf(outcome)
  const result = resultOf(outcome)
  return [
    outcome.id,
    outcome.leaseId ?? '',
    status,
    next,
    outcome.outcome,
    outcome.attempt,
    outcome.endedAtMs,
    outcome.outcome === 'retrying' ? (outcome.nextAttemptAtMs ?? '') : '',
    outcome.startedAtMs ?? '',
    outcome.worker ?? '',
    countField(outcome),
    outcome.error === null ? '' : JSON.stringify(outcome.error),
    result ?? '',
    outcome.key?.key ?? '',
    expiryMs(store, outcome, result !== null),
    isTerminal(outcome.outcome) ? outcome.endedAtMs + endedCountsTtlMs(store) : '',
    store.keys.channel(outcome.id),
    cancelledWhen(outcome) ?? '',
    outcome.error?.message ?? '',
  ]
}

/** False when nothing of it would be restored any more: its life is over, and nobody waits to be told that it was cancelled. */
export function isRemembered(store: SideStore, outcome: OutcomeRecord): boolean {
  return expiryMs(store, outcome, resultOf(outcome) !== null) > store.clock.nowMs()
}

function expiryMs(store: SideStore, outcome: OutcomeRecord, hasResult: boolean): number {
  const expiresAtMs = outcome.endedAtMs + lifeMs(outcome, store.retention, hasResult)
  // Its lane record may wait for longer than that. It must not run before a rebuild comes to that record.
  if (cancelledWhen(outcome) !== 'waited') return expiresAtMs
  return Math.max(expiresAtMs, store.clock.nowMs() + REBUILD_LIMITS.keptMs)
}

/** How long `settle.lua` or `cancel.lua` lets the marker live from the attempt's end on. */
function lifeMs(outcome: OutcomeRecord, retention: Retention, hasResult: boolean): number {
  const { outcome: ended, endedAtMs, nextAttemptAtMs } = outcome
  const delayMs = ended === 'retrying' ? Math.max(0, (nextAttemptAtMs ?? endedAtMs) - endedAtMs) : 0
  return Math.max(
    retention.markerMs + delayMs,
    hasResult ? retention.resultMs : 0,
    outcome.key === null ? 0 : retention.keyMs,
  )
}

/** The longest that a marker without a delayed retry lives, or its counts: outcomes older than this tell of no more of them. */
export function longestLifeMs(store: SideStore): number {
  const { markerMs, resultMs, keyMs } = store.retention
  return Math.max(markerMs, resultMs, keyMs, endedCountsTtlMs(store)) + ENDED_BUCKET_MS
}

/** `waited`: in a lane, whose record may still be there · `scheduled`: in the schedule, which it was taken out of. */
function cancelledWhen(outcome: OutcomeRecord): 'ran' | 'waited' | 'scheduled' | null {
  if (outcome.outcome !== 'cancelled') return null
  if (outcome.startedAtMs !== null) return 'ran'
  return outcome.scheduledAtMs !== null && outcome.scheduledAtMs > outcome.endedAtMs ? 'scheduled' : 'waited'
}

function standingOf({ outcome, attempt }: OutcomeRecord): { readonly status: string; readonly next: number } {
  if (outcome === 'retrying') return { status: 'scheduled', next: attempt + 1 }
  if (outcome === 'lease_expired') return { status: 'pending', next: attempt + 1 }
  return { status: outcome, next: attempt }
}

function resultOf(outcome: OutcomeRecord): string | null {
  if (outcome.outcome === 'completed') return resultText({ state: 'ok', dataJson: outcome.resultJson ?? 'null' })
  if (outcome.error === null) return null
  // One that was cancelled before its attempt began has made only those that failed.
  const attempts = outcome.startedAtMs === null ? outcome.retryCount : outcome.attempt
  return errorResultText({ outcome: outcome.outcome, failure: outcome.error, attempts })
}
