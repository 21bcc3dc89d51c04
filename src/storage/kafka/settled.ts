// What Redis decided, read back from a marker: for those who publish it again.

import type { Activity, Coordinates } from '../../core/activity.ts'
import type { Marker } from '../redis/markers.ts'
import type { Settlement } from './publisher.ts'

/** What Redis decided about the attempt of a record that stands at `source`, when it is the latest that it decided. */
export function settlementOf(activity: Activity, source: Coordinates | null, marker: Marker | null): Settlement | null {
  const settled = marker?.settled
  if (marker === null || settled === null || settled === undefined) return null
  // A later attempt exists only once everything about this one was published. An expired lease is published first.
  if (settled.attempt !== activity.attempt || settled.outcome === 'lease_expired') return null
  return {
    activity,
    outcome: settled.outcome,
    leaseId: settled.leaseId,
    worker: marker.worker,
    startedAtMs: marker.startedAtMs,
    endedAtMs: settled.endedAtMs,
    dueAtMs: settled.dueAtMs,
    error: settled.outcome === 'completed' ? null : marker.error,
    resultJson: marker.result?.state === 'ok' ? marker.result.dataJson : null,
    source,
    traceparent: settled.traceparent,
  }
}
