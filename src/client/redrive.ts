// A redrive, with its span: it belongs to whoever asks for it, and leads to how the original ended and to its enqueue. The
// storage finds the original, so the span starts when it has, and not at all when there is nothing to send.

import type { Activity, TraceContext } from '../core/activity.ts'
import { fromUnknown } from '../core/errors.ts'
import { jsonTextOf } from '../core/json-text.ts'
import { LIMITS } from '../core/limits.ts'
import { checkText } from '../core/text.ts'
import type { RedriveParams } from '../storage/storage.ts'
import type { ActivitySpan } from '../telemetry/telemetry.ts'
import type { ResolvedClientOptions } from './client-options.ts'

interface Sending {
  readonly activity: Activity
  readonly span: ActivitySpan
  readonly startedMs: number
}

/** What a redrive may say. */
export interface RedriveOptions {
  /** Why, for people: at most 1 KiB. */
  readonly reason?: string | undefined
  /** Another payload. `newId`: of the new activity; with the same one, asking again changes nothing. @defaultValue a new UUIDv7 */
  readonly edit?: { readonly payload: unknown; readonly newId?: string | undefined } | undefined
}

/** Redrives one activity. Throws what the storage says. */
export async function redriveActivity(
  { storage, telemetry, clock, ids }: ResolvedClientOptions,
  id: string,
  { reason, edit }: RedriveOptions,
): Promise<{ readonly id: string }> {
  if (reason !== undefined) checkText('reason', reason, LIMITS.reasonBytesMax, 0)
  const params: Pick<RedriveParams, 'id' | 'reason' | 'edit'> = {
    id,
    ...(reason === undefined ? {} : { reason }),
    ...(edit === undefined
      ? {}
      : { edit: { payloadJson: payloadText(edit.payload), newId: edit.newId ?? ids.next() } }),
  }
  const sending: Sending[] = []
  const traceOf = telemetry.bind((activity: Activity): TraceContext | null => {
    const span = telemetry.startSpan({ kind: 'send', activity })
    sending.push({ activity, span, startedMs: clock.monotonicMs() })
    return span.trace ?? null
  })
  try {
    const redriven = await telemetry.quietly(() => storage.redrive({ ...params, traceOf }))
    for (const { activity, span, startedMs } of sending) {
      const { type, priority } = activity
      const labels = { type, outcome: 'created' }
      telemetry.duration('send', clock.monotonicMs() - startedMs, labels)
      telemetry.count('sent', 1, labels)
      telemetry.count('enqueued', 1, { type, priority })
      span.end({ outcome: 'created' })
    }
    return redriven
  } catch (thrown) {
    const error = fromUnknown(thrown, 'internal')
    for (const { activity, span } of sending) {
      telemetry.count('sent', 1, { type: activity.type, outcome: 'unavailable', error })
      span.end({ outcome: 'error', error })
    }
    throw thrown
  }
}

function payloadText(payload: unknown): string {
  return jsonTextOf(payload, { field: 'payload', bytesMax: LIMITS.payloadBytesMax })
}
