// The workers of a run, as the one who started them sees them: processes or not, they report what they settled.

import type { AttemptOutcome } from '../../src/index.ts'

/** Settled attempts since the report before, by how they ended. */
export type SettledCounts = Partial<Record<AttemptOutcome | 'lease_lost', number>>

/** What a worker reports: one JSON line on its stdout when it is a process. */
export type Report = { readonly kind: 'ready' } | { readonly kind: 'settled'; readonly counts: SettledCounts }

/** Workers that were started. */
export interface Fleet {
  /** Resolves when each worker claims activities; rejects when one ended before. */
  readonly ready: Promise<void>
  /** What was settled so far. */
  readonly tally: Tally
  /** Workers that ended without being told to, and how. */
  readonly lost: ReadonlyMap<string, string>
  /** Lets each worker finish what it runs, and ends it. */
  stop(): Promise<void>
}

/** What the workers settled, in all. A picture for people: what is true is in the storage. */
export class Tally {
  /** Activities that ended, by worker. */
  readonly endedBy = new Map<string, number>()
  readonly byOutcome = new Map<string, number>()

  constructor(workers: readonly string[]) {
    for (const worker of workers) this.endedBy.set(worker, 0)
  }

  /** Activities that ended. */
  get ended(): number {
    return [...this.endedBy.values()].reduce((sum, count) => sum + count, 0)
  }

  add(worker: string, counts: SettledCounts): void {
    for (const [outcome, count] of Object.entries(counts)) {
      this.byOutcome.set(outcome, (this.byOutcome.get(outcome) ?? 0) + count)
      if (ENDS.has(outcome)) this.endedBy.set(worker, (this.endedBy.get(worker) ?? 0) + count)
    }
  }
}

const ENDS = new Set(['completed', 'failed', 'dead_letter', 'cancelled'])
