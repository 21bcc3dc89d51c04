// Every state of an activity that leaves something in Redis, made one after another: what waits in `work` comes last, so
// that what is claimed before is the only one there is.

import { expect } from 'vitest'
import { DUPLICATE_BEHAVIORS } from '../../src/core/activity.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import type { RebuildGround } from './rebuild-ground.ts'
import { PARKED, WORK } from './rebuild-ground.ts'

const HOUR_MS = 3_600_000

/** Ids by what became of them. */
export interface MadeStates {
  readonly ids: Readonly<Record<string, string>>
  readonly keys: readonly { readonly type: string; readonly key: string }[]
}

/** Makes them all. */
export async function makeStates(ground: RebuildGround): Promise<MadeStates> {
  const ids: Record<string, string> = {}
  const keys: { type: string; key: string }[] = []
  await makeEnded(ground, ids)
  await makeScheduled(ground, ids)
  await makeEndedKeys(ground, ids, keys)
  await makeParked(ground, ids, keys)
  await makeWaiting(ground, ids, keys)
  return { ids, keys }
}

async function makeEnded(ground: RebuildGround, ids: Record<string, string>): Promise<void> {
  const make = async (name: string, spec: Parameters<RebuildGround['enqueue']>[0] = {}): Promise<string> =>
    (ids[name] = (await ground.enqueue(spec)).id)
  await ground.complete(await make('completed', { priority: 'high' }), '{"n":12345678901234567890,"text":"é\\\\u0000"}')
  await ground.complete(await make('completed without a result'))
  await ground.complete(await make('with an id of its own', { id: 'order:4711' }), '1')
  const retried = await make('completed after a failure', { retryDelayMs: 0 })
  await ground.fail(retried, 'retryable', 'retrying')
  await ground.complete(retried, '"second"')
  await ground.fail(await make('failed'), 'non_retryable', 'failed')
  await ground.fail(await make('dead-lettered', { maxAttempts: 1 }), 'timeout', 'dead_letter')
  await cancelRunning(ground, await make('cancelled while running'))
  await ground.cancel(await make('cancelled, then seen'), 'cancelled', 'not wanted')
  await seen(ground, ids['cancelled, then seen'] ?? '')
  await expireRunning(ground, await make('dead-lettered by the reaper', { maxAttempts: 1 }))
  const redriven = await make('redriven')
  await ground.fail(redriven, 'non_retryable', 'failed')
  ids['completed redrive'] = (await ground.storage.redrive({ id: redriven })).id
  await ground.complete(ids['completed redrive'], '"again"')
}

async function cancelRunning(ground: RebuildGround, id: string): Promise<void> {
  const { leaseId } = await ground.claim(id)
  await ground.cancel(id, 'cancel_requested', 'too late')
  const failure = { kind: 'cancelled', error: { name: 'Error', message: 'stopped' } } as const
  expect(await ground.storage.ackFailure({ id, leaseId, failure })).toEqual({ outcome: 'cancelled' })
}

async function expireRunning(ground: RebuildGround, id: string): Promise<void> {
  await ground.claim(id)
  await ground.storage.fixtures.expireLease({ id })
  await ground.storage.requeueExpired({ limit: 10 })
}

/** A worker looks at the lane record of one that was cancelled. */
async function seen(ground: RebuildGround, id: string): Promise<void> {
  const marker = new Keys(ground.namespace).marker(id)
  for (let looks = 0; (await ground.redis.pttl(marker)) === -1; looks++) {
    expect(looks, 'the lane record was not seen').toBeLessThan(50)
    await ground.claimNothing()
  }
}

async function makeScheduled(ground: RebuildGround, ids: Record<string, string>): Promise<void> {
  const make = async (name: string, spec: Parameters<RebuildGround['enqueue']>[0]): Promise<string> =>
    (ids[name] = (await ground.enqueue(spec)).id)
  await make('scheduled', { delayMs: 2 * HOUR_MS, priority: 'low' })
  await ground.cancel(await make('cancelled while scheduled', { delayMs: HOUR_MS }), 'cancelled')
  await ground.fail(await make('to be retried', { retryDelayMs: HOUR_MS }), 'retryable', 'retrying')
  const retried = await make('cancelled before its retry', { retryDelayMs: HOUR_MS })
  await ground.fail(retried, 'retryable', 'retrying')
  await ground.cancel(retried, 'cancelled', 'given up')
}

async function makeEndedKeys(
  ground: RebuildGround,
  ids: Record<string, string>,
  keys: { type: string; key: string }[],
): Promise<void> {
  const make = async (key: string, nth: number, onDuplicate: (typeof DUPLICATE_BEHAVIORS)[number]): Promise<string> =>
    (ids[`${key} ${nth}`] = (await ground.enqueue({ key, onDuplicate })).id)
  for (const onDuplicate of DUPLICATE_BEHAVIORS) {
    keys.push({ type: WORK, key: `${onDuplicate} {x}` }, { type: WORK, key: `${onDuplicate} failed` })
    await ground.complete(await make(`${onDuplicate} {x}`, 1, onDuplicate), '"done"')
    await ground.fail(await make(`${onDuplicate} failed`, 1, onDuplicate), 'non_retryable', 'failed')
  }
  await ground.complete(await make('allow_reuse {x}', 2, 'allow_reuse'))
  await ground.fail(await make('allow_reuse {x}', 3, 'allow_reuse'), 'non_retryable', 'failed')
  await ground.complete(await make('allow_reuse_on_failure failed', 2, 'allow_reuse_on_failure'))
  await ground.complete(await make('no_reuse retried', 1, 'no_reuse'))
  keys.push({ type: WORK, key: 'no_reuse retried' })
  ids['keyed, to be retried'] = (await ground.enqueue({ key: 'retry', retryDelayMs: HOUR_MS })).id
  await ground.fail(ids['keyed, to be retried'], 'retryable', 'retrying')
  keys.push({ type: WORK, key: 'retry' })
}

async function makeParked(
  ground: RebuildGround,
  ids: Record<string, string>,
  keys: { type: string; key: string }[],
): Promise<void> {
  for (const onDuplicate of DUPLICATE_BEHAVIORS) {
    ids[`parked ${onDuplicate}`] = (await ground.enqueue({ type: PARKED, key: onDuplicate, onDuplicate })).id
    keys.push({ type: PARKED, key: onDuplicate })
  }
  for (const nth of [1, 2, 3]) {
    ids[`parked and moved ${nth}`] = (
      await ground.enqueue({ type: PARKED, key: 'moved', onDuplicate: 'allow_reuse' })
    ).id
  }
  ids['keyed and scheduled'] = (await ground.enqueue({ type: PARKED, key: 'later', delayMs: 30 * HOUR_MS })).id
  ids['cancelled and unseen'] = (await ground.enqueue({ type: PARKED, key: 'cancelled' })).id
  await ground.cancel(ids['cancelled and unseen'], 'cancelled', 'never mind')
  ids['cancelled, unseen and redriven'] = (await ground.enqueue({ type: PARKED })).id
  await ground.cancel(ids['cancelled, unseen and redriven'], 'cancelled')
  ids['waiting redrive'] = (await ground.storage.redrive({ id: ids['cancelled, unseen and redriven'] })).id
  ids['parked'] = (await ground.enqueue({ type: PARKED })).id
  keys.push(...['moved', 'later', 'cancelled'].map(key => ({ type: PARKED, key })))
}

async function makeWaiting(
  ground: RebuildGround,
  ids: Record<string, string>,
  keys: { type: string; key: string }[],
): Promise<void> {
  const running = (await ground.enqueue({ key: 'running' })).id
  await ground.claim(running)
  const retried = (await ground.enqueue({ retryDelayMs: 0 })).id
  await ground.fail(retried, 'retryable', 'retrying')
  await ground.claim(retried)
  Object.assign(ids, { 'running, keyed': running, 'running again': retried })
  // Both are claimed before either waits again.
  const released = (await ground.enqueue()).id
  const { leaseId } = await ground.claim(released)
  const expired = (await ground.enqueue({ priority: 'critical' })).id
  await expireRunning(ground, expired)
  expect(await ground.storage.releaseLease({ id: released, leaseId })).toBe('released')
  ids['waiting after its lease expired'] = expired
  ids['released'] = released
  ids['redrive of a dead letter'] = (await ground.storage.redrive({ id: ids['dead-lettered'] ?? '' })).id
  ids['key of an ended one moved to one that waits'] = (
    await ground.enqueue({ key: 'allow_reuse {x}', onDuplicate: 'allow_reuse' })
  ).id
  keys.push({ type: WORK, key: 'running' })
}
