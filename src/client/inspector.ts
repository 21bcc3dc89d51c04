// Looking without touching, by way of a client.

import type { StoredResult } from '../core/activity.ts'
import type {
  ActivityEvent,
  ActivitySnapshot,
  ActivitySummary,
  DeadLetterSummary,
  ListParams,
  Page,
  Storage,
  StorageStats,
} from '../storage/storage.ts'

/** What is where. Every call asks the storage anew. */
export class Inspector {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Counts by status, in all, by type and by priority. */
  stats(): Promise<StorageStats> {
    return this.#storage.stats()
  }

  /** A page of activities of one status, newest first. */
  list(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    return this.#storage.list(params)
  }

  /** A page of dead letters, newest first. */
  deadLetters(params: Readonly<Omit<ListParams, 'status'>> = {}): Promise<Page<DeadLetterSummary>> {
    return this.#storage.listDeadLetters(params)
  }

  /** Everything known about an activity, or null. */
  get(id: string): Promise<ActivitySnapshot | null> {
    return this.#storage.getActivity({ id })
  }

  /** The stored result, or null when there is none (yet, or any more). */
  result(id: string): Promise<StoredResult | null> {
    return this.#storage.getResult({ id })
  }

  /** What happened to an activity, oldest first. */
  events(id: string): Promise<readonly ActivityEvent[]> {
    return this.#storage.getEvents({ id })
  }
}
