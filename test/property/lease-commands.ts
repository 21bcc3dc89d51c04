// What can be asked with a lease: live ones, old ones, ones that never were.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { LeaseRef, Storage } from '../../src/storage/storage.ts'
import type { StorageModel } from './storage-model.ts'
import type { Command, Pace } from './storage-step.ts'
import { NOBODY, pick, step } from './storage-step.ts'
import type { Settlement, System } from './storage-system.ts'

const leasePick = fc.record({ which: fc.constantFrom('live', 'live', 'old', 'any'), nth: pick })

/** Settles, renews, gives back. */
export function leaseCommands(pace: Pace): fc.Arbitrary<Command>[] {
  const succeed = step(
    'ackSuccess',
    { lease: leasePick, json: fc.constantFrom('1', '{"n":2}', null) },
    ({ lease, json }, model, system, storage) => settle({ ref: pickLease(model, lease), json }, model, system, storage),
  )
  const fail = step(
    'ackFailure',
    {
      lease: leasePick,
      kind: fc.constantFrom('retryable', 'retryable', 'timeout', 'non_retryable', 'cancelled'),
      message: fc.constantFrom('it broke', 'it broke', 'busy'),
    },
    ({ lease, kind, message }, model, system, storage) => {
      const later = message === 'busy' ? { retryAfterMs: 7_000_000 } : {}
      const failure = { kind, error: { name: 'Error', message }, ...later }
      return settle({ ref: pickLease(model, lease), failure }, model, system, storage)
    },
  )
  const again = step('settleAgain', { back: fc.nat(3) }, async ({ back }, model, system, storage) => {
    const settlement = system.settlements.at(-1 - back)
    if (settlement !== undefined) await settle(settlement, model, system, storage)
  })
  const extend = step(
    'extendLease',
    { lease: leasePick, byMs: fc.constantFrom(...pace.leasesMs) },
    async ({ lease, byMs }, model, system, storage) => {
      const ref = pickLease(model, lease)
      const one = model.live(ref)
      const untilMs = Math.max(one?.lease?.deadlineMs ?? 0, system.nowMs() + byMs)
      const answer = await storage.extendLease({ ...ref, byMs })
      if (answer.outcome === 'lost') return assert.equal(one, undefined, `renewal of the live lease of ${ref.id}`)
      assert.ok(one?.lease !== undefined && one.lease !== null, `renewal of a lost lease of ${ref.id}`)
      assert.equal(answer.cancelRequested, one.cancel !== null, `cancelRequested of ${ref.id}`)
      const offMs = Math.abs(answer.deadlineMs - untilMs)
      assert.ok(offMs <= system.slackMs, `deadline of ${ref.id} is ${answer.deadlineMs}, not ${untilMs}`)
      one.lease.deadlineMs = answer.deadlineMs
    },
  )
  const release = step('releaseLease', { lease: leasePick }, async ({ lease }, model, _system, storage) => {
    const ref = pickLease(model, lease)
    isOneOf<string>(await storage.releaseLease(ref), model.release(ref), `releaseLease of ${ref.id}`)
  })
  return [succeed, fail, fail, again, extend, release]
}

async function settle(asked: Settlement, model: StorageModel, system: System, storage: Storage): Promise<void> {
  const { ref } = asked
  if (model.live(ref) !== undefined) system.settlements.push(asked)
  if ('json' in asked) {
    const [said] = await storage.ackSuccess({ leases: [{ ...ref, resultJson: asked.json }] })
    return isOneOf<string | undefined>(said, model.complete(ref, asked.json ?? 'null'), `ackSuccess of ${ref.id}`)
  }
  const answer = await storage.ackFailure({ ...ref, failure: asked.failure })
  const { outcome } = answer
  const said = answer.outcome === 'retrying' ? { outcome, retryInMs: answer.retryInMs } : { outcome }
  isOneOf(said, model.fail(ref, asked.failure, system.nowMs()), `ackFailure of ${ref.id}`)
}

/** A live lease, an old one of what has not ended, or any that ever was and one that never was. */
function pickLease(model: StorageModel, { which, nth }: { which: 'live' | 'old' | 'any'; nth: number }): LeaseRef {
  const wanted = model.leases.filter(({ id, leaseId }) => {
    const one = model.activities.get(id)
    return which === 'live' ? one?.lease?.id === leaseId : one?.result === null && one.lease?.id !== leaseId
  })
  if (which !== 'any' && wanted.length > 0) return wanted[nth % wanted.length] ?? NOBODY
  return model.leases[nth % (model.leases.length + 1)] ?? NOBODY
}

function isOneOf<T>(answer: T, allowed: readonly T[], about: string): void {
  const texts = allowed.map(each => JSON.stringify(each))
  assert.ok(texts.includes(JSON.stringify(answer)), `${about}: ${JSON.stringify(answer)}, not ${texts.join(' or ')}`)
}
