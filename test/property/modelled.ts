// One activity as the model knows it, and what it is to be answered with.

import type { Activity, Status } from '../../src/core/activity.ts'

/** The result that is to be kept. */
export type Expected =
  | { readonly state: 'ok'; readonly json: string }
  /** `error` undefined: the contract does not say in which words. */
  | { readonly state: 'err'; readonly type: string; readonly error: string | undefined; readonly attempts: number }

/** What an ended attempt is told. */
export interface FailAnswer {
  readonly outcome: string
  readonly retryInMs?: number
}

/** One activity as the model knows it. Its attempt is always one more than its failed attempts. */
export interface Modelled {
  readonly sent: Activity
  status: Status
  retryCount: number
  dueAtMs: number
  lease: { id: string; worker: string; deadlineMs: number } | null
  lastWorker: string | null
  cancel: { reason: string | undefined } | null
  result: Expected | null
  redrivenAs: string | null
  readonly settled: Map<string, { said: string; answer: FailAnswer }>
  readonly released: Set<string>
  /** The lease of the settlement that nothing has superseded. */
  latest: string | null
}

/** A deadline or due time that a fixture has put in the past. */
export const PAST = -1
