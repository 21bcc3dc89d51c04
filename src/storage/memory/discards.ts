// Discarding in memory: a note on the entry, which a redrive takes away.

import { noDeadLetter, redrivenAlready } from '../../core/discard.ts'
import type { DiscardAnswer } from '../storage.ts'
import type { Entry } from './entry.ts'

/** Notes a discard. Throws `conflict`. */
export function discardEntry(entry: Entry, reason: string | null, nowMs: number): DiscardAnswer {
  const { activity, status, redrivenAs } = entry
  if (status !== 'dead_letter') throw noDeadLetter(activity.id, status)
  if (redrivenAs !== null) throw redrivenAlready(activity.id, redrivenAs)
  if (entry.discarded !== null) return { outcome: 'already' }
  entry.discarded = { atMs: nowMs, reason }
  return { outcome: 'discarded' }
}

/** The dead letters that are shown. */
export function* shownLetters(letters: Iterable<Entry>, isWithDiscarded: boolean): Iterable<Entry> {
  for (const entry of letters) if (isWithDiscarded || entry.discarded === null) yield entry
}
