// How an activity stands, as a word with a mark; never by colour alone.

import type { JSX } from 'preact'
import type { AttemptOutcome, Status } from '../../../core/activity.ts'

/** A status, an outcome, or that nobody knows. */
export type ShownStatus = Status | AttemptOutcome | 'unknown'

const WORDS: Readonly<Record<ShownStatus, readonly [mark: string, word: string]>> = {
  pending: ['○', 'pending'],
  scheduled: ['◷', 'scheduled'],
  running: ['▶', 'running'],
  completed: ['✓', 'completed'],
  failed: ['✕', 'failed'],
  dead_letter: ['☠', 'dead letter'],
  cancelled: ['⊘', 'cancelled'],
  retrying: ['↻', 'to be retried'],
  lease_expired: ['⌛', 'lease expired'],
  unknown: ['?', 'end unknown'],
}

/** The word for a status or an outcome. */
export function statusWord(status: ShownStatus): string {
  return WORDS[status][1]
}

/** The badge. */
export function StatusBadge({ status }: { readonly status: ShownStatus }): JSX.Element {
  const [mark, word] = WORDS[status]
  return (
    <span class={`badge status-${status}`}>
      <span aria-hidden="true">{mark}</span> {word}
    </span>
  )
}
