// A worker as a process of its own: node worker-child.ts <LoadChildConfig as JSON>, with an IPC channel. It has no reaper.
// Its handlers write their start before they do anything, and their end once their effect is done; an attempt that throws
// has no end. On SIGTERM it stops within its grace.

import { z } from 'zod'
import { defineActivity } from '../../../src/client/define-activity.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { NonRetryableError, isErrandError } from '../../../src/core/errors.ts'
import type { HandlerContext } from '../../../src/worker/handler-context.ts'
import { Worker } from '../../../src/worker/worker.ts'
import type { LedgerLine, Plan } from '../evidence.ts'
import { mono } from '../evidence.ts'
import { LOAD_TYPES } from './child-config.ts'
import { live } from './child-life.ts'
import { HistoryFile, LineFile, ledgerPath } from './evidence-file.ts'
import { recorded } from './recording-storage.ts'

const CONCURRENCY = 20

const input = z.object({
  plan: z.object({
    kind: z.enum(['complete', 'flaky', 'doomed', 'refuse', 'slow']),
    ms: z.number(),
    failures: z.number(),
  }),
  n: z.number(),
  pad: z.string(),
})

await live(async ({ config, storage, logger, stopping, ready }) => {
  const { dir, name, leaseMs, graceMs } = config
  const ledger = new LineFile<LedgerLine>(ledgerPath(dir, name))
  /** Handlers are not told their lease. */
  const leaseIds = new Map<string, string>()
  const watched = recorded(storage, new HistoryFile(dir, name), {
    onClaimed: ({ activity, attempt, leaseId }) => leaseIds.set(`${activity.id}:${attempt}`, leaseId),
  })
  const worker = new Worker({
    ...{ storage: watched, workerId: name, concurrency: CONCURRENCY, leaseMs, graceMs, logger },
    reaper: false,
  })
  for (const type of LOAD_TYPES) {
    worker.handle(defineActivity({ type, input }), async ({ plan, n }, context) => {
      const { id, attempt } = context
      const leaseId = leaseIds.get(`${id}:${attempt}`) ?? ''
      leaseIds.delete(`${id}:${attempt}`)
      const note = (what: LedgerLine['what']): void =>
        ledger.append([{ what, proc: name, pid: process.pid, mono: mono(), id, attempt, leaseId }])
      note('start')
      await carryOut(plan, context)
      note('end')
      return { n, attempt }
    })
  }
  await worker.start()
  ready()
  await worker.run({ signal: stopping })
})

async function carryOut(plan: Plan, { attempt, signal }: HandlerContext): Promise<void> {
  switch (plan.kind) {
    case 'complete':
      return
    case 'flaky':
      if (attempt <= plan.failures) throw new Error(`attempt ${attempt} fails as planned`)
      return
    case 'doomed':
      throw new Error('every attempt fails as planned')
    case 'refuse':
      throw new NonRetryableError('refused as planned')
    case 'slow':
      try {
        return await systemClock.sleep(plan.ms, { signal })
      } catch (error) {
        throw isErrandError(error, 'cancelled') ? signal.reason : error
      }
  }
}
