// What a chaos run leaves behind, and what the checker reads: histories of the calls that processes made, the ledger that
// handlers wrote, the faults that were injected, and dumps of Kafka and Redis. All of it is plain JSON, one line an entry, so
// that a run can be judged again later. Times called `mono` are ms of the machine's monotonic clock, which is one for all its
// processes and untouched by wall clocks that jump; times called `…AtMs` are what the storage said, so Redis's clock.

import type { AttemptOutcome, DuplicateBehavior } from '../../src/core/activity.ts'
import type { Priority } from '../../src/core/priority.ts'

/** Now, in ms, by the clock that all processes of this machine share. */
export function mono(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

/** What every line of a history has. `seq` counts a process's lines from 1 without gaps: a hole means lost evidence. */
export interface Stamp {
  readonly seq: number
  readonly mono: number
  /** The process that wrote it, such as `worker-3`; a process started anew has a new name. */
  readonly proc: string
}

/**
 * What was called (`invoke`, written before the call) and what came of it (`answer`). A call with neither answer nor process
 * is unknown, as is one answered `unknown`: it threw, and may or may not have happened.
 */
export type CallLine =
  | {
      readonly op: 'enqueue'
      readonly phase: 'invoke'
      readonly id: string
      readonly type: string
      readonly priority: Priority
      readonly key: string | null
      readonly onDuplicate: DuplicateBehavior | null
      /** When it is due, by the wall clock that the caller gave; null: at once. */
      readonly dueAtMs: number | null
      readonly maxAttempts: number
      readonly retryDelayMs: number
      readonly retryDelayMaxMs: number
      /** SHA-256 of the payload's JSON text, hex. */
      readonly payloadSha: string
      /** How it is to end when no fault and no cancel comes in between; see {@link Plan}. */
      readonly plan: Plan
    }
  | {
      readonly op: 'enqueue'
      readonly phase: 'answer'
      readonly id: string
      readonly outcome: 'created' | 'existing' | 'refused' | 'unavailable' | 'unknown'
      /** The activity that the key stands for: with `existing` and `refused`. */
      readonly existingId: string | null
    }
  | { readonly op: 'cancel'; readonly phase: 'invoke'; readonly id: string }
  | {
      readonly op: 'cancel'
      readonly phase: 'answer'
      readonly id: string
      readonly outcome: 'cancelled' | 'cancel_requested' | 'already_ended' | 'not_found' | 'unknown'
    }
  | { readonly op: 'redrive'; readonly phase: 'invoke'; readonly id: string }
  | {
      readonly op: 'redrive'
      readonly phase: 'answer'
      readonly id: string
      readonly outcome: 'ok' | 'not_found' | 'conflict' | 'unknown'
      readonly newId: string | null
    }
  | {
      readonly op: 'claim'
      readonly phase: 'answer'
      readonly id: string
      readonly type: string
      readonly priority: Priority
      readonly attempt: number
      readonly leaseId: string
      readonly startedAtMs: number
      readonly deadlineMs: number
      /** `scheduledAtMs` of the claimed record: when this attempt was due, by the storage; null: at once. */
      readonly dueAtMs: number | null
      readonly topic: string | null
      readonly partition: number | null
      readonly offset: string | null
    }
  | {
      readonly op: 'settle'
      readonly phase: 'invoke'
      readonly id: string
      readonly leaseId: string
      /** `ackSuccess`, or the kind of the failure that was reported. */
      readonly want: 'success' | 'retryable' | 'timeout' | 'non_retryable' | 'cancelled'
    }
  | {
      readonly op: 'settle'
      readonly phase: 'answer'
      readonly id: string
      readonly leaseId: string
      /** `settled`: completed. */
      readonly outcome:
        | 'settled'
        | 'retrying'
        | 'failed'
        | 'dead_letter'
        | 'cancelled'
        | 'lease_lost'
        | 'conflict'
        | 'unknown'
      readonly retryAtMs: number | null
    }
  | {
      readonly op: 'renew'
      readonly phase: 'answer'
      readonly id: string
      readonly leaseId: string
      readonly outcome: 'renewed' | 'lost' | 'unknown'
      readonly deadlineMs: number | null
    }
  | {
      readonly op: 'release'
      readonly phase: 'answer'
      readonly id: string
      readonly leaseId: string
      readonly outcome: 'released' | 'lease_lost' | 'unknown'
    }
  | {
      /** Somebody looked for a result. */
      readonly op: 'result'
      readonly phase: 'answer'
      readonly id: string
      readonly outcome: 'value' | 'none' | 'unknown'
      /** SHA-256 of state and JSON text, hex: with `value`. */
      readonly sha: string | null
    }

/** One line of `history-<proc>.jsonl`. */
export type HistoryLine = Stamp & CallLine

/** What an activity's handler does; it travels in the payload. */
export interface Plan {
  /**
   * `complete`: at once · `flaky`: throws in its first `failures` attempts · `doomed`: throws in every attempt (dead letter) ·
   * `refuse`: non-retryable (failed) · `slow`: takes `ms`.
   */
  readonly kind: 'complete' | 'flaky' | 'doomed' | 'refuse' | 'slow'
  readonly ms: number
  readonly failures: number
}

/** One line of `ledger.jsonl`, appended by the handlers themselves (O_APPEND, one write a line). */
export interface LedgerLine {
  readonly what: 'start' | 'end'
  readonly proc: string
  readonly pid: number
  readonly mono: number
  readonly id: string
  readonly attempt: number
  readonly leaseId: string
}

/** One line of `faults.jsonl`: a fault that was injected, from its first effect to when it was proven gone. */
export interface FaultLine {
  /** Its name in the table of faults, such as `worker.kill`. */
  readonly fault: string
  /** What was hit: a process, `broker 2`, `redis`. */
  readonly target: string
  readonly fromMono: number
  readonly toMono: number
  /** What shows that it happened: `pid 4711 gone`, `DBSIZE 0`, `312 bytes of answers dropped`. Null: it did not. */
  readonly proof: string | null
  /** What shows that it is over. Null: it is not known to be. */
  readonly cure: string | null
  /** Activities accepted and not ended when it was injected, as far as the run knew. */
  readonly outstanding: number
  /** True for faults after which Redis may know less than before: emptied, rolled back, its last second lost. */
  readonly losesRedis: boolean
}

/** One look at where a group stands, once a second, in `offsets.jsonl`. */
export interface OffsetSample {
  readonly mono: number
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** -1: nothing committed yet. */
  readonly committed: number
  readonly low: number
  readonly high: number
}

/** A record as another Kafka client has read it. Key and value as text; `bytes` is the value's size; null value: tombstone. */
export interface DumpedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Everything that Kafka holds of the namespace, read after the run has come to rest by a client that is not Errand's. */
export interface TopicDump {
  readonly client: string
  readonly records: readonly DumpedRecord[]
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: number
    readonly low: number
    readonly high: number
    /** Of the group that consumes the topic; -1: nothing committed; null: no group consumes it. */
    readonly committed: number | null
    /** Offset of the last record read + 1, or `high` where nothing was left to read: must equal `high`. */
    readonly readTo: number
  }[]
}

/** What Redis holds of the namespace after the run has come to rest. */
export interface RedisDump {
  readonly leases: number
  readonly due: number
  readonly delayed: number
  readonly reservations: number
  readonly hasGeneration: boolean
  /** Fields of every marker (`a:<id>`) by id. */
  readonly markers: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Fields of every idempotency entry by `<type>:<key>`. */
  readonly keys: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** Counts as `stats()` gave them at rest. */
export type RestStats = Readonly<
  Record<'pending' | 'scheduled' | 'running' | 'completed' | 'failed' | 'dead_letter' | 'cancelled', number>
>

/** What a run was, in `run.json`. */
export interface RunInfo {
  readonly namespace: string
  readonly types: readonly string[]
  readonly seed: number
  readonly brokers: number
  readonly partitions: number
  readonly seconds: number
  /** Activities a second that producers aimed at. */
  readonly rate: number
  readonly leaseMs: number
  readonly reapIntervalMs: number
  readonly sessionTimeoutMs: number
  /** The faults that were drawn; each must have been proven twice. */
  readonly faults: readonly string[]
  readonly startedMono: number
  /** When the load ended and the last fault was proven gone: from here on all must come to rest. */
  readonly healedMono: number
  /** When nothing was left to do; null: it did not come to rest within its time. */
  readonly restedMono: number | null
  /** Windows in which Redis may have known less than it was told: from a loss until `errand rebuild` had finished. */
  readonly redisLosses: readonly { readonly fromMono: number; readonly toMono: number }[]
  /** Processes that ended although nobody had killed them or told them to: each is a finding. */
  readonly exits?: readonly { readonly name: string; readonly why: string; readonly log: string }[]
}

/** All evidence of a run. */
export interface Evidence {
  readonly run: RunInfo
  readonly history: readonly HistoryLine[]
  readonly ledger: readonly LedgerLine[]
  readonly faults: readonly FaultLine[]
  readonly offsets: readonly OffsetSample[]
  readonly topics: TopicDump
  readonly redis: RedisDump
  readonly stats: RestStats
}

/** A broken promise. */
export interface Violation {
  /** Its number in the table of invariants: I1 … I18, L1. */
  readonly invariant: string
  readonly message: string
  /** Ids of the activities concerned, the first few. */
  readonly ids: readonly string[]
}

/** How an attempt ended, as the outcomes topic says, for the checker's own use. */
export interface OutcomeSeen {
  readonly id: string
  readonly attempt: number
  readonly outcome: AttemptOutcome
  readonly leaseId: string | null
  readonly startedAtMs: number | null
  readonly endedAtMs: number
  readonly nextAttemptAtMs: number | null
  readonly partition: number
  readonly offset: number
}
