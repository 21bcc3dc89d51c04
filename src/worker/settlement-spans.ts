// The spans of settlements: `settle`, and `dead-letter` where the failure leads there. The latter starts before the settlement,
// since the dead letter's record carries its context; should it come otherwise (a cancel was asked for, the lease was lost), it
// is dropped unended, so that nobody ever hears of it. Where an attempt has no trace nothing is done.

import type { AttemptFailureReport, AttemptTrace } from '../core/activity.ts'
import { decideFailure } from '../core/settle.ts'
import type { ActivitySpan, Telemetry, TracedError } from '../telemetry/telemetry.ts'
import type { Attempt } from './attempt.ts'
import type { AttemptEnding } from './attempt-ending.ts'

interface Spans {
  readonly settle: ActivitySpan
  deadLetter: ActivitySpan | undefined
}

/** Starts and ends them. */
export class SettlementSpans {
  readonly #telemetry: Telemetry
  readonly #spans = new WeakMap<Attempt, Spans>()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  /** The attempt's fate is decided. */
  decided(attempt: Attempt): void {
    const { span: parent, activity, claimed } = attempt
    if (parent.trace === undefined) return
    const { coordinates } = claimed
    const settle = this.#telemetry.startSpan({ kind: 'settle', activity, coordinates, parent })
    this.#spans.set(attempt, { settle, deadLetter: undefined })
  }

  /** It ends with this failure. What the storage is to write down of its trace. */
  failing(attempt: Attempt, failure: AttemptFailureReport): AttemptTrace | undefined {
    const { span: parent, activity, claimed } = attempt
    const spans = this.#spans.get(attempt)
    if (spans === undefined || parent.trace === undefined) return undefined
    const run = parent.trace.traceparent
    if (decideFailure(activity, failure, false).kind !== 'dead_letter') return { attempt: run }
    const { coordinates } = claimed
    spans.deadLetter = this.#telemetry.startSpan({ kind: 'dead-letter', activity, coordinates, parent })
    return { attempt: run, deadLetter: spans.deadLetter.trace?.traceparent }
  }

  /** It has been written down, or nobody will. */
  ended(attempt: Attempt, ending: AttemptEnding): void {
    const spans = this.#spans.get(attempt)
    if (spans === undefined) return
    const { outcome, error: failure, retryAtMs } = ending
    spans.settle.end({
      outcome,
      error: settlementError(ending),
      ...(failure === null ? {} : { failure }),
      ...(retryAtMs === null ? {} : { dueAtMs: retryAtMs }),
    })
    if (outcome === 'dead_letter' && failure !== null) spans.deadLetter?.end({ outcome, error: failure })
  }
}

/** Why a settlement itself failed, if it did. */
export function settlementError({ outcome }: AttemptEnding): TracedError | undefined {
  switch (outcome) {
    case 'lease_lost':
      return {
        name: 'LeaseLost',
        code: outcome,
        message: 'somebody else owns the activity; this end counts for nothing',
      }
    case 'abandoned':
      return {
        name: 'Abandoned',
        code: outcome,
        message: 'the storage did not take the settlement before the worker stopped',
      }
    case 'completed':
    case 'retrying':
    case 'failed':
    case 'dead_letter':
    case 'cancelled':
    case 'released':
      return undefined
  }
}
