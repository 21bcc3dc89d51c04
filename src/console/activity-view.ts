// An activity as the API shows it: parsed with every digit, hidden where a hook hides, and with what belongs to it.

import type { StoredResult } from '../core/activity.ts'
import { saidBy } from '../core/errors.ts'
import { parseExact } from '../core/exact-json.ts'
import { failureFingerprint } from '../core/failure.ts'
import { EDITED_FROM } from '../core/redrive.ts'
import type { ActivitySnapshot } from '../storage/storage.ts'
import type { ResolvedConsoleOptions } from './console-options.ts'
import type { RedactOptions, Whose } from './redaction.ts'
import { redacted, redactedActivity, withoutHiddenError } from './redaction.ts'
import type { ShownResult } from './schemas.ts'
import { sentenceOf } from './sentence.ts'

type ViewOptions = Pick<ResolvedConsoleOptions, 'storage' | 'clock' | 'logger' | 'redactPayload' | 'traceUrl'>

/** Everything about an activity. */
export async function activityView(options: ViewOptions, snapshot: ActivitySnapshot): Promise<object> {
  const { storage, clock, traceUrl } = options
  const shown = redactedActivity(options, snapshot)
  const { payloadJson: _, traceparent, ...rest } = shown
  const [result, edited] = await Promise.all([storage.getResult({ id: snapshot.id }), editedAs(options, snapshot)])
  const nowMs = clock.nowMs()
  const traceId = traceparent?.split('-')[1] ?? null
  return {
    ...rest,
    isRedacted: options.redactPayload !== null,
    // Left out where it is not there any more: null is a payload too.
    ...(snapshot.payloadJson === null ? {} : { payload: payloadView(options, snapshot) }),
    editedFrom: snapshot.metadata[EDITED_FROM] ?? null,
    editedAs: edited,
    traceId,
    traceUrl: traceId === null || traceUrl === null ? null : traceUrl.replaceAll('{traceId}', traceId),
    result: resultView(options, snapshot, result),
    // Of what is hidden too: by it its group is found.
    fingerprint: snapshot.lastError === null ? null : failureFingerprint(snapshot.lastError),
    sentence: sentenceOf(shown, nowMs),
    nowMs,
  }
}

/** What it was redriven as, when that has another payload. A look at the original must not fail for want of this. */
async function editedAs(
  { storage, logger }: ViewOptions,
  { id, redrivenAs }: ActivitySnapshot,
): Promise<string | null> {
  if (redrivenAs === null) return null
  try {
    const again = await storage.getActivity({ id: redrivenAs })
    return again?.metadata[EDITED_FROM] === id ? redrivenAs : null
  } catch (error) {
    logger.debug('what an activity was redriven as could not be looked up', { id, error: saidBy(error) })
    return null
  }
}

/** The payload, or what is shown in its place. */
export function payloadView(options: RedactOptions, snapshot: ActivitySnapshot): unknown {
  const { payloadJson } = snapshot
  return payloadJson === null ? null : redacted(options, snapshot, 'payload', parseExact(payloadJson))
}

/** A result, or what is shown in its place. `whose`: null where nothing is known of the activity any more. */
export function resultView(options: RedactOptions, whose: Whose, result: StoredResult | null): ShownResult | null {
  if (result === null) return null
  const { state, atMs, dataJson } = result
  const value = parseExact(dataJson)
  const known = state === 'err' ? withoutHiddenError(options, whose, value) : value
  const data = redacted(options, whose, 'result', known)
  return { state, atMs, data, isRedacted: options.redactPayload !== null }
}
