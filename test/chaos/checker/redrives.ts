// Redriven activities: a new id whose content is the old one's.

import type { Evidence } from '../evidence.ts'
import type { CaseFile } from './case-file.ts'

/**
 * Takes redrives into the case files: the new activity is accepted, and is what the old one was, without its key and its due
 * time. Gives the number of activities that may have been made beyond those that somebody was told of: by a redrive of which
 * nobody knows what became, also when it was asked for again, and Redis had forgotten meanwhile which id it had decided on.
 */
export function redriveSpecs(
  { history, run }: Pick<Evidence, 'history' | 'run'>,
  fileOf: (id: string) => CaseFile,
): number {
  const unanswered = new Map<string, number>()
  let untold = 0
  for (const line of [...history].sort((a, b) => a.mono - b.mono)) {
    if (line.op !== 'redrive') continue
    const sinceMono = unanswered.get(line.id)
    if (line.phase === 'invoke') unanswered.set(line.id, sinceMono ?? line.mono)
    else if (line.outcome !== 'unknown' && sinceMono !== undefined) {
      unanswered.delete(line.id)
      if (run.redisLosses.some(loss => loss.toMono > sinceMono && loss.fromMono < line.mono)) untold += 1
    }
    if (line.phase === 'answer' && line.outcome === 'ok' && line.newId !== null) {
      takeRedrive(fileOf(line.id), fileOf(line.newId), line.mono)
    }
  }
  return untold + unanswered.size
}

function takeRedrive(original: CaseFile, redriven: CaseFile, mono: number): void {
  redriven.redriveOf = original.id
  redriven.acceptedMono = Math.min(redriven.acceptedMono ?? mono, mono)
  if (redriven.spec !== null || original.spec === null) return
  redriven.spec = { ...original.spec, id: redriven.id, mono, key: null, onDuplicate: null, dueAtMs: null }
}
