// The case file of one activity: everything that the evidence says about it, from all sides, joined by its id and the ids of
// its leases. The checks read case files only.

import type { AttemptOutcome } from '../../../src/core/activity.ts'
import type { CallLine, LedgerLine, OutcomeSeen, Stamp } from '../evidence.ts'

/** A line of a history of one kind. */
export type Call<Op extends CallLine['op'], Phase extends CallLine['phase']> = Stamp &
  Extract<CallLine, { op: Op; phase: Phase }>

/** An enqueue as it was called, and what came of it: null when the process did not live to say. */
export interface EnqueueCall {
  readonly invoke: Call<'enqueue', 'invoke'>
  answer: Call<'enqueue', 'answer'> | null
}

/** A settlement as it was called, and what came of it. */
export interface SettleCall {
  readonly invoke: Call<'settle', 'invoke'>
  answer: Call<'settle', 'answer'> | null
}

/** A lease, as the processes that held it tell. */
export interface Lease {
  readonly id: string
  readonly leaseId: string
  readonly attempt: number
  readonly proc: string
  /** By Redis's clock. */
  readonly startedAtMs: number
  /** When its claim was answered. */
  readonly claimedMono: number
  readonly claim: Call<'claim', 'answer'>
  /** The same lease was answered more than once: its claim's first answer was lost. */
  readonly repeats: Call<'claim', 'answer'>[]
  readonly settles: SettleCall[]
  readonly releases: Call<'release', 'answer'>[]
  readonly renewals: Call<'renew', 'answer'>[]
}

/** How an attempt ended, as a record of the outcomes topic says. */
export interface Ending extends OutcomeSeen {
  readonly type: string
  readonly priority: string
  /** Failed attempts so far, as recorded. */
  readonly retryCount: number
  readonly createdAtMs: number
  /** The result's JSON text, made anew; 'null' when there is none. */
  readonly resultJson: string
  /** A reaper ended it: its time is by that process's clock, and its lease id is the reaper's token. */
  readonly isReaped: boolean
  /** Records that say the same. */
  copies: number
}

/** A record of the lanes or of the schedule. */
export interface LiveRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly id: string
  readonly attempt: number
}

/** A record of the dead-letter topic. */
export interface DeadLetterSeen {
  readonly partition: number
  readonly offset: number
  readonly id: string
  readonly attempts: number
  readonly type: string
  readonly priority: string
  /** The payload's own text. */
  readonly payloadJson: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Everything about one activity. */
export interface CaseFile {
  readonly id: string
  /** Calls that enqueued it, in the order of their processes. */
  readonly enqueues: EnqueueCall[]
  /** What it was enqueued as; of a redriven one, what the first of its line was. Null: nobody here enqueued it. */
  spec: Call<'enqueue', 'invoke'> | null
  /** The activity that it redrives. */
  redriveOf: string | null
  /** When somebody was first told that it is accepted; null: nobody was. */
  acceptedMono: number | null
  /** By when they were granted. */
  leases: Lease[]
  readonly starts: LedgerLine[]
  readonly ends: LedgerLine[]
  /** What its outcome records say, each once, by offset. */
  readonly endings: Ending[]
  readonly deadLetters: DeadLetterSeen[]
  /** Unfinished lane records and delay records without tombstone. */
  readonly live: LiveRecord[]
  readonly cancels: Call<'cancel', 'answer'>[]
  isCancelAsked: boolean
  readonly results: Call<'result', 'answer'>[]
}

/** A case file with nothing in it. */
export function emptyCaseFile(id: string): CaseFile {
  return {
    id,
    ...{ spec: null, redriveOf: null, acceptedMono: null, isCancelAsked: false },
    ...{ enqueues: [], leases: [], starts: [], ends: [], endings: [] },
    ...{ deadLetters: [], live: [], cancels: [], results: [] },
  }
}

/** The outcomes that end an activity. */
const TERMINAL: ReadonlySet<AttemptOutcome> = new Set(['completed', 'failed', 'dead_letter', 'cancelled'])

/** True when nothing follows. */
export function isTerminal(ending: Pick<Ending, 'outcome'>): boolean {
  return TERMINAL.has(ending.outcome)
}

/** The activity's end: the first by offset counts. Undefined when it has not ended. */
export function terminalOf(file: CaseFile): Ending | undefined {
  return file.endings.find(isTerminal)
}

/** Until when the lease was good, as far as anybody was told. By Redis's clock. */
export function knownDeadlineMs(lease: Lease): number {
  const renewed = lease.renewals.flatMap(({ outcome, deadlineMs }) =>
    outcome === 'renewed' && deadlineMs !== null ? [deadlineMs] : [],
  )
  return Math.max(lease.claim.deadlineMs, ...renewed)
}

/** Answers that accepted a settlement. */
const ACCEPTED: ReadonlySet<string> = new Set(['settled', 'retrying', 'failed', 'dead_letter', 'cancelled'])

/** Settlements under this lease that were accepted. */
export function acceptedSettles(lease: Lease): (SettleCall & { readonly answer: Call<'settle', 'answer'> })[] {
  return lease.settles.flatMap(({ invoke, answer }) =>
    answer !== null && ACCEPTED.has(answer.outcome) ? [{ invoke, answer }] : [],
  )
}

/** An outcome as the topic calls it. */
export function outcomeOf(answer: Call<'settle', 'answer'>): string {
  return answer.outcome === 'settled' ? 'completed' : answer.outcome
}
