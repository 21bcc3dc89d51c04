// An operation: what it was asked to do, by whom and why, how far it is, and what failed.

import type { JSX } from 'preact'
import type { OperationView } from '../api-types.ts'
import { progressText, settledOf } from '../operation-progress.ts'
import { counted } from '../time-text.ts'

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
  const { settled, total } = settledOf(operation)
  return (
    <div class="progress">
      <progress {...(total === null || total === 0 ? {} : { value: settled, max: total })} aria-label="How far it is" />
      <p>{progressText(operation)}</p>
    </div>
  )
}
