// An activity as the API shows it: parsed with every digit, hidden where a hook hides, and with what belongs to it.

import type { StoredResult } from '../core/activity.ts'
import { saidBy } from '../core/errors.ts'
import { parseExact } from '../core/exact-json.ts'
import { failureFingerprint } from '../core/failure.ts'
import { EDITED_FROM } from '../core/redrive.ts'
import type { ActivitySnapshot } from '../storage/storage.ts'
import type { Redactable, ResolvedConsoleOptions } from './console-options.ts'
import type { ShownResult } from './schemas.ts'
import { sentenceOf } from './sentence.ts'

type ViewOptions = Pick<ResolvedConsoleOptions, 'storage' | 'clock' | 'logger' | 'redactPayload' | 'traceUrl'>
type Whose = Pick<Redactable, 'id' | 'type' | 'metadata'>

/** Everything about an activity. */
export async function activityView(options: ViewOptions, snapshot: ActivitySnapshot): Promise<object> {
  const { storage, clock, traceUrl } = options
  const { payloadJson: _, traceparent, lastError, ...rest } = snapshot
  const [result, edited] = await Promise.all([storage.getResult({ id: snapshot.id }), editedAs(options, snapshot)])
  const nowMs = clock.nowMs()
  const traceId = traceparent?.split('-')[1] ?? null
  return {
    ...rest,
    ...{ lastError, isRedacted: options.redactPayload !== null },
    payload: payloadView(options, snapshot),
    editedFrom: snapshot.metadata[EDITED_FROM] ?? null,
    editedAs: edited,
    traceId,
    traceUrl: traceId === null || traceUrl === null ? null : traceUrl.replaceAll('{traceId}', traceId),
    result: resultView(options, snapshot, result),
    fingerprint: lastError === null ? null : failureFingerprint(lastError),
    sentence: sentenceOf(snapshot, nowMs),
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
export function payloadView(
  options: Pick<ViewOptions, 'redactPayload' | 'logger'>,
  snapshot: ActivitySnapshot,
): unknown {
  const { payloadJson } = snapshot
  return payloadJson === null ? null : shown(options, snapshot, 'payload', payloadJson)
}

/** A result, or what is shown in its place. `whose`: null where nothing is known of the activity any more. */
export function resultView(
  options: Pick<ViewOptions, 'redactPayload' | 'logger'>,
  whose: Whose,
  result: StoredResult | null,
): ShownResult | null {
  if (result === null) return null
  const { state, atMs, dataJson } = result
  return { state, atMs, data: shown(options, whose, 'result', dataJson), isRedacted: options.redactPayload !== null }
}

function shown(
  { redactPayload, logger }: Pick<ViewOptions, 'redactPayload' | 'logger'>,
  { id, type, metadata }: Whose,
  part: Redactable['part'],
  json: string,
): unknown {
  const value = parseExact(json)
  if (redactPayload === null) return value
  try {
    return redactPayload({ id, type, metadata, part, value }) ?? null
  } catch (error) {
    // Who hides data must not show it because of a mistake.
    logger.error('redactPayload threw; nothing is shown', { id, error: saidBy(error) })
    return null
  }
}
