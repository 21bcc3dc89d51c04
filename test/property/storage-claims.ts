// The command that claims: each claim is a ready attempt's only one, with a lease of its own, and as many are claimed as
// are ready and wanted.

import assert from 'node:assert/strict'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { StorageModel } from './storage-model.ts'
import type { System } from './storage-system.ts'

/** How the command claims. `types` are numbers of the system's types. */
export interface Claim {
  readonly limit: number
  readonly types: readonly number[]
  readonly leaseMs: number
  readonly worker: string
}

/** Claims what is ready, at most so many. */
export async function claimed(claim: Claim, model: StorageModel, system: System, storage: Storage): Promise<void> {
  const types = claim.types.map(nth => system.types[nth] ?? system.types[0])
  const wanted = Math.min(claim.limit, model.ready(types).length)
  const params = { workerId: claim.worker, types, leaseMs: claim.leaseMs, timeoutMs: system.isExact ? 0 : 50 }
  let count = 0
  await storage.catchUp({ types, timeoutMs: 10_000 })
  await system.eventually(async () => {
    const claims = await storage.dequeue({ ...params, limit: claim.limit - count })
    for (const one of claims) take(one, { ...claim, types }, model, system)
    count += claims.length
    assert.equal(count, wanted, `claimed, of at most ${claim.limit}`)
  })
}

function take(
  one: ClaimedAttempt,
  { types, leaseMs, worker }: Pick<Claim, 'leaseMs' | 'worker'> & { readonly types: readonly string[] },
  model: StorageModel,
  system: System,
): void {
  const { activity, leaseId, startedAtMs } = one
  const { id } = activity
  const ready = model.ready(types).find(each => each.sent.id === id)
  assert.ok(ready !== undefined, `${id} was claimed and is ${model.find(id)?.status ?? 'unknown'}, not ready`)
  assert.equal(
    model.leases.some(each => each.leaseId === leaseId),
    false,
    `lease ${leaseId} was given before`,
  )
  const { sent, retryCount } = ready
  const { type, priority, payloadJson, maxAttempts, key, redriveOf } = activity
  assert.deepEqual(
    { type, priority, payloadJson, maxAttempts, key, redriveOf, attempt: one.attempt, retryCount: activity.retryCount },
    {
      type: sent.type,
      priority: sent.priority,
      payloadJson: sent.payloadJson,
      maxAttempts: sent.maxAttempts,
      key: sent.key,
      redriveOf: sent.redriveOf,
      attempt: retryCount + 1,
      retryCount,
    },
    `claim of ${id}`,
  )
  assert.equal(activity.attempt, one.attempt)
  assert.equal(one.deadlineMs - startedAtMs, leaseMs, `length of the lease of ${id}`)
  assert.ok(Math.abs(startedAtMs - system.nowMs()) <= system.slackMs, `start of ${id}: ${startedAtMs}`)
  assert.ok(startedAtMs >= ready.dueAtMs, `${id} started at ${startedAtMs}, due at ${ready.dueAtMs}`)
  model.claim(ready, one, worker)
}
