// The workers of a run, as the one who started them sees them: processes or not, they report what they settled.

/** The two workers of a run, by name. */
export const WORKERS = ['worker-1', 'worker-2']
/** Of each topic: one for each worker. */
export const PARTITIONS: number = WORKERS.length

/** What a worker reports: as a JSON line on its stdout when it is a process of its own. */
export type Report =
  | { readonly kind: 'ready' }
  /** Attempts settled since the report before, by how they ended. */
  | { readonly kind: 'settled'; readonly counts: Readonly<Record<string, number>> }

/** Workers that were started. */
export interface Fleet {
  /** Resolves when every worker claims activities; rejects when one ended before it did. */
  readonly ready: Promise<void>
  readonly tally: Tally
  /** Workers that ended without being told to: name and how. */
  readonly lost: ReadonlyMap<string, string>
  /** Lets every worker finish what it runs, and ends it. */
  stop(): Promise<void>
}

/** What the workers say that they did. A picture for people; what is true is read from the storage. */
export class Tally {
  /** Activities that ended, by worker. */
  readonly endedBy: Map<string, number>
  /** Attempts, by how they ended. */
  readonly attempts = new Map<string, number>()

  constructor(workers: readonly string[]) {
    this.endedBy = new Map(workers.map(worker => [worker, 0]))
  }

  /** Activities that ended. */
  get ended(): number {
    return [...this.endedBy.values()].reduce((sum, count) => sum + count, 0)
  }

  add(worker: string, report: Report): void {
    if (report.kind === 'ready') return
    for (const [outcome, count] of Object.entries(report.counts)) {
      this.attempts.set(outcome, (this.attempts.get(outcome) ?? 0) + count)
      if (ENDINGS.has(outcome)) this.endedBy.set(worker, (this.endedBy.get(worker) ?? 0) + count)
    }
  }
}

const ENDINGS = new Set(['completed', 'failed', 'dead_letter', 'cancelled'])
