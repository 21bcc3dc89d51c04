// What a worker process of a test is told, what it says, and the activity that it runs.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'

/** How a worker process works. */
export interface ChildConfig {
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly partitions: number
  /** The file to which every start and end of a handler is appended, by all processes of a test. */
  readonly ledgerFile: string
  readonly name: string
  readonly concurrency: number
  readonly graceMs: number
  readonly leaseMs: number
  readonly sessionTimeoutMs: number
  readonly reapIntervalMs: number
  /** Whether `hang` hangs in this process; in the others it ends at once. */
  readonly isHanging: boolean
}

/** One line of the ledger. */
export interface LedgerLine {
  readonly what: 'start' | 'end'
  readonly worker: string
  readonly pid: number
  readonly id: string
  readonly attempt: number
  readonly leaseId: string
  /** Ms since the epoch. */
  readonly atMs: number
}

/** What a worker process says to the test. */
export type ChildMessage =
  | { readonly event: 'ready' }
  | { readonly event: 'started'; readonly id: string; readonly attempt: number }
  | { readonly event: 'acked'; readonly id: string; readonly answer: string }
  | { readonly event: 'lease_lost'; readonly id: string; readonly attempt: number }
  | { readonly event: 'stopped'; readonly drained: boolean; readonly remaining: number }

/** Ways to throw that a handler may come upon. */
export const ODD_THROWS = [
  'undefined',
  'null',
  'text',
  'number',
  'symbol',
  'bigint',
  'function',
  'bare object',
  'error whose message throws',
  'error with itself as cause',
  'error of 5 MB',
  'revoked proxy',
  'hostile proxy',
  'late rejection',
  'thenable that throws',
  'thenable that rejects twice',
] as const
/** One of {@link ODD_THROWS}. */
export type OddThrow = (typeof ODD_THROWS)[number]

/** Results that are none: another run would make the same, so they end as failed. */
export const ODD_RESULTS = ['circle', 'bigint result', 'toJSON that throws', 'lone surrogate'] as const
/** One of {@link ODD_RESULTS}. */
export type OddResult = (typeof ODD_RESULTS)[number]

/** The work of the tests: what to do stands in the input. */
export const work = defineActivity({
  type: 'work',
  input: z.object({
    do: z.enum([
      'note', // sleeps for `ms`
      'hang', // never ends, in a process that hangs
      'endless', // never ends, anywhere
      'block', // holds the event loop for `ms`, in its first attempt
      ...ODD_THROWS,
      ...ODD_RESULTS,
    ]),
    ms: z.number().default(0),
  }),
  maxAttempts: 3,
  timeoutMs: 60_000,
  retryDelayMs: 0,
})

/** All lines of a ledger. */
export function readLedger(file: string): LedgerLine[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as LedgerLine)
}

/** Attempts that were started more than once: where, for messages. */
export function startedTwice(lines: readonly LedgerLine[]): string[] {
  const starts = new Map<string, LedgerLine[]>()
  for (const line of lines) {
    if (line.what !== 'start') continue
    const attempt = `${line.id} attempt ${line.attempt}`
    starts.set(attempt, [...(starts.get(attempt) ?? []), line])
  }
  return [...starts]
    .filter(([, found]) => found.length > 1)
    .map(
      ([attempt, found]) => `${attempt} by ${found.map(({ worker, leaseId }) => `${worker} (${leaseId})`).join(', ')}`,
    )
}
