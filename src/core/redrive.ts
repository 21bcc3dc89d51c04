// What an ended activity is redriven as: a new activity with the old one's work and policy, and with a trace of its own.

import type { Activity, TraceContext } from './activity.ts'
import { ErrandError } from './errors.ts'
import { checkGivenJson } from './given-json.ts'
import { LIMITS } from './limits.ts'
import { checkId } from './names.ts'
import { checkMetadata } from './new-activity.ts'

/** The entry of an edited activity's metadata that names the original. */
export const EDITED_FROM = 'edited_from'

/** A redrive with another payload. The new activity says in its metadata from which it was edited. */
export interface RedriveEdit {
  /** The payload's own JSON text. */
  readonly payloadJson: string
  /** Id of the new activity, best a new UUIDv7: asking again with the same one changes nothing. */
  readonly newId: string
}

/** Checks an edit. Throws `invalid_argument` naming the field, or `payload_too_large`. */
export function checkEdit(edit: RedriveEdit | undefined): RedriveEdit | undefined {
  if (edit === undefined) return undefined
  const payloadJson = checkGivenJson(edit.payloadJson, { field: 'payload', bytesMax: LIMITS.payloadBytesMax })
  return { payloadJson, newId: checkId(edit.newId, 'newId') }
}

/** An edit came after another redrive: nothing was written. */
export function redrivenBefore(id: string, redrivenAs: string): ErrandError {
  return new ErrandError('conflict', `activity ${id} was redriven as ${redrivenAs}; edit that one, should it fail.`, {
    details: { id, redrivenAs },
  })
}

/** What a redrive is asked for: the context that the activity is to carry, or null for none. */
export type TraceOf = (activity: Activity) => TraceContext | null

/**
 * The activity that redrives this one. `traceOf` is given it with the contexts of the original: `trace` of its enqueue,
 * `attemptTraceparent` of its end. Where there is no trace of the redrive, the latter stays as the way back, and the former
 * goes: what runs days later is not part of that trace. Throws `invalid_argument` when the metadata has no room for an edit's.
 */
export function redrivenFrom(
  original: Activity,
  { id, createdAtMs }: Pick<Activity, 'id' | 'createdAtMs'>,
  traceOf: TraceOf | undefined,
  edit?: RedriveEdit,
): Activity {
  const again: Activity = {
    ...original,
    ...(edit === undefined ? {} : edited(original, edit)),
    id,
    attempt: 1,
    retryCount: 0,
    createdAtMs,
    scheduledAtMs: null,
    key: null,
    redriveOf: original.id,
    failures: [],
  }
  const trace = traceOf?.(again) ?? null
  const wayBack = original.attemptTraceparent ?? original.trace?.traceparent ?? null
  return { ...again, trace, attemptTraceparent: trace === null ? wayBack : null }
}

function edited({ id, metadata }: Activity, { payloadJson }: RedriveEdit): Pick<Activity, 'payloadJson' | 'metadata'> {
  return { payloadJson, metadata: checkMetadata({ ...metadata, [EDITED_FROM]: id }) }
}
