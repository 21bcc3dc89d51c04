// Redriven activities: a new id whose content is the old one's.

import type { HistoryLine } from '../evidence.ts'
import type { CaseFile } from './case-file.ts'

/**
 * Takes redrives into the case files: the new activity is accepted, and is what the old one was, without its key and its due
 * time. Gives the number of activities for which a redrive was asked, and nobody was told what became of it.
 */
export function redriveSpecs(history: readonly HistoryLine[], fileOf: (id: string) => CaseFile): number {
  const asked = new Set<string>()
  const told = new Set<string>()
  for (const line of [...history].sort((a, b) => a.mono - b.mono)) {
    if (line.op !== 'redrive') continue
    if (line.phase === 'invoke') asked.add(line.id)
    else if (line.outcome === 'ok' && line.newId !== null) {
      told.add(line.id)
      takeRedrive(fileOf(line.id), fileOf(line.newId), line.mono)
    } else if (line.outcome !== 'unknown') told.add(line.id)
  }
  return [...asked].filter(id => !told.has(id)).length
}

function takeRedrive(original: CaseFile, redriven: CaseFile, mono: number): void {
  redriven.redriveOf = original.id
  redriven.acceptedMono = Math.min(redriven.acceptedMono ?? mono, mono)
  if (redriven.spec !== null || original.spec === null) return
  redriven.spec = { ...original.spec, id: redriven.id, mono, key: null, onDuplicate: null, dueAtMs: null }
}
