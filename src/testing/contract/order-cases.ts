// Rules 6 and 7: what is claimed first, and of which types.

import assert from 'node:assert/strict'
import type { ClaimedAttempt } from '../../core/activity.ts'
import { SHARE_WINDOW } from '../../core/fair-share.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES, PRIORITY_WEIGHTS } from '../../core/priority.ts'
import type { CaseSpec, ContractCase, ContractSetup } from './case.ts'
import { claim, claimNothing, claimOne, enqueue, enqueueOne, enqueueThese, offer, refuses } from './steps.ts'

const PER_LANE = 40
/** Claims during which no lane of {@link PER_LANE} can run empty. */
const CLAIMS = 60

async function fillAllLanes(setup: ContractSetup): Promise<void> {
  const specs: CaseSpec[] = Array.from({ length: PER_LANE }, (_, at) =>
    PRIORITIES.map(priority => ({ priority, payload: at })),
  ).flat()
  await enqueue(setup, ...specs)
}

/** Every window of claims holds each lane's weight. */
function checkShares(claimed: readonly ClaimedAttempt[]): void {
  const lanes = claimed.map(one => one.activity.priority)
  for (let from = 0; from + SHARE_WINDOW <= lanes.length; from++) {
    const window = lanes.slice(from, from + SHARE_WINDOW)
    for (const priority of PRIORITIES) {
      const got = window.filter(lane => lane === priority).length
      const least = PRIORITY_WEIGHTS[priority]
      assert.ok(
        got >= least,
        `${priority} got ${got} of claims ${from} to ${from + SHARE_WINDOW - 1}; at least ${least} are due`,
      )
    }
  }
}

/** Rules 6 and 7. */
export const orderCases: readonly ContractCase[] = [
  {
    name: 'higher priority goes first, whatever came first',
    rule: '6, S8',
    async run(setup) {
      for (const priority of ['low', 'normal', 'high', 'critical'] satisfies Priority[])
        await enqueueOne(setup, { priority })
      const claimed = await claim(setup, { count: 4 })
      assert.deepEqual(
        claimed.map(one => one.activity.priority),
        [...PRIORITIES],
      )
    },
  },
  {
    name: 'within a priority the older goes first',
    rule: '6, S8',
    async run(setup) {
      const fromMs = setup.clock.nowMs() - 60_000
      const specs = Array.from({ length: 24 }, (_, at) => ({ createdAtMs: fromMs + at * 10 }))
      const activities = await enqueue(setup, ...specs)
      const claimed = await claim(setup, { count: 24, limit: 5 })
      assert.deepEqual(
        claimed.map(one => one.activity.id),
        activities.map(({ id }) => id),
      )
    },
  },
  {
    name: 'in any 15 claims with no lane empty each gets its weight (8 : 4 : 2 : 1), claimed one by one',
    rule: '6, S8',
    async run(setup) {
      await fillAllLanes(setup)
      checkShares(await claim(setup, { count: CLAIMS, limit: 1 }))
    },
  },
  {
    name: 'in any 15 claims with no lane empty each gets its weight (8 : 4 : 2 : 1), claimed in batches',
    rule: '6, S8',
    async run(setup) {
      await fillAllLanes(setup)
      checkShares(await claim(setup, { count: CLAIMS, limit: 7 }))
    },
  },
  {
    name: 'a low activity does not starve behind many critical ones',
    rule: '6, S8',
    async run(setup) {
      const { id } = await enqueueOne(setup, { priority: 'low' })
      await enqueue(setup, ...Array.from({ length: 40 }, () => ({ priority: 'critical' }) as const))
      const claimed = await claim(setup, { count: SHARE_WINDOW })
      assert.ok(
        claimed.some(one => one.activity.id === id),
        'it is among the first 15 claims',
      )
    },
  },
  {
    name: 'only the asked-for types are claimed',
    rule: '7, S14',
    types: ['-a', '-b'],
    async run(setup) {
      const [first, second] = setup.types
      assert.ok(first !== undefined && second !== undefined)
      await enqueue(setup, { type: first, priority: 'critical' }, { type: second, priority: 'low' })
      const claimed = await claimOne(setup, { types: [second] })
      assert.equal(claimed.activity.type, second)
      assert.deepEqual(await setup.storage.dequeue({ workerId: 'w1', timeoutMs: 100, types: [second], limit: 10 }), [])
      assert.equal((await claimOne(setup, { types: [first] })).activity.type, first)
    },
  },
  {
    name: 'several types are claimed together, still by priority',
    rule: '6, 7',
    types: ['-a', '-b'],
    async run(setup) {
      const [first, second] = setup.types
      await enqueue(
        setup,
        { type: first, priority: 'low' },
        { type: second, priority: 'high' },
        { type: first, priority: 'critical' },
        { type: second, priority: 'normal' },
      )
      const claimed = await claim(setup, { count: 4 })
      assert.deepEqual(
        claimed.map(one => [one.activity.type, one.activity.priority]),
        [
          [first, 'critical'],
          [second, 'high'],
          [second, 'normal'],
          [first, 'low'],
        ],
      )
    },
  },
  {
    name: 'a dequeue claims no more than its limit, and 1 when none is given',
    rule: '7, dequeue',
    async run(setup) {
      const { storage, types } = setup
      await enqueue(setup, ...Array.from({ length: 8 }, () => ({})))
      const seen: string[] = []
      for (const limit of [undefined, 3, 2]) {
        await storage.catchUp({ types, timeoutMs: 15_000 })
        const claimed = await storage.dequeue({
          workerId: 'w1',
          timeoutMs: 5_000,
          types,
          leaseMs: 3_600_000,
          ...(limit === undefined ? {} : { limit }),
        })
        assert.ok(claimed.length >= 1 && claimed.length <= (limit ?? 1), `${claimed.length} for a limit of ${limit}`)
        seen.push(...claimed.map(one => one.activity.id))
      }
      seen.push(...(await claim(setup, { count: 8 - seen.length })).map(one => one.activity.id))
      assert.equal(new Set(seen).size, 8)
      await claimNothing(setup)
    },
  },
  {
    name: 'a type that nobody declared is refused by the enqueue, naming type, and nothing is written',
    rule: 'declareTypes, 12',
    async run(setup) {
      const activity = setup.newActivity({ type: `${setup.types[0]}-never-declared` })
      const answer = await offer(setup.storage, activity)
      assert.ok(answer.outcome === 'refused')
      assert.equal(answer.code, 'invalid_argument')
      assert.match(answer.message, /type/)
      assert.equal(await setup.storage.getActivity({ id: activity.id }), null)
    },
  },
  {
    name: 'a type that is not subscribed to cannot be claimed, also when it is declared',
    rule: 'subscribe, dequeue',
    async run(setup) {
      const { storage } = setup
      const declared = `${setup.types[0]}-declared`
      await storage.declareTypes({ types: [declared] })
      await refuses(storage.dequeue({ workerId: 'w1', timeoutMs: 0, types: [declared] }), 'invalid_argument', 'type')
      await refuses(
        storage.dequeue({ workerId: 'w1', timeoutMs: 0, types: ['unheard-of'] }),
        'invalid_argument',
        'type',
      )
    },
  },
  {
    name: 'what is declared can be enqueued before anybody subscribes, and waits',
    rule: 'declareTypes, subscribe',
    async run(setup) {
      const type = `${setup.types[0]}-later`
      await setup.storage.declareTypes({ types: [type] })
      const activity = setup.newActivity({ type })
      await enqueueThese(setup.storage, [activity])
      await setup.storage.subscribe({ types: [type] })
      assert.equal((await claimOne(setup, { types: [type] })).activity.id, activity.id)
    },
  },
  {
    name: 'declaring and subscribing again changes nothing; a bad or reserved type is refused',
    rule: 'declareTypes, subscribe',
    async run(setup) {
      const { storage, types } = setup
      await storage.declareTypes({ types })
      await storage.subscribe({ types })
      await enqueueOne(setup)
      await claimOne(setup)
      await claimNothing(setup)
      for (const type of ['', 'a.b', 'Ä', '1st', 'x'.repeat(65), 'dlq', 'scheduler', '__consumer_offsets']) {
        await refuses(storage.declareTypes({ types: [type] }), 'invalid_argument', 'type')
        await refuses(storage.subscribe({ types: [type] }), 'invalid_argument', 'type')
      }
    },
  },
]
