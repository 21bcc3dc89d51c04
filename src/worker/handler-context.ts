// What a handler gets beside its input.

import type { Client } from '../client/client.ts'
import type { Logger } from '../core/logger.ts'
import type { Priority } from '../core/priority.ts'

/** The context of one attempt. */
export interface HandlerContext {
  readonly id: string
  readonly type: string
  /** 1 for the first. */
  readonly attempt: number
  readonly maxAttempts: number | 'unlimited'
  readonly priority: Priority
  readonly metadata: Readonly<Record<string, string>>
  readonly workerId: string
  /** Lines that carry `activityId`, `activityType` and `attempt`, and `traceId` and `spanId` where the attempt is traced. */
  readonly log: Logger
  /**
   * Aborted when the attempt should end; its reason is an {@link AttemptAbortedError}, told apart by `why`. JavaScript cannot
   * be interrupted: a handler that ignores it keeps its slot until it ends.
   */
  readonly signal: AbortSignal
  /** Enqueues activities that name this one as their parent, and lead back to it in traces. */
  readonly client: Client
  /**
   * For long work in small steps: gives the event loop a turn, renews the lease when that is due, and throws the signal's reason
   * when the attempt should end. Leases are renewed by themselves; only what blocks the event loop needs this.
   */
  heartbeat(): Promise<void>
}
