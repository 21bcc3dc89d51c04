// An operation: what it was asked to do, by whom and why, how far it is, and what failed.

import type { JSX } from 'preact'
import type { OperationView } from '../api-types.ts'
import { counted, countText, spanText } from '../time-text.ts'

/** What it does, to what. */
export function operationText({ head }: Pick<OperationView, 'head'>): string {
  const { kind, filter } = head
  const { type, fingerprint, statuses, ids, afterMs, beforeMs } = filter
  const parts = [
    ...(ids === null ? [] : [`${counted(ids, 'activity', 'activities')} by id`]),
    ...(ids === null ? [`what is ${statuses.join(', ').replaceAll('_', ' ')}`] : []),
    ...(type === null ? [] : [`of ${type}`]),
    ...(fingerprint === null ? [] : [`with error ${fingerprint}`]),
    ...(afterMs === null ? [] : [`from ${new Date(afterMs).toISOString()}`]),
    ...(beforeMs === null ? [] : [`before ${new Date(beforeMs).toISOString()}`]),
  ]
  return `${kind} ${parts.join(' ')}`
}

/** How far it is, as a bar and in numbers that add up. */
export function OperationProgressView({ operation }: { readonly operation: OperationView }): JSX.Element {
  const { done, already, failed, left, perSecond } = operation
  // What it came upon waits its turn first: only what is done with is counted as such.
  const settled = done + already + failed
  const total = left === null ? null : settled + left
  const eta = left === null || perSecond === null || perSecond === 0 ? null : (left / perSecond) * 1_000
  return (
    <div class="progress">
      <progress {...(total === null || total === 0 ? {} : { value: settled, max: total })} aria-label="How far it is" />
      <p>
        {`${countText(settled)} settled${total === null ? '' : ` of ${countText(total)}`}: ${countText(done)} done, `}
        {`${countText(already)} had nothing to do, ${countText(failed)} failed`}
        {perSecond !== null && `; ${perSecond.toFixed(1)} a second`}
        {left !== null && left > 0 && `; ${countText(left)} left`}
        {eta !== null && eta > 0 && `, about ${spanText(eta)} more`}
      </p>
    </div>
  )
}

/** True when it will not change any more. */
export function hasEnded({ state }: Pick<OperationView, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}
