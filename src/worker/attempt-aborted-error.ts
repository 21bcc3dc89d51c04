// Why an attempt's signal was aborted.

import type { ErrorCode } from '../core/errors.ts'
import { ErrandError } from '../core/errors.ts'

/**
 * `timeout`: over its time; counts as a retryable failure · `lease_lost`: somebody else owns it; nothing that this attempt
 * returns counts · `cancelled`: somebody asked for its end · `shutdown`: the worker stops; a result within the grace still
 * counts, else the attempt is given back uncounted.
 */
export type AbortWhy = 'timeout' | 'lease_lost' | 'cancelled' | 'shutdown'

const CODES: Readonly<Record<AbortWhy, ErrorCode>> = {
  timeout: 'timeout',
  lease_lost: 'lease_lost',
  cancelled: 'cancelled',
  shutdown: 'cancelled',
}

const TEXTS: Readonly<Record<AbortWhy, string>> = {
  timeout: 'ran longer than its timeout',
  lease_lost: 'lost its lease: another attempt owns the activity',
  cancelled: 'was asked to end: its activity was cancelled',
  shutdown: 'is to end: its worker stops',
}

/** The reason of `ctx.signal`. Tell them apart by `why`. */
export class AttemptAbortedError extends ErrandError {
  override readonly name: string = 'AttemptAbortedError'
  readonly why: AbortWhy

  constructor(why: AbortWhy, attempt: { readonly id: string; readonly attempt: number }) {
    const { id, attempt: number } = attempt
    super(CODES[why], `attempt ${number} of activity ${id} ${TEXTS[why]}`, { details: { id, attempt: number, why } })
    this.why = why
  }
}
