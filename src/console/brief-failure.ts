// A failure as lists and streams show it: without stack and causes, which would make a page of 200 weigh megabytes. One activity,
// its events and a group of dead letters show the whole.

import type { RecordedFailure } from '../core/activity.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { clipUtf8 } from '../core/text.ts'
import type { Page } from '../storage/storage.ts'
import type { RedactOptions } from './redaction.ts'
import { withRedactedError } from './redaction.ts'

/** Class, text and code. */
export function briefFailure<T extends RecordedFailure | null | undefined>(failure: T): T | RecordedFailure {
  if (failure === null || failure === undefined) return failure
  const { name, message, code } = failure
  const short = { name, message: clipUtf8(message, CONSOLE_LIMITS.briefErrorBytesMax) }
  return code === undefined ? short : { ...short, code }
}

/** Something with its failure in short. */
export function briefed<T extends { readonly error?: RecordedFailure | null }>(item: T): T {
  return item.error === undefined ? item : { ...item, error: briefFailure(item.error) }
}

/** A page of activities, each with its failure in short, as far as it is shown. */
export async function briefPage<
  T extends { readonly id: string; readonly type: string; readonly error?: RecordedFailure | null },
>(options: RedactOptions, page: Promise<Page<T>>): Promise<Page<T>> {
  const { items, cursor } = await page
  return { items: items.map(item => briefed(withRedactedError(options, item, item.type))), cursor }
}
