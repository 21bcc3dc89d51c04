// What a process of the load is told, and what it says.

/** How a process of the load works. It comes as JSON in its one argument. */
export interface LoadChildConfig {
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly partitions: number
  /** Null: the broker's default. From 3 on, two replicas must be in sync. */
  readonly replicationFactor: number | null
  /** Where evidence goes. */
  readonly dir: string
  /** Its name, which no other process of the run has. */
  readonly name: string
  /** The run's; each process draws from a stream of its own, and all share the keys. */
  readonly seed: number
  /** Activities a second that this producer aims at. */
  readonly rate: number
  readonly leaseMs: number
  readonly sessionTimeoutMs: number
  readonly reapIntervalMs: number
  /** How long a worker waits for its handlers when it is to stop. Unit: ms. */
  readonly graceMs: number
  /** The file that shifts its wall clock; null: its clock is left alone. */
  readonly clockFile: string | null
}

/** What it says: that it works, and that it has ended in order. */
export interface LoadMessage {
  readonly event: 'ready' | 'stopped'
}

/** The types of the load. */
export const LOAD_TYPES = ['alpha', 'beta'] as const
