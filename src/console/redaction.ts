// What a hook hides, wherever it is shown: payloads, results, errors, metadata, keys. Whoever hides data must not show it because
// of a mistake, so that what the hook gives in another form is not shown at all.

import type { RecordedFailure } from '../core/activity.ts'
import { saidBy } from '../core/errors.ts'
import type { ActivityEvent, ActivitySnapshot, EventGap } from '../storage/storage.ts'
import type { Redactable, ResolvedConsoleOptions } from './console-options.ts'

/** What hiding needs. */
export type RedactOptions = Pick<ResolvedConsoleOptions, 'redactPayload' | 'logger'>
/** Whose data it is. */
export type Whose = Pick<Redactable, 'id' | 'type' | 'metadata'>

const HIDDEN: RecordedFailure = { name: 'Hidden', message: '' }

/** What is shown in place of a value; null when the hook throws. */
export function redacted(
  { redactPayload, logger }: RedactOptions,
  { id, type, metadata }: Whose,
  part: Redactable['part'],
  value: unknown,
): unknown {
  if (redactPayload === null) return value
  try {
    return redactPayload({ id, type, metadata, part, value }) ?? null
  } catch (error) {
    logger.error('redactPayload threw; nothing is shown', { id, part, error: saidBy(error) })
    return null
  }
}

/** An error as it is shown. */
export function redactedError<T extends RecordedFailure | null | undefined>(
  options: RedactOptions,
  whose: Whose,
  error: T,
): T | RecordedFailure {
  if (options.redactPayload === null || error === null || error === undefined) return error
  const given = redacted(options, whose, 'error', error)
  return isFailure(given) ? given : HIDDEN
}

/** What stands in place of a result where there is none, `{ error, failure, … }`, with that failure as it is shown. */
export function withoutHiddenError(options: RedactOptions, whose: Whose, value: unknown): unknown {
  if (options.redactPayload === null || typeof value !== 'object' || value === null || !('error' in value)) return value
  const { error, failure } = value as { readonly error: unknown; readonly failure?: unknown }
  const known = isFailure(failure) ? failure : { name: 'Error', message: typeof error === 'string' ? error : '' }
  const shown = redactedError(options, whose, known)
  return { ...value, error: shown.message, ...(failure === undefined ? {} : { failure: shown }) }
}

/** Something of a list with its error as it is shown: nothing is known of its metadata. */
export function withRedactedError<T extends { readonly id: string; readonly error?: RecordedFailure | null }>(
  options: RedactOptions,
  item: T,
  type: string,
): T {
  if (options.redactPayload === null || item.error === undefined) return item
  return { ...item, error: redactedError(options, { id: item.id, type, metadata: {} }, item.error) }
}

/** An activity with its error, metadata and key as they are shown. */
export function redactedActivity(options: RedactOptions, activity: ActivitySnapshot): ActivitySnapshot {
  if (options.redactPayload === null) return activity
  const { error, lastError, metadata, key } = activity
  const shownKey = key === null ? null : redacted(options, activity, 'key', key)
  return {
    ...activity,
    error: redactedError(options, activity, error),
    lastError: redactedError(options, activity, lastError),
    metadata: textsOf(redacted(options, activity, 'metadata', metadata)),
    key: typeof shownKey === 'string' ? shownKey : null,
  }
}

/** Live events with their errors as they are shown. */
export async function* redactedEvents(
  options: RedactOptions,
  events: AsyncIterable<ActivityEvent | EventGap>,
): AsyncIterable<ActivityEvent | EventGap> {
  for await (const event of events) {
    yield event.type === 'gap' ? event : withRedactedError(options, event, event.activityType)
  }
}

function isFailure(given: unknown): given is RecordedFailure {
  if (typeof given !== 'object' || given === null) return false
  const { name, message, stack, code, cause } = given as Partial<Record<keyof RecordedFailure, unknown>>
  const isText = [name, message, stack ?? '', code ?? ''].every(each => typeof each === 'string')
  return isText && (cause === undefined || isFailure(cause))
}

function textsOf(given: unknown): Readonly<Record<string, string>> {
  if (typeof given !== 'object' || given === null) return {}
  return Object.fromEntries(
    Object.entries(given).filter((each): each is [string, string] => typeof each[1] === 'string'),
  )
}
