// Every kind of bad record on every topic, from a producer that knows nothing of Errand. What is none of ours goes to the DLQ
// with its bytes, a reason and its place, and the record behind it is claimed. What is only odd is carried, byte for byte,
// through the handler, a retry, the DLQ and a redrive.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { laneTopic, workersGroup } from '../../src/core/topics.ts'
import { GOOD, ODD_PAYLOADS, poisonRows, recordOf } from '../support/bad-record-rows.ts'
import type { ForeignRecord } from '../support/foreign-producer.ts'
import { CODECS } from '../support/foreign-producer.ts'
import { PlantedNamespace } from '../support/planted.ts'

const TYPE = GOOD.activity_type
/** No record may stop the process for longer: half a default lease. */
const STALL_MS_MAX = 7_500

let planted: PlantedNamespace
const stalls = monitorEventLoopDelay({ resolution: 20 })

beforeAll(async () => {
  planted = await PlantedNamespace.open([TYPE])
  stalls.enable()
})
afterAll(() => planted[Symbol.asyncDispose]())

const lane = (): string => laneTopic(planted.namespace, TYPE, 'normal')
const allCommitted = (): Promise<void> => planted.committed(workersGroup(planted.namespace, TYPE), lane())

describe('in a lane', () => {
  const rows = [
    ...poisonRows(recordOf),
    { name: 'no value', value: null, reason: 'empty' },
    { name: 'a record of another lane', value: recordOf({ ...GOOD, priority: 'high' }, '1'), reason: 'wrong_lane' },
    {
      name: 'a record of an unknown type',
      value: recordOf({ ...GOOD, activity_type: 'nobody' }, '1'),
      reason: 'wrong_lane',
    },
    { name: 'its type in capitals', value: recordOf({ ...GOOD, activity_type: 'WORK' }, '1'), reason: 'wrong_lane' },
    {
      name: 'a delay record without a payload',
      value: recordOf({ ...GOOD, due_at: GOOD.created_at }),
      reason: 'invalid',
    },
  ]
  let behind: ClaimedAttempt[] = []

  beforeAll(async () => {
    await planted.foreign.send(lane(), { key: 'before', value: recordOf({ ...GOOD, id: 'before' }, '1') })
    await planted.plant(lane(), rows)
    await planted.foreign.send(lane(), { key: 'behind', value: recordOf({ ...GOOD, id: 'behind' }, '1') })
    behind = await planted.claim(2)
    await planted.complete(behind)
    await allCommitted()
    await planted.harvest()
  })

  test('what stands before and behind is claimed, and nothing that is none of ours', async () => {
    expect(behind.map(({ activity }) => activity.id).sort()).toEqual(['before', 'behind'])
    expect(await planted.storage.dequeue({ workerId: 'w', timeoutMs: 0, types: [TYPE] })).toEqual([])
    expect(await planted.storage.stats()).toMatchObject({ pending: 0, running: 0 })
  })

  test.each(rows)('$name goes to the DLQ as it was, for $reason', row => planted.check(row))
})

interface OddRow extends Omit<ForeignRecord, 'value'> {
  readonly name: string
  readonly fields?: object
  readonly payload?: string
  /** Instead of the record that fields and payload make. */
  readonly around?: (fields: object, payload: string) => Buffer
  /** What must be in the activity, from the handler to the redrive. */
  readonly has?: object
}

const named = (count: number, name: (at: number) => string): [string, string][] =>
  Array.from({ length: count }, (_, at) => [name(at), 'x'])
const own = (text: string): Record<string, string> => JSON.parse(text) as Record<string, string>

const ODD_RECORDS: readonly OddRow[] = [
  ...ODD_PAYLOADS.map(([name, payload]): OddRow => ({ name, payload })),
  ...CODECS.map((codec): OddRow => ({ name: `a batch in ${codec}`, codec })),
  { name: 'no key', key: undefined },
  { name: 'a key that is not UTF-8', key: Buffer.from([0xff, 0xfe, 0x80]) },
  { name: "another activity's key", key: 'planted-1' },
  { name: '10,000 headers', headers: named(10_000, at => `h${at}`) },
  { name: '200,000 headers of one name', headers: named(200_000, () => '') },
  { name: 'a header of 900 KB', headers: [['tracestate', Buffer.alloc(900_000, 'a')]] },
  { name: 'headers that are not UTF-8', headers: [[Buffer.from([0xff]), Buffer.from([0xfe, 0x00])]] },
  {
    name: 'headers by the names of methods',
    headers: ['__proto__', 'constructor', 'toString'].map(name => [name, name]),
  },
  {
    name: 'a header that calls it poison',
    headers: [
      ['errand-kind', 'poison'],
      ['errand-reason', 'a\r\nb'],
    ],
  },
  { name: 'a record time of 0', timestampMs: 0 },
  { name: 'a record time ahead', timestampMs: systemClock.nowMs() + 3_000_000 },
  { name: 'created in 1970', fields: { created_at: '1970-01-01T00:00:00Z' }, has: { createdAtMs: 0 } },
  {
    name: 'created in 9999',
    fields: { created_at: '9999-12-31T23:59:59.999Z' },
    has: { createdAtMs: LIMITS.timeMsMax },
  },
  { name: 'the longest timeout', fields: { timeout_seconds: 604_800 }, has: { timeoutMs: LIMITS.timeoutMsMax } },
  { name: 'metadata by the name of __proto__', fields: { metadata: own('{"__proto__":"a","constructor":"b"}') } },
  {
    name: 'a trace state of 900 KB',
    fields: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tracestate: 'a'.repeat(300_000) },
  },
  { name: 'a trace context that is a number', fields: { traceparent: 1, tracestate: [] }, has: { trace: null } },
  {
    name: 'an idempotency key of hostile text',
    fields: { idempotency_key: { key: '{x}:*?[a]\r\nDEL é\u0000' } },
    has: { key: { key: '{x}:*?[a]\r\nDEL é\u0000', onDuplicate: 'return_existing' } },
  },
  {
    name: 'fields that nobody knows',
    around: (fields, payload) =>
      Buffer.from(
        `{"x":1e400,"y":{ "payload":[-0] },"__proto__":{"z":1},${recordOf(fields, payload).toString().slice(1)}`,
      ),
    has: { extraJson: '"x":1e400,"y":{ "payload":[-0] },"__proto__":{"z":1}' },
  },
  {
    name: 'its payload first, and blanks',
    around: (fields, payload) => Buffer.from(`\n{ "payload" : ${payload} ,\r\n${JSON.stringify(fields).slice(1)}\t`),
  },
]

describe('odd, and carried through handler, retry, DLQ and redrive as it came:', () => {
  const seen = new Map<string, ClaimedAttempt[]>()
  const rows = ODD_RECORDS.map((row, at) => ({ ...row, id: `odd-${at}`, payload: row.payload ?? `{"row":${at}}` }))

  /** Claims all, remembers what came, and gives them. */
  async function round(count: number, idOf: (attempt: ClaimedAttempt) => string): Promise<ClaimedAttempt[]> {
    const attempts = await planted.claim(count)
    for (const attempt of attempts) seen.set(idOf(attempt), [...(seen.get(idOf(attempt)) ?? []), attempt])
    return attempts
  }

  beforeAll(async () => {
    const sending = rows.map(({ id, fields = {}, payload, around = recordOf, ...record }) => {
      const value = around({ ...GOOD, id, max_retries: 2, retry_delay_seconds: 0, ...fields }, payload)
      return planted.foreign.send(lane(), { key: id, ...record, value })
    })
    await Promise.all(sending)
    await planted.fail(await round(rows.length, ({ activity }) => activity.id), 'retrying')
    await planted.fail(await round(rows.length, ({ activity }) => activity.id), 'dead_letter')
    await Promise.all(rows.map(({ id }) => planted.storage.redrive({ id })))
    await planted.complete(await round(rows.length, ({ activity }) => activity.redriveOf ?? ''))
    await allCommitted()
  })

  test.each(rows)('$name', ({ id, payload, has = {}, fields = {} }) => {
    const attempts = seen.get(id) ?? []
    expect(attempts.map(({ attempt, activity }) => [attempt, activity.redriveOf])).toEqual([
      [1, null],
      [2, null],
      [1, id],
    ])
    for (const { activity } of attempts) {
      expect(activity.payloadJson === payload, `the payload of ${activity.payloadJson.length} characters`).toBe(true)
      expect(activity).toMatchObject({ ...has, ...(attempts[2]?.activity === activity ? undoneByRedrive : {}) })
      const { metadata = {} } = fields as { metadata?: Record<string, string> }
      expect(Object.entries(activity.metadata)).toEqual(Object.entries(metadata))
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('no record stopped the process for longer than half a lease', () => {
    expect(stalls.max / 1e6).toBeLessThan(STALL_MS_MAX)
  })

  /** A redrive is a new activity: of another time, and without the key. */
  const undoneByRedrive = { createdAtMs: expect.any(Number) as number, key: null }
})
