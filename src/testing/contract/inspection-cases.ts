// Looking: single activities, timelines, pages, counts and the live stream. What is only looked at may lag a little.

import assert from 'node:assert/strict'
import type { ActivityEvent, EventGap, StatusCounts, Storage } from '../../storage/storage.ts'
import { STATUSES } from '../../core/activity.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { ContractCase, ContractSetup } from './case.ts'
import {
  STATES,
  bringTo,
  claim,
  claimAgain,
  claimOne,
  complete,
  enqueue,
  enqueueOne,
  eventually,
  expire,
  fail,
  failure,
  refuses,
  shown,
  statusOf,
} from './steps.ts'

function countsOf(counts: StatusCounts): number[] {
  return STATUSES.map(status => counts[status])
}

function sumOf(all: readonly StatusCounts[]): number[] {
  return STATUSES.map(status => all.reduce((sum, counts) => sum + counts[status], 0))
}

async function timelineOf(setup: ContractSetup, id: string): Promise<string[]> {
  const events = await setup.storage.getEvents({ id })
  for (const event of events) assert.equal(event.id, id)
  const times = events.map(event => event.atMs)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'oldest first',
  )
  return events.map(event => `${event.type} ${event.attempt}`)
}

async function pagesOf(list: (cursor: string | null) => ReturnType<Storage['list']>): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page = await list(cursor)
    ids.push(...page.items.map(item => item.id))
    ;({ cursor } = page)
    assert.ok(ids.length < 1_000, 'pages end')
  } while (cursor !== null)
  return ids
}

/** The port `InspectionStorage`. */
export const inspectionCases: readonly ContractCase[] = [
  {
    name: 'every state is shown by its word',
    rule: '11',
    types: STATES.map(state => `-${state}`),
    async run(setup) {
      for (const [at, state] of STATES.entries()) {
        const { id } = await bringTo(setup, state, { type: setup.types[at] })
        const snapshot = await shown(setup, id, statusOf(state))
        assert.equal(snapshot.attempt, state === 'retrying' ? 2 : 1, state)
        assert.equal(
          snapshot.endedAtMs !== null,
          ['completed', 'failed', 'dead_letter', 'cancelled'].includes(state),
          state,
        )
      }
    },
  },
  {
    name: 'an activity shows what it was made with and who runs it',
    rule: 'getActivity',
    async run(setup) {
      const parentId = setup.newActivity().id
      const spec = {
        payload: { a: 1 },
        priority: 'high',
        maxAttempts: 7,
        timeoutMs: 1_234,
        key: 'k',
        parentId,
      } as const
      const { id, type, createdAtMs } = await enqueueOne(setup, {
        ...spec,
        metadata: { tenant: 'blue', __proto__x: '1' },
      })
      const claimed = await claimOne(setup, { worker: 'pod-1' })
      const snapshot = await shown(setup, id, 'running')
      const expected = {
        id,
        type,
        priority: 'high',
        payloadJson: '{"a":1}',
        maxAttempts: 7,
        timeoutMs: 1_234,
        key: 'k',
        parentId,
      }
      const rest = {
        createdAtMs,
        retryCount: 0,
        currentWorker: 'pod-1',
        startedAtMs: claimed.startedAtMs,
        endedAtMs: null,
      }
      for (const [field, value] of Object.entries({ ...expected, ...rest })) {
        assert.deepEqual(snapshot[field as keyof typeof snapshot], value, field)
      }
      assert.deepEqual({ ...snapshot.metadata }, { tenant: 'blue', __proto__x: '1' })
      assert.equal(snapshot.leaseDeadlineMs, claimed.deadlineMs)
      await complete(setup, claimed)
      const ended = await shown(setup, id, 'completed')
      assert.deepEqual([ended.currentWorker, ended.lastWorker, ended.leaseDeadlineMs], [null, 'pod-1', null])
      assert.ok(ended.endedAtMs !== null && ended.endedAtMs >= claimed.startedAtMs)
    },
  },
  {
    name: 'an unknown activity is null and has no events; a bad id is invalid_argument',
    rule: 'getActivity, getEvents',
    async run(setup) {
      const { id } = setup.newActivity()
      assert.equal(await setup.storage.getActivity({ id }), null)
      assert.deepEqual(await setup.storage.getEvents({ id }), [])
      await refuses(setup.storage.getActivity({ id: '' }), 'invalid_argument', 'id')
    },
  },
  {
    name: 'a timeline tells every attempt once, oldest first',
    rule: 'getEvents, S15',
    async run(setup) {
      const { id } = await enqueueOne(setup, { retryDelayMs: 600_000 })
      await fail(setup, await claimOne(setup), failure('retryable', 'first'))
      await claimAgain(setup, id)
      await expire(setup, id)
      await complete(setup, await claimOne(setup))
      await eventually(setup, async () => {
        const ends = (await timelineOf(setup, id)).filter(event => !event.startsWith('started'))
        assert.deepEqual(ends, ['enqueued 1', 'retrying 1', 'lease_expired 2', 'completed 3'])
      })
      const events = await setup.storage.getEvents({ id })
      assert.equal(events.find(event => event.type === 'retrying')?.error?.message, 'first')
    },
  },
  {
    name: 'a timeline tells that an attempt runs, that it waits, and that it was cancelled',
    rule: 'getEvents',
    async run(setup) {
      const running = await enqueueOne(setup)
      const claimed = await claimOne(setup, { worker: 'pod-1' })
      await eventually(setup, async () => {
        assert.deepEqual(await timelineOf(setup, running.id), ['enqueued 1', 'started 1'])
      })
      const [, started] = await setup.storage.getEvents({ id: running.id })
      assert.deepEqual([started?.worker, started?.atMs], ['pod-1', claimed.startedAtMs])
      const later = await enqueueOne(setup, { delayMs: 3_600_000 })
      await eventually(setup, async () => {
        assert.deepEqual(await timelineOf(setup, later.id), ['enqueued 1', 'scheduled 1'])
      })
      const [, scheduled] = await setup.storage.getEvents({ id: later.id })
      assert.equal(scheduled?.dueAtMs, later.scheduledAtMs)
      await setup.storage.cancel({ id: later.id })
      await eventually(setup, async () => assert.equal((await timelineOf(setup, later.id)).at(-1), 'cancelled 1'))
    },
  },
  {
    name: 'the live stream tells how activities end from now on, and ends with its signal',
    rule: 'events',
    async run(setup) {
      const aborter = new AbortController()
      const seen: (ActivityEvent | EventGap)[] = []
      const follow = async (): Promise<void> => {
        for await (const event of setup.storage.events({ signal: aborter.signal })) seen.push(event)
      }
      const following = follow()
      await setup.clock.sleep(50) // a stream over a network needs a moment to stand at the end
      // A stream that is still joining misses the first ends: new ones are made until one is seen.
      await eventually(setup, async () => {
        const { id } = await enqueueOne(setup)
        await complete(setup, await claimOne(setup))
        await eventually(
          setup,
          async () => assert.ok(seen.some(event => 'id' in event && event.id === id && event.type === 'completed')),
          2_000,
        )
      })
      aborter.abort()
      await following
    },
  },
  {
    name: 'lists show one status, of one type when asked',
    rule: 'list',
    types: ['-a', '-b'],
    async run(setup) {
      const [first, second] = setup.types
      assert.ok(first !== undefined && second !== undefined)
      const one = await bringTo(setup, 'failed', { type: first })
      const two = await bringTo(setup, 'failed', { type: second })
      await bringTo(setup, 'completed', { type: first })
      await eventually(setup, async () => {
        const { items } = await setup.storage.list({ status: 'failed', type: first })
        assert.deepEqual(
          items.map(item => [item.id, item.status, item.type]),
          [[one.id, 'failed', first]],
        )
        const all = (await pagesOf(cursor => setup.storage.list({ status: 'failed', cursor }))).filter(id =>
          [one.id, two.id].includes(id),
        )
        assert.deepEqual(all, [two.id, one.id], 'newest first')
      })
    },
  },
  {
    name: 'pages go on by cursor, newest first, and are stable while more comes in',
    rule: 'list',
    async run(setup) {
      const { storage } = setup
      const [type = ''] = setup.types
      const ids: string[] = []
      for (let at = 0; at < 7; at++) {
        const { id } = await enqueueOne(setup)
        await complete(setup, await claimOne(setup))
        ids.unshift(id)
      }
      const query = { status: 'completed', type, limit: 3 } as const
      await eventually(setup, async () =>
        assert.equal((await storage.list({ status: 'completed', type })).items.length, 7),
      )
      const first = await storage.list(query)
      await enqueueOne(setup)
      await complete(setup, await claimOne(setup))
      await eventually(setup, async () =>
        assert.equal((await storage.list({ status: 'completed', type })).items.length, 8),
      )
      const second = await storage.list({ ...query, cursor: first.cursor })
      const third = await storage.list({ ...query, cursor: second.cursor })
      assert.deepEqual(
        [first, second, third].map(page => page.items.map(item => item.id)),
        [ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)],
      )
      assert.deepEqual([first.cursor === null, second.cursor === null, third.cursor], [false, false, null])
    },
  },
  {
    name: 'what waits, runs and is scheduled is listed too',
    rule: 'list',
    types: ['-pending', '-scheduled', '-running'],
    async run(setup) {
      for (const [at, state] of (['pending', 'scheduled', 'running'] as const).entries()) {
        const type = setup.types[at]
        assert.ok(type !== undefined)
        const { id, createdAtMs } = await bringTo(setup, state, { type, priority: 'high' })
        await eventually(setup, async () => {
          const { items } = await setup.storage.list({ status: state, type })
          const shownItems = items.map(item => [item.id, item.status, item.priority, item.attempt, item.createdAtMs])
          assert.deepEqual(shownItems, [[id, state, 'high', 1, createdAtMs]])
        })
      }
    },
  },
  {
    name: 'bad limits, cursors and statuses are refused, naming the field',
    rule: 'list, 12, S18',
    async run({ storage }) {
      for (const limit of [0, -1, 1.5, 201, 1e9]) {
        await refuses(storage.list({ status: 'pending', limit }), 'invalid_argument', 'limit')
        await refuses(storage.listDeadLetters({ limit }), 'invalid_argument', 'limit')
      }
      for (const cursor of ['forged', '*', '', '0'.repeat(10_000)]) {
        await refuses(storage.list({ status: 'completed', cursor }), 'invalid_argument', 'cursor')
        await refuses(storage.listDeadLetters({ cursor }), 'invalid_argument', 'cursor')
      }
      await refuses(storage.list({ status: 'lost' as 'pending' }), 'invalid_argument', 'status')
    },
  },
  {
    name: 'dead letters tell error, attempts, time and a fingerprint that groups alike failures',
    rule: 'listDeadLetters, S3',
    async run(setup) {
      const [type = ''] = setup.types
      for (const order of [17, 4_711]) {
        await enqueueOne(setup, { maxAttempts: 1 })
        await fail(setup, await claimOne(setup, { worker: 'pod-1' }), failure('retryable', `order ${order} is gone`))
      }
      const items = await eventually(setup, async () => {
        const page = await setup.storage.listDeadLetters({ type })
        assert.equal(page.items.length, 2)
        return page.items
      })
      assert.deepEqual(
        items.map(item => item.error.message),
        ['order 4711 is gone', 'order 17 is gone'],
        'newest first',
      )
      for (const item of items) {
        assert.deepEqual([item.status, item.attempts, item.redrivenAs, item.worker], ['dead_letter', 1, null, 'pod-1'])
        assert.ok(item.failedAtMs >= item.createdAtMs)
        assert.equal(item.fingerprint, items[0]?.fingerprint)
      }
      const pages = await pagesOf(async cursor => setup.storage.listDeadLetters({ type, cursor, limit: 1 }))
      assert.deepEqual(
        pages,
        items.map(item => item.id),
      )
    },
  },
  {
    name: 'counts are exact, by status, by type and by priority, and add up',
    rule: 'stats, S16',
    isAlone: true,
    types: STATES.map(state => `-${state}`),
    async run(setup) {
      for (const [at, state] of STATES.entries()) {
        const priority = PRIORITIES[at % PRIORITIES.length]
        await bringTo(setup, state, { type: setup.types[at], priority })
      }
      await enqueue(setup, { type: setup.types[0] }, { type: setup.types[0] })
      await eventually(setup, async () => {
        const stats = await setup.storage.stats()
        assert.deepEqual(countsOf(stats), [3, 2, 1, 1, 1, 1, 1], STATUSES.join(', '))
        assert.deepEqual(sumOf(Object.values(stats.byType)), countsOf(stats), 'by type')
        assert.deepEqual(sumOf(Object.values(stats.byPriority)), countsOf(stats), 'by priority')
        for (const [at, state] of STATES.entries()) {
          const ofType = stats.byType[setup.types[at] ?? '']
          assert.ok(ofType !== undefined, state)
          assert.equal(ofType[statusOf(state)], state === 'pending' ? 3 : 1, state)
          assert.equal(
            sumOf([ofType]).reduce((sum, count) => sum + count),
            state === 'pending' ? 3 : 1,
            state,
          )
        }
        assert.equal(stats.byPriority.normal.running, 1)
        assert.equal(stats.byPriority.critical.completed, 1)
      })
    },
  },
  {
    name: 'counts follow what is claimed, given back, taken back and settled',
    rule: 'stats',
    isAlone: true,
    async run(setup) {
      const counts = async (pending: number, running: number, completed: number): Promise<void> => {
        await eventually(setup, async () => {
          const stats = await setup.storage.stats()
          assert.deepEqual([stats.pending, stats.running, stats.completed], [pending, running, completed])
        })
      }
      await counts(0, 0, 0)
      await enqueue(setup, {}, {}, {}, {})
      await counts(4, 0, 0)
      const [first, second, third] = await claim(setup, { count: 3 })
      assert.ok(first !== undefined && second !== undefined && third !== undefined)
      await counts(1, 3, 0)
      await complete(setup, first)
      await counts(1, 2, 1)
      await setup.storage.releaseLease({ id: second.activity.id, leaseId: second.leaseId })
      await expire(setup, third.activity.id)
      await counts(3, 0, 1)
      for (const claimed of await claim(setup, { count: 3 })) await complete(setup, claimed)
      await counts(0, 0, 4)
    },
  },
]
