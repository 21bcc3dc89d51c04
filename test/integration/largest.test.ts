// The largest activity that is accepted, failing in the most verbose way: every record that it becomes still fits.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { AttemptFailureReport } from '../../src/core/activity.ts'
import { recordFailure } from '../../src/core/failure.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { ObservedNamespace, runAlone } from '../support/observed-namespace.ts'

const large = defineActivity({ type: 'large', input: z.string(), maxAttempts: 7, retryDelayMs: 0 })
// A control character takes one byte of a limit and six of a record.
const VERBOSE = '\u0001'

function metadata(): Record<string, string> {
  const entries = Array.from({ length: 4 }, (_, at) => [`key-${at}`, VERBOSE.repeat(LIMITS.metadataValueBytesMax - 8)])
  return Object.fromEntries(entries) as Record<string, string>
}

function verboseFailure(kind: AttemptFailureReport['kind']): AttemptFailureReport {
  const cause = Array.from({ length: 10 }).reduce<Error>(
    inner => Object.assign(new Error(VERBOSE.repeat(10_000), { cause: inner }), { name: VERBOSE.repeat(500) }),
    new Error('first'),
  )
  cause.stack = VERBOSE.repeat(50_000)
  return { kind, error: recordFailure(cause) }
}

test.each(['retryable', 'non_retryable'] as const)(
  'the largest activity ends when its handlers fail as verbosely as they can (%s)',
  async kind => {
    await using observed = await ObservedNamespace.open({ types: [large.type], partitions: 1 })
    const { storage } = observed
    await storage.subscribe({ types: [large.type] })
    const payload = 'x'.repeat(LIMITS.payloadBytesMax - 2)
    const [id = ''] = await observed.enqueueAll(large, [payload], { metadata: metadata() })
    for (let attempt = 1; attempt <= 7; attempt++) {
      await storage.processScheduled({ limit: 10 })
      const [claimed] = await storage.dequeue({ workerId: 'w', timeoutMs: 10_000, leaseMs: 60_000 })
      expect(claimed?.attempt, runAlone()).toBe(attempt)
      if (claimed === undefined) return
      const { outcome } = await storage.ackFailure({ id, leaseId: claimed.leaseId, failure: verboseFailure(kind) })
      expect(outcome).toBe(kind === 'non_retryable' ? 'failed' : attempt < 7 ? 'retrying' : 'dead_letter')
      if (outcome !== 'retrying') break
    }
    const { id: again } = await storage.redrive({ id })
    const [claimed] = await storage.dequeue({ workerId: 'w', timeoutMs: 10_000, leaseMs: 60_000 })
    expect(claimed?.activity.id).toBe(again)
    expect(claimed?.activity.payloadJson.length).toBe(LIMITS.payloadBytesMax)
  },
)
