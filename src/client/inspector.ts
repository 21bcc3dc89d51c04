// Looking without touching, by way of a client.

import type { StoredResult } from '../core/activity.ts'
import type {
  ActivityEvent,
  ActivitySnapshot,
  ActivitySummary,
  DeadLetterListParams,
  DeadLetterSummary,
  ListParams,
  Page,
  Storage,
  StorageStats,
} from '../storage/storage.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'

/** What is where. Every call asks the storage anew. */
export class Inspector {
  readonly #storage: Storage
  readonly #telemetry: Telemetry

  constructor({ storage, telemetry }: { readonly storage: Storage; readonly telemetry: Telemetry }) {
    this.#storage = storage
    this.#telemetry = telemetry
  }

  /** Counts by status, in all, by type and by priority. */
  stats(): Promise<StorageStats> {
    return this.#telemetry.quietly(() => this.#storage.stats())
  }

  /** A page of activities of one status, newest first. */
  list(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    return this.#telemetry.quietly(() => this.#storage.list(params))
  }

  /** A page of dead letters, newest first; those that were discarded only where they are asked for. */
  deadLetters(params: Readonly<DeadLetterListParams> = {}): Promise<Page<DeadLetterSummary>> {
    return this.#telemetry.quietly(() => this.#storage.listDeadLetters(params))
  }

  /** Everything known about an activity, or null. */
  get(id: string): Promise<ActivitySnapshot | null> {
    return this.#telemetry.quietly(() => this.#storage.getActivity({ id }))
  }

  /** The stored result, or null when there is none (yet, or any more). */
  result(id: string): Promise<StoredResult | null> {
    return this.#telemetry.quietly(() => this.#storage.getResult({ id }))
  }

  /** What happened to an activity, oldest first. */
  events(id: string): Promise<readonly ActivityEvent[]> {
    return this.#telemetry.quietly(() => this.#storage.getEvents({ id }))
  }
}
