// Markers out of outcomes: what a Redis that was emptied or rolled back is told before anything is claimed again.

import type { OutcomeRecord } from '../../core/activity.ts'
import { LIMITS } from '../../core/limits.ts'
import { countField } from './attempts.ts'
import { errorResultText, resultText } from './markers.ts'
import type { SideStore } from './side-store.ts'
import { batches } from './side-store.ts'

/** Restores the markers that these outcomes (the latest of each activity) tell of. Gives the number written. */
export async function restoreMarkers(store: SideStore, outcomes: readonly OutcomeRecord[]): Promise<number> {
  let written = 0
  for (const batch of batches(outcomes, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'restore',
      [store.keys.leases, store.keys.runningCounts, ...batch.map(outcome => store.keys.marker(outcome.id))],
      [store.retention.markerMs, store.retention.resultMs, ...batch.flatMap(fieldsOf)],
    )
    written += Number(reply)
  }
  return written
}

function fieldsOf(outcome: OutcomeRecord): (string | number)[] {
  const { status, next } = standingOf(outcome)
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
    resultOf(outcome),
  ]
}

function standingOf({ outcome, attempt }: OutcomeRecord): { readonly status: string; readonly next: number } {
  if (outcome === 'retrying') return { status: 'scheduled', next: attempt + 1 }
  if (outcome === 'lease_expired') return { status: 'pending', next: attempt + 1 }
  return { status: outcome, next: attempt }
}

function resultOf(outcome: OutcomeRecord): string {
  if (outcome.outcome === 'completed') return resultText({ state: 'ok', dataJson: outcome.resultJson ?? 'null' })
  if (outcome.error === null) return ''
  const { endedAtMs: failedAtMs, attempt: attempts, error: failure } = outcome
  return errorResultText({ outcome: outcome.outcome, failure, failedAtMs, attempts }) ?? ''
}
