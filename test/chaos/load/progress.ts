// How far a run is, from the histories as they grow: which activities were accepted, and which are known to have ended. A live
// estimate: an end that no process saw (its worker died, a reaper wrote it) is learned from a later look, or from `markEnded`.

import type { HistoryLine } from '../evidence.ts'
import { LineTail, historyFiles } from './evidence-file.ts'

const ENDS = new Set(['settled', 'failed', 'dead_letter', 'cancelled'])

/** What the histories of a folder say so far. */
export class Progress {
  readonly #dir: string
  readonly #tails = new Map<string, LineTail<HistoryLine>>()
  readonly #accepted = new Set<string>()
  readonly #ended = new Set<string>()
  readonly #open = new Set<string>()

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Activities that were accepted. */
  accepted(): number {
    this.#readOn()
    return this.#accepted.size
  }

  /** Activities that were accepted and are not known to have ended. */
  outstanding(): number {
    this.#readOn()
    return this.#open.size
  }

  /** Their ids, the oldest acceptance first. */
  openIds(): readonly string[] {
    this.#readOn()
    return [...this.#open]
  }

  /** Somebody has learned that it has ended. */
  markEnded(id: string): void {
    this.#ended.add(id)
    this.#open.delete(id)
  }

  #readOn(): void {
    for (const path of historyFiles(this.#dir)) {
      const tail = this.#tails.get(path) ?? new LineTail<HistoryLine>(path)
      this.#tails.set(path, tail)
      for (const line of tail.read()) this.#take(line)
    }
  }

  #take(line: HistoryLine): void {
    if (line.phase !== 'answer') return
    switch (line.op) {
      case 'enqueue':
        if (line.outcome === 'created' || line.existingId === line.id) this.#accept(line.id)
        return
      case 'redrive':
        if (line.newId !== null) this.#accept(line.newId)
        return
      case 'settle':
        if (ENDS.has(line.outcome)) this.markEnded(line.id)
        return
      case 'cancel':
        if (line.outcome === 'cancelled' || line.outcome === 'already_ended') this.markEnded(line.id)
        return
      case 'result':
        if (line.outcome === 'value') this.markEnded(line.id)
        return
      case 'claim':
      case 'renew':
      case 'release':
    }
  }

  #accept(id: string): void {
    this.#accepted.add(id)
    if (!this.#ended.has(id)) this.#open.add(id)
  }
}
