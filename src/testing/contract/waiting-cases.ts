// dequeue waits: it wakes when something becomes ready, wherever that was done, and gives up when told to.

import assert from 'node:assert/strict'
import type { ClaimedAttempt } from '../../core/activity.ts'
import type { Storage } from '../../storage/storage.ts'
import type { ContractCase, ContractSetup } from './case.ts'
import { claim, claimNothing, claimOne, enqueue, enqueueOne, enqueueThese, expire, leaseOf, makeDue } from './steps.ts'

/** From ready to claimed by somebody who waits, at most. */
const WAKE_MS = 250

function wait(setup: ContractSetup, storage: Storage = setup.storage): Promise<readonly ClaimedAttempt[]> {
  return storage.dequeue({ workerId: 'w1', timeoutMs: 10_000, types: setup.types, leaseMs: 3_600_000 })
}

/** The best of three lags, in ms: a pause of the machine is not the storage's. */
async function bestLag(setup: ContractSetup, enqueuer: Storage): Promise<number> {
  const lags: number[] = []
  for (let round = 0; round < 3; round++) {
    const activity = setup.newActivity()
    const woken = wait(setup).then(claimed => ({ claimed, atMs: setup.clock.monotonicMs() }))
    await setup.clock.sleep(30) // let the wait begin
    await enqueueThese(enqueuer, [activity])
    const enqueuedMs = setup.clock.monotonicMs()
    const { claimed, atMs } = await woken
    assert.deepEqual(
      claimed.map(one => one.activity.id),
      [activity.id],
    )
    lags.push(atMs - enqueuedMs)
  }
  return Math.min(...lags)
}

/** Waiting in `dequeue`. */
export const waitingCases: readonly ContractCase[] = [
  {
    name: 'a dequeue is empty after its timeout, not before',
    rule: 'dequeue',
    async run(setup) {
      const fromMs = setup.clock.monotonicMs()
      const look = { workerId: 'w1', types: setup.types }
      assert.deepEqual(await setup.storage.dequeue({ ...look, timeoutMs: 200 }), [])
      const tookMs = setup.clock.monotonicMs() - fromMs
      assert.ok(tookMs >= 195 && tookMs < 2_000, `${tookMs} ms`)
      assert.deepEqual(await setup.storage.dequeue({ ...look, timeoutMs: 0 }), [])
    },
  },
  {
    name: `a waiting dequeue wakes within ${WAKE_MS} ms of an enqueue`,
    rule: 'dequeue',
    async run(setup) {
      const lagMs = await bestLag(setup, setup.storage)
      assert.ok(lagMs < WAKE_MS, `woken after ${lagMs} ms`)
    },
  },
  {
    name: `a waiting dequeue wakes within ${WAKE_MS} ms of an enqueue in another process`,
    rule: 'dequeue',
    async run(setup) {
      // Of the two only the setup's storage claims the type, so that what is enqueued is its.
      const type = `${setup.types[0]}-mine`
      await setup.storage.subscribe({ types: [type] })
      const other = await setup.open()
      await other.declareTypes({ types: [type] })
      const mine = { ...setup, types: [type], newActivity: () => setup.newActivity({ type }) }
      const lagMs = await bestLag(mine, other)
      assert.ok(lagMs < WAKE_MS, `woken after ${lagMs} ms`)
    },
  },
  {
    name: 'several waiting dequeues each get one, and nothing is given twice',
    rule: 'dequeue',
    async run(setup) {
      const waiting = Array.from({ length: 5 }, () => wait(setup))
      const activities = await enqueue(setup, {}, {}, {}, {}, {})
      const claimed = (await Promise.all(waiting)).flat()
      assert.deepEqual(new Set(claimed.map(one => one.activity.id)), new Set(activities.map(({ id }) => id)))
      assert.equal(claimed.length, 5)
      await claimNothing(setup)
    },
  },
  {
    name: 'a waiting dequeue wakes for what is released, taken back or due',
    rule: 'dequeue',
    async run(setup) {
      const { id } = await enqueueOne(setup)
      const first = await claimOne(setup)
      let waiting = wait(setup)
      await setup.storage.releaseLease(leaseOf(first))
      assert.deepEqual(
        (await waiting).map(one => [one.activity.id, one.attempt]),
        [[id, 1]],
      )
      waiting = wait(setup)
      await expire(setup, id)
      assert.deepEqual(
        (await waiting).map(one => [one.activity.id, one.attempt]),
        [[id, 2]],
      )
      const later = await enqueueOne(setup, { delayMs: 3_600_000 })
      waiting = wait(setup)
      await makeDue(setup, later.id)
      await setup.storage.processScheduled({ limit: 100 })
      assert.deepEqual(
        (await waiting).map(one => one.activity.id),
        [later.id],
      )
    },
  },
  {
    name: 'a waiting dequeue does not wake for other types',
    rule: 'dequeue, 7',
    types: ['-a', '-b'],
    async run(setup) {
      const [first, second] = setup.types
      assert.ok(first !== undefined && second !== undefined)
      const waiting = setup.storage.dequeue({ workerId: 'w1', timeoutMs: 300, types: [first] })
      await enqueueOne(setup, { type: second })
      assert.deepEqual(await waiting, [])
      assert.equal((await claimOne(setup, { types: [second] })).activity.type, second)
    },
  },
  {
    name: 'a dequeue ends empty when its signal aborts, before or while it waits, and claims nothing more',
    rule: 'dequeue',
    async run(setup) {
      const { clock, storage, types } = setup
      const look = { workerId: 'w1', timeoutMs: 10_000, types }
      const aborter = new AbortController()
      const waiting = storage.dequeue({ ...look, signal: aborter.signal })
      await clock.sleep(30)
      const fromMs = clock.monotonicMs()
      aborter.abort()
      assert.deepEqual(await waiting, [])
      assert.ok(clock.monotonicMs() - fromMs < 1_000)
      await enqueueOne(setup)
      assert.deepEqual(await storage.dequeue({ ...look, signal: AbortSignal.abort() }), [])
      await claimOne(setup)
    },
  },
  {
    name: 'after catchUp everything enqueued before can be claimed without waiting',
    rule: 'catchUp',
    async run(setup) {
      const { storage, types } = setup
      assert.equal(await storage.catchUp({ types, timeoutMs: 10_000 }), true)
      await enqueue(setup, ...Array.from({ length: 25 }, () => ({})))
      assert.equal(await storage.catchUp({ types, timeoutMs: 10_000 }), true)
      const claimed = await storage.dequeue({ workerId: 'w1', timeoutMs: 0, types, limit: 100 })
      assert.equal(claimed.length, 25)
    },
  },
  {
    name: 'in a fleet of two every activity is claimed once',
    rule: 'dequeue, 4',
    async run(setup) {
      const other = await setup.open()
      const storages = [setup.storage, other]
      const activities = await enqueue(setup, ...Array.from({ length: 100 }, () => ({})))
      const claimed = await claim(setup, { count: 100, limit: 9, storages })
      assert.deepEqual(new Set(claimed.map(one => one.activity.id)), new Set(activities.map(({ id }) => id)))
      assert.equal(new Set(claimed.map(one => one.leaseId)).size, 100)
      await claimNothing(setup, storages)
    },
  },
  {
    name: 'a thousand activities in one call are answered in order and each is claimed once',
    rule: 'enqueueMany',
    async run(setup) {
      const activities = Array.from({ length: 1_000 }, (_, at) => setup.newActivity({ payload: at }))
      await enqueueThese(setup.storage, activities)
      const claimed = await claim(setup, { count: 1_000, limit: 100 })
      assert.equal(new Set(claimed.map(one => one.activity.payloadJson)).size, 1_000)
      await setup.storage.ackSuccess({ leases: claimed.map(leaseOf) })
      await claimNothing(setup)
    },
  },
  {
    name: 'the chores of the reaper answer, and disturb nothing',
    rule: 'MaintenanceStorage',
    async run(setup) {
      const { id } = await enqueueOne(setup, { key: 'k' })
      const later = await enqueueOne(setup, { delayMs: 3_600_000 })
      assert.ok((await setup.storage.confirmReservations({ limit: 100 })) >= 0)
      assert.ok((await setup.storage.trimLanes()) >= 0)
      assert.ok((await setup.storage.sweepScheduled()) >= 0)
      assert.equal((await claimOne(setup)).activity.id, id)
      await claimNothing(setup)
      await makeDue(setup, later.id)
      await setup.storage.processScheduled({ limit: 100 })
      assert.equal((await claimOne(setup)).activity.id, later.id)
    },
  },
]
