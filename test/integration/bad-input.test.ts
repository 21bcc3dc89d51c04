// Bad input at the client and at the port, in memory and on Kafka: refused with the field named and nothing written, and what is
// only odd is kept apart from everything that looks like it.

import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { Activity, AttemptFailureReport } from '../../src/core/activity.ts'
import { isErrandError } from '../../src/core/errors.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { laneTopics } from '../../src/core/topics.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { Worker } from '../../src/worker/worker.ts'
import {
  BAD_ACTIVITIES,
  BAD_FAILURES,
  BAD_IDS,
  BAD_NAMESPACES,
  BAD_OPTIONS,
  BAD_RESULTS,
  BAD_TYPES,
  BAD_VALUES,
  ODD_KEYS,
  ODD_RESULTS,
  ODD_THROWN,
  hostile,
} from '../support/bad-inputs.ts'
import { ObservedNamespace } from '../support/observed-namespace.ts'
import { redisUrl } from '../support/stack.ts'

const work = defineActivity({ type: 'work', input: z.unknown() })
const other = defineActivity({ type: 'other', input: z.unknown() })
const numbered = defineActivity({ type: 'numbered', input: z.int() })

/** A storage, and all that was ever written to it, in a form that can be compared. */
interface Place extends AsyncDisposable {
  readonly storage: Storage
  written(): Promise<unknown>
}

async function openMemory(): Promise<Place> {
  const storage = new MemoryStorage()
  await storage.subscribe({ types: [work.type, other.type] })
  return { storage, written: () => storage.stats(), [Symbol.asyncDispose]: () => storage.close() }
}

async function openKafka(): Promise<Place> {
  const observed = await ObservedNamespace.open({ types: [work.type, other.type] })
  const { namespace, storage } = observed
  await storage.subscribe({ types: [work.type, other.type] })
  const redis = new Redis(redisUrl())
  const shared = ['delay', 'outcomes', 'dlq'].map(name => `${namespace}.${name}`)
  const topics = [work, other].flatMap(({ type }) => laneTopics(namespace, type)).concat(shared)
  return {
    storage,
    written: async () => [
      await Promise.all(topics.map(async topic => (await observed.bounds(topic)).map(({ high }) => high))),
      (await redis.keys(`{${namespace}:*`)).sort(),
    ],
    async [Symbol.asyncDispose]() {
      redis.disconnect()
      await observed[Symbol.asyncDispose]()
    },
  }
}

/** The refusal of a call, in a form that can be compared; `accepted` when there was none. */
async function refusal(call: () => unknown): Promise<{ code: string; field: string } | string> {
  try {
    await call()
    return 'accepted'
  } catch (error) {
    if (!isErrandError(error)) return `another error: ${String(error)}`
    expect(error.message.startsWith(`[${error.code}] `)).toBe(true)
    expect(error.message.length).toBeLessThan(2_000)
    return { code: error.code, field: String(error.details['field']) }
  }
}

describe.each([
  ['memory', openMemory],
  ['kafka', openKafka],
] as const)('on %s', (_, open) => {
  let place: Place
  let storage: Storage
  let client: Client
  let before: unknown

  beforeAll(async () => {
    place = await open()
    storage = place.storage
    client = new Client({ storage })
    before = await place.written()
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test.each(BAD_VALUES)('an input that is %s is refused', async (_name, make, code) => {
    expect(await refusal(() => client.enqueue(work, make()))).toEqual({
      code,
      field: expect.stringContaining('payload') as string,
    })
  })

  test.each(BAD_OPTIONS.map(([name, options, field], at) => ({ name: `${at} ${name}`, options, field })))(
    'options: $name is refused, and $field named',
    async ({ options, field }) => {
      const said = await refusal(() => client.enqueue(work, 1, options as object))
      expect(said).toEqual({ code: 'invalid_argument', field: expect.stringContaining(field) as string })
      const [answer] = await client.enqueueMany(work, [{ input: 1, options: options as object }])
      expect(answer).toMatchObject({ outcome: 'refused', error: { code: 'invalid_argument' } })
    },
  )

  test.each(BAD_TYPES.map((type, at) => ({ name: `${at}: ${String(type)}`, type })))(
    'a type is refused at every call that takes one: $name',
    async ({ type }) => {
      const bad = type as string
      const calls = [
        () => client.enqueue({ ...work, type: bad }, 1),
        () => storage.declareTypes({ types: [bad] }),
        () => storage.subscribe({ types: [bad] }),
        () => storage.lookupKey({ type: bad, key: 'k' }),
        () => storage.checkIdempotency({ type: bad, key: 'k', behavior: 'no_reuse' }),
        () => storage.dequeue({ workerId: 'w', timeoutMs: 0, types: [bad] }),
        ...(type === undefined
          ? []
          : [() => storage.list({ status: 'pending', type: bad }), () => storage.listDeadLetters({ type: bad })]),
      ]
      for (const call of calls) {
        expect(await refusal(call), String(call)).toEqual({
          code: 'invalid_argument',
          field: expect.stringMatching(/^types?$|^definition$/) as string,
        })
      }
    },
  )

  test.each(BAD_IDS.map((id, at) => ({ name: `${at}: ${String(id)}`, id })))(
    'an id is refused at every call that takes one: $name',
    async ({ id }) => {
      const bad = id as string
      const calls = [
        () => storage.cancel({ id: bad }),
        () => storage.redrive({ id: bad }),
        () => storage.getResult({ id: bad }),
        () => storage.awaitResult({ id: bad }),
        () => storage.storeResult({ id: bad, result: { state: 'ok', dataJson: '1', atMs: 0 } }),
        () => storage.getActivity({ id: bad }),
        () => storage.getEvents({ id: bad }),
        () => client.cancel(bad),
        () => client.redrive(bad),
        () => client.handle(work, bad),
        () => client.childOf(bad),
      ]
      for (const call of calls) {
        expect(await refusal(call), String(call)).toMatchObject({ code: 'invalid_argument' })
      }
    },
  )

  test('an activity that was changed by hand is refused for itself, whatever was changed', async () => {
    const ids = { next: () => 'made-by-hand' }
    const made = newActivity({ type: work.type, payload: 1, key: 'by-hand' }, { ids, nowMs: 0 })
    const changed: Activity[] = BAD_ACTIVITIES.map(([, change]) => ({ ...made, ...change }))
    const none = [null, 7, hostile()] as unknown as Activity[]
    const answers = await storage.enqueueMany({ activities: [...changed, ...none] })
    const wrong = answers.flatMap((answer, at) => {
      const [name, , field, code = 'invalid_argument'] = BAD_ACTIVITIES[at] ?? ['none', {}, 'activity']
      if (answer.outcome === 'refused' && answer.code === code && answer.message.includes(field)) return []
      return name === 'none' && answer.outcome === 'refused' ? [] : [[name, answer]]
    })
    expect(wrong).toEqual([])
    expect(answers).toHaveLength(changed.length + none.length)
  })

  test.each(BAD_RESULTS)('a result that is %s is refused, before its lease is looked at', async (_name, make, code) => {
    const text = make() as string
    const refused = { code, field: 'result' }
    const lease = { id: 'a', leaseId: 'l' }
    expect(await refusal(() => storage.ackSuccess({ leases: [{ ...lease, resultJson: text }] }))).toEqual(refused)
    const result = { state: 'ok', dataJson: text, atMs: 0 } as const
    expect(await refusal(() => storage.storeResult({ id: 'a', result }))).toEqual(refused)
  })

  test('a failure report that is none is refused, before its lease is looked at', async () => {
    for (const [field, report] of BAD_FAILURES) {
      const failure = report as AttemptFailureReport
      const said = await refusal(() => storage.ackFailure({ id: 'a', leaseId: 'l', failure }))
      expect(said, field).toEqual({ code: 'invalid_argument', field })
    }
  })

  test('a wrong call of the client is refused as a whole', async () => {
    const calls: [string, () => unknown][] = [
      ['definition', () => client.enqueue(null as unknown as typeof work, 1)],
      ['definition', () => client.enqueue({} as unknown as typeof work, 1)],
      ['definition', () => client.enqueue('work' as unknown as typeof work, 1)],
      ['definition', () => client.enqueue(hostile() as unknown as typeof work, 1)],
      ['items', () => client.enqueueMany(work, null as unknown as [])],
      ['items', () => client.enqueueMany(work, 'items' as unknown as [])],
      ['items', () => client.enqueueMany(work, { length: 1 } as unknown as [])],
      [
        'items',
        () =>
          client.enqueueMany(
            work,
            Array.from({ length: 10_001 }, () => ({ input: 1 })),
          ),
      ],
      ['handle', () => client.handle(work, null as unknown as string)],
      ['handle', () => client.handle(work, '{"id":')],
      ['reason', () => client.cancel('a', { reason: 'x'.repeat(1_025) })],
      ['reason', () => client.cancel('a', { reason: '\ud800' })],
      ['reason', () => client.redrive('a', { reason: 7 as unknown as string })],
    ]
    for (const [field, call] of calls) {
      expect(await refusal(call), String(call)).toEqual({
        code: 'invalid_argument',
        field: expect.stringContaining(field) as string,
      })
    }
  })

  test('items that are none are refused, each for itself', async () => {
    const items = [null, undefined, 7, hostile()] as unknown as { input: unknown }[]
    const answers = await client.enqueueMany(work, items)
    expect(answers.map(({ outcome }) => outcome)).toEqual(items.map(() => 'refused'))
  })

  test.each([
    ...[0, -1, 1e9, 1.5, Number.NaN, '50', null, 201].map(limit => ['limit', { limit }] as const),
    ...['forged', 'W10', 'e30', 'bnVsbA', '-1', '1e9', '__proto__', '\ud800', 'x'.repeat(100_000)].map(
      cursor => ['cursor', { cursor }] as const,
    ),
    ...[btoa('{"x":-1}'), btoa('{"x":1.5}'), btoa('{"__proto__":1}'), btoa('[1]'), btoa('5:'), 7, {}, []].map(
      cursor => ['cursor', { cursor }] as const,
    ),
  ])('a page is refused: %s %o', async (field, page) => {
    const params = page as { limit?: number; cursor?: string }
    for (const status of ['pending', 'completed', 'dead_letter'] as const) {
      expect(await refusal(() => storage.list({ status, ...params })), status).toEqual({
        code: 'invalid_argument',
        field,
      })
    }
    expect(await refusal(() => storage.listDeadLetters(params))).toEqual({ code: 'invalid_argument', field })
    for (const status of ['lost', '', 'constructor', null, 7, undefined] as unknown as 'pending'[]) {
      expect(await refusal(() => storage.list({ status }))).toEqual({ code: 'invalid_argument', field: 'status' })
    }
  })

  test('nothing of all that was written', async () => {
    expect(await place.written()).toEqual(before)
  })

  test('keys that look alike, hold patterns or line breaks, are each its own', async () => {
    const answers = await client.enqueueMany(
      work,
      ODD_KEYS.map(key => ({ input: key, options: { key } })),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(ODD_KEYS.map(() => 'created'))
    const ids = answers.map(answer => ('handle' in answer ? answer.handle.id : ''))
    expect(new Set(ids).size).toBe(ODD_KEYS.length)
    const known = await Promise.all(ODD_KEYS.map(key => storage.lookupKey({ type: work.type, key })))
    expect(known).toEqual(ids)
    const again = await client.enqueueMany(
      work,
      ODD_KEYS.map(key => ({ input: 'again', options: { key } })),
    )
    expect(again.map(answer => ('handle' in answer ? [answer.outcome, answer.handle.id] : []))).toEqual(
      ids.map(id => ['existing', id]),
    )
    const elsewhere = await Promise.all(ODD_KEYS.map(key => storage.lookupKey({ type: other.type, key })))
    expect(new Set(elsewhere)).toEqual(new Set([null]))
  })

  test('metadata by the names of methods, NFC and NFD, goes in and comes out', async () => {
    const metadata = JSON.parse(
      '{"__proto__":"a","constructor":"b","é":"c","e\u0301":"\\r\\n","\\u0000":""}',
    ) as Record<string, string>
    const { id } = await client.enqueue(other, { given: 1 }, { metadata })
    await storage.catchUp({ types: [other.type], timeoutMs: 10_000 })
    const [claimed] = await storage.dequeue({ workerId: 'w', timeoutMs: 10_000, types: [other.type] })
    expect(claimed?.activity.id).toBe(id)
    expect(Object.entries(claimed?.activity.metadata ?? {})).toEqual(Object.entries(metadata))
  })

  describe('a handler', () => {
    const odd = [
      ...BAD_VALUES.map(([name, make, code]) => {
        const wanted = code === 'payload_too_large' ? code : 'serialization'
        // Whether it is a promise cannot be asked without a throw, which is the handler's like any other.
        const isThrown = name === 'what cannot be touched'
        return { name: `gives ${name}`, run: make, ends: isThrown ? 'dead_letter' : `failed ${wanted}` }
      }),
      ...ODD_THROWN.map(([name, make]) => ({ name: `throws ${name}`, run: () => throws(make()), ends: 'dead_letter' })),
      ...ODD_RESULTS.map(([name, make, text]) => ({ name: `gives ${name}`, run: make, ends: text })),
    ]
    const ends = new Map<string, string>()

    beforeAll(async () => {
      const worker = new Worker({ storage, concurrency: 4, reaper: false })
      worker.handle(numbered, at => (odd[at]?.run ?? (() => 'good'))())
      await worker.start()
      const items = [...odd, undefined].map((_, input) => ({ input, options: { maxAttempts: 1 } }))
      const answers = await client.enqueueMany(numbered, items)
      const results = answers.map(async (answer, at) => {
        const id = 'handle' in answer ? answer.handle.id : ''
        const { state, dataJson } = await storage.awaitResult({ id, signal: AbortSignal.timeout(20_000) })
        ends.set(odd[at]?.name ?? 'is good', state === 'ok' ? dataJson : saidBy(dataJson))
      })
      await Promise.all(results)
      expect(await worker.stop()).toEqual({ drained: true, remaining: 0 })
    })

    function saidBy(dataJson: string): string {
      const { type, failure } = JSON.parse(dataJson) as { type: string; failure: { code?: string } }
      return type === 'non_retryable' ? `failed ${failure.code}` : type
    }

    test.each(odd)('that $name ends its activity, not its worker', ({ name, ends: wanted }) => {
      expect(ends.get(name) === wanted, `${String(ends.get(name)).slice(0, 200)}, not ${wanted.slice(0, 200)}`).toBe(
        true,
      )
    })

    test('that comes after all of those is run', () => expect(ends.get('is good')).toBe('"good"'))

    test('whose result only the storage refuses ends its activity as failed, not its worker', async () => {
      const spoiling = spoilingResults(storage)
      const worker = new Worker({ storage: spoiling, concurrency: 4, reaper: false })
      worker.handle(numbered, at => (at === 1 ? 'spoilt' : 'good'))
      await worker.start()
      const answers = await client.enqueueMany(
        numbered,
        [0, 1, 2].map(input => ({ input })),
      )
      const said = answers.map(async answer => {
        const id = 'handle' in answer ? answer.handle.id : ''
        const { state, dataJson } = await storage.awaitResult({ id, signal: AbortSignal.timeout(20_000) })
        return state === 'ok' ? dataJson : saidBy(dataJson)
      })
      expect(await Promise.all(said)).toEqual(['"good"', 'failed serialization', '"good"'])
      expect(await worker.stop()).toEqual({ drained: true, remaining: 0 })
    })
  })
})

test.each(BAD_NAMESPACES.map((namespace, at) => ({ name: `${at}: ${String(namespace)}`, namespace })))(
  'a namespace is refused before anything is reached: $name',
  async ({ namespace }) => {
    const options = { namespace: namespace as string, brokers: ['127.0.0.1:1'], redisUrl: 'redis://127.0.0.1:1' }
    const refused = { code: 'invalid_argument', field: 'namespace' }
    expect(await refusal(() => KafkaStorage.open(options))).toEqual(refused)
    if (typeof namespace === 'string')
      expect(await refusal(() => new MemoryStorage({ namespace: options.namespace }))).toEqual(refused)
  },
)

function throws(thrown: unknown): never {
  throw thrown
}

/** The storage, with one result broken on its way there. */
function spoilingResults(storage: Storage): Storage {
  const ackSuccess: Storage['ackSuccess'] = ({ leases }) =>
    storage.ackSuccess({
      leases: leases.map(lease => (lease.resultJson === '"spoilt"' ? { ...lease, resultJson: '"spoilt' } : lease)),
    })
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'ackSuccess') return ackSuccess
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
