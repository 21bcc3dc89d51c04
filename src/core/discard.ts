// Discarding: whoever has dealt with a dead letter sets it aside, so that only those are shown that nobody has dealt with yet.

import { ErrandError } from './errors.ts'

/** When and why a dead letter was discarded. */
export interface Discard {
  /** Unit: ms since the epoch. */
  readonly atMs: number
  /** Null: none was given. */
  readonly reason: string | null
}

/** Only dead letters are discarded. */
export function noDeadLetter(id: string, status: string): ErrandError {
  return new ErrandError('conflict', `activity ${id} is ${status}; only dead letters are discarded.`, {
    details: { id, status },
  })
}

/** What was redriven is dealt with already. */
export function redrivenAlready(id: string, redrivenAs: string): ErrandError {
  return new ErrandError('conflict', `activity ${id} was redriven as ${redrivenAs}; there is nothing to discard.`, {
    details: { id, redrivenAs },
  })
}
