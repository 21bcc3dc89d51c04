// The API on memory storage and a real HTTP server: every route answers as its description says, and a failed order is found,
// mended and completed by it.

import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConsoleGround, mail } from '../../test/support/console-activities.ts'
import { ConsoleHost } from '../../test/support/console-host.ts'
import { uuidv7Source } from '../core/ids.ts'
import type { ActivityEvent, ActivitySummary, DeadLetterSummary, Page } from '../storage/storage.ts'
import type { AuditEntry } from './audit.ts'

let ground: ConsoleGround
let host: ConsoleHost
let dead: string
let done: string
let running: string
let later: string

const ids = uuidv7Source({
  nowMs: () => Date.now(),
  randomBytes: into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
})

beforeAll(async () => {
  ground = await ConsoleGround.open()
  host = await ConsoleHost.open({
    storage: ground.storage,
    namespace: 'shop',
    version: '1.2.3',
    traceUrl: 'https://traces.example.com/{traceId}',
    environment: { name: 'production', color: 'red' },
    diagnose: () =>
      Promise.resolve({
        findings: [{ id: 'x', severity: 'warning', source: 'kafka', subject: 's', says: 'odd', fix: 'mend it' }],
      }),
  })
  dead = await ground.ended({ host: 'down' }, { tenant: 'blue' })
  done = await ground.ended({}, { tenant: 'red' })
  running = (await ground.client.enqueue(mail, { waits: true })).id
  later = (await ground.client.enqueue(mail, {}, { delayMs: 3_600_000, key: 'later-1' })).id
  const live = await host.stream(`/api/stream?id=${running}`)
  const started = async (): Promise<boolean> =>
    (await ground.storage.getActivity({ id: running }))?.status === 'running'
  if (!(await started())) await live.heard('activity', ({ type }) => type === 'started')
  live.close()
})

afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await ground[Symbol.asyncDispose]()
})

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: object }
}

interface Operation {
  readonly responses: { readonly 200: { readonly content: Readonly<Record<string, { readonly schema?: object }>> } }
}

describe('what is answered is what is described', () => {
  let described: Described
  const seen = new Set<string>()

  beforeAll(async () => {
    described = (await host.get('/api/openapi.json')).json as Described
  })

  /** The check of a route's answers; undefined where it is not described as JSON. */
  const checkOf = (method: string, path: string): ValidateFunction | undefined => {
    seen.add(`${method} ${path}`)
    const schema = described.paths[path]?.[method]?.responses[200].content['application/json']?.schema
    if (schema === undefined) return undefined
    const ajv = new Ajv2020({ strict: false })
    return ajv.compile({ ...schema, components: described.components })
  }

  const problems = (check: ValidateFunction | undefined, value: unknown): unknown =>
    check === undefined || check(value) ? [] : check.errors

  test.each([
    ['/api/session', '/api/session'],
    ['/api/stats', '/api/stats'],
    ['/api/lanes', '/api/lanes'],
    ['/api/series', '/api/series?minutes=5'],
    ['/api/workers', '/api/workers'],
    ['/api/topics', '/api/topics'],
    ['/api/doctor', '/api/doctor'],
    ['/api/health', '/api/health'],
    ['/api/audit', '/api/audit'],
    ['/api/activities', '/api/activities?status=dead_letter'],
    ['/api/activities', '/api/activities?status=completed&type=mail&limit=1'],
    ['/api/activities', '/api/activities?status=scheduled'],
    ['/api/activities', '/api/activities?status=running'],
    ['/api/activities', '/api/activities'],
    ['/api/activities/search', '/api/activities/search?text=down'],
    ['/api/lookup', '/api/lookup?text=later-1'],
    ['/api/activities/{id}', '/api/activities/DEAD'],
    ['/api/activities/{id}', '/api/activities/DONE'],
    ['/api/activities/{id}', '/api/activities/RUNNING'],
    ['/api/activities/{id}', '/api/activities/LATER'],
    ['/api/activities/{id}/events', '/api/activities/DEAD/events'],
    ['/api/activities/{id}/result', '/api/activities/DONE/result'],
    ['/api/activities/{id}/result', '/api/activities/LATER/result'],
    ['/api/dead-letters', '/api/dead-letters?limit=5'],
    ['/api/dead-letters', '/api/dead-letters?includeDiscarded=true'],
    ['/api/dead-letters/groups', '/api/dead-letters/groups?type=mail'],
    ['/api/operations', '/api/operations'],
    ['/api/observability/activities/{id}', '/api/observability/activities/processing'],
  ])('GET %s: %s', async (route, path) => {
    const asked = path.replace('DEAD', dead).replace('DONE', done).replace('RUNNING', running).replace('LATER', later)
    const { status, json } = await host.get(asked)
    expect(status).toBe(200)
    expect(problems(checkOf('get', route), json)).toEqual([])
  })

  test('POST: acts, bulk work, and what comes of it', async () => {
    const mine = await ground.ended({ host: 'gone' })
    const other = await ground.ended({ host: 'gone' })
    const dealtWith = await ground.ended({ host: 'gone' })
    const waiting = (await ground.client.enqueue(mail, {}, { delayMs: 3_600_000 })).id
    const rows: readonly (readonly [string, string, unknown])[] = [
      ['/api/activities', '/api/activities', { type: 'mail', payload: { n: 1 }, reason: 'r' }],
      ['/api/activities/{id}/cancel', `/api/activities/${waiting}/cancel`, { reason: 'not wanted' }],
      ['/api/activities/{id}/redrive', `/api/activities/${mine}/redrive`, { reason: 'r' }],
      [
        '/api/activities/{id}/edit-and-redrive',
        `/api/activities/${other}/edit-and-redrive`,
        { payload: {}, reason: 'r' },
      ],
      ['/api/dead-letters/{id}/discard', `/api/dead-letters/${dealtWith}/discard`, { reason: 'paid' }],
      ['/api/dead-letters/preview', '/api/dead-letters/preview', { filter: { type: 'mail' } }],
      ['/api/dead-letters/redrive', '/api/dead-letters/redrive', { filter: { type: 'none' }, reason: 'r' }],
      ['/api/dead-letters/discard', '/api/dead-letters/discard', { filter: { type: 'none' }, reason: 'r' }],
      ['/api/activities/cancel', '/api/activities/cancel', { filter: { type: 'none' }, reason: 'r' }],
    ]
    for (const [route, path, body] of rows) {
      const { status, json } = await host.post(path, body)
      expect([route, status, json]).toEqual([route, 200, json])
      expect(problems(checkOf('post', route), json), route).toEqual([])
    }
    const { id } = (await host.post('/api/dead-letters/redrive', { filter: { type: 'none' }, reason: 'r' })).json as {
      id: string
    }
    await ground.storage.awaitResult({ id, signal: AbortSignal.timeout(20_000) })
    expect(problems(checkOf('get', '/api/operations/{id}'), (await host.get(`/api/operations/${id}`)).json)).toEqual([])
    const cancelled = await host.post(`/api/operations/${id}/cancel`, { reason: 'too late' })
    expect(problems(checkOf('post', '/api/operations/{id}/cancel'), cancelled.json)).toEqual([])
    expect((await host.post(`/api/operations/${mine}/cancel`, { reason: 'r' })).status).toBe(404)
    for (const [, path, body] of rows.filter(([, , row]) => 'reason' in (row as object))) {
      const { status, json } = await host.post(path, { ...(body as object), reason: ' ' })
      expect([path, status, json]).toMatchObject([path, 400, { error: { field: 'reason' } }])
    }
  })

  test('every problem is described, and every route was asked', async () => {
    const ajv = new Ajv2020({ strict: false })
    const check = ajv.compile({ $ref: '#/components/schemas/Problem', components: described.components })
    for (const path of [
      '/api/nothing',
      '/api/activities/unknown',
      '/api/activities?limit=0',
      '/api/operations/unknown',
    ]) {
      expect(problems(check, (await host.get(path)).json)).toEqual([])
    }
    const all = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    const elsewhere = new Set(['post /api/session', 'delete /api/session', 'get /api/stream', 'get /api/openapi.json'])
    expect(all.filter(route => !seen.has(route) && !elsewhere.has(route))).toEqual([])
  })
})

test('a failed order is found, understood, mended with its history, and completes', async () => {
  const order = await ground.ended({ host: 'wrong-host' }, { order: '42' })
  const groups = (await host.get('/api/dead-letters/groups')).json as {
    groups: { sampleIds: string[]; fingerprint: string }[]
  }
  expect(groups.groups.flatMap(({ sampleIds }) => sampleIds)).toContain(order)
  expect((await host.get('/api/activities/search?text=wrong-host')).json).toMatchObject({ items: [{ id: order }] })
  const shown = (await host.get(`/api/activities/${order}`)).json
  expect(shown).toMatchObject({
    ...{ status: 'dead_letter', payload: { host: 'wrong-host' }, editedAs: null },
    sentence: expect.stringMatching(/^is a dead letter: .*\(2 of 2\), after ENOROUTE$/),
    lastError: { message: 'no route to wrong-host', stack: expect.stringContaining('console-activities.ts') },
  })
  const { events } = (await host.get(`/api/activities/${order}/events`)).json as { events: ActivityEvent[] }
  expect(events.map(({ type }) => type)).toEqual(['enqueued', 'started', 'retrying', 'started', 'dead_letter'])

  const requestId = ids.next()
  const edit = { payload: { host: 'up' }, reason: 'the host was misspelt' }
  const ask = (): Promise<{ status: number; json: unknown }> =>
    host.post(`/api/activities/${order}/edit-and-redrive`, edit, { 'x-errand-request': requestId })
  expect([(await ask()).json, (await ask()).json]).toEqual([{ id: requestId }, { id: requestId }])
  await ground.storage.awaitResult({ id: requestId, signal: AbortSignal.timeout(20_000) })

  expect((await host.get(`/api/activities/${requestId}`)).json).toMatchObject({
    ...{ status: 'completed', payload: { host: 'up' }, redriveOf: order, editedFrom: order },
    ...{ metadata: { order: '42', edited_from: order }, result: { state: 'ok', data: { sent: true } } },
  })
  expect((await host.get(`/api/activities/${order}`)).json).toMatchObject({
    ...{ payload: { host: 'wrong-host' }, redrivenAs: requestId, editedAs: requestId },
  })
  const again = await host.post(`/api/activities/${order}/edit-and-redrive`, edit)
  expect([again.status, again.json]).toMatchObject([409, { error: { code: 'conflict', redrivenAs: requestId } }])
  // Bulk work leaves it alone too.
  const preview = await host.post('/api/dead-letters/preview', { filter: { ids: [order] } })
  expect(preview.json).toMatchObject({ count: 0, already: 1 })
  expect((await host.get('/api/audit')).json).toMatchObject({
    entries: expect.arrayContaining([
      expect.objectContaining({
        act: 'edit-and-redrive',
        subject: order,
        reason: 'the host was misspelt',
        outcome: 'done',
      }),
    ]),
  })
})

test('a dead letter that was dealt with is discarded: one at once, what a filter matches by an operation', async () => {
  const letters = [await ground.ended({ host: 'dealt' }), await ground.ended({ host: 'dealt' })]
  const [first = '', second = ''] = letters
  const discard = (id: string): ReturnType<typeof host.post> =>
    host.post(`/api/dead-letters/${id}/discard`, { reason: 'paid by hand' })
  expect([(await discard(first)).json, (await discard(first)).json]).toEqual([
    { outcome: 'discarded' },
    { outcome: 'already' },
  ])
  const listed = async (query = ''): Promise<readonly DeadLetterSummary[]> =>
    ((await host.get(`/api/dead-letters?limit=200${query}`)).json as Page<DeadLetterSummary>).items.filter(({ id }) =>
      letters.includes(id),
    )
  expect((await listed()).map(({ id }) => id)).toEqual([second])
  expect((await listed('&includeDiscarded=true')).map(({ discarded }) => discarded?.reason)).toEqual([
    undefined,
    'paid by hand',
  ])
  expect((await host.get(`/api/activities/${first}`)).json).toMatchObject({ discarded: { reason: 'paid by hand' } })
  const filter = { ids: letters }
  const preview = await host.post('/api/dead-letters/preview', { kind: 'discard', filter })
  expect(preview.json).toMatchObject({ count: 1, already: 1 })
  expect((await host.post('/api/dead-letters/discard', { filter })).status).toBe(400) // must say why
  const started = await host.post('/api/dead-letters/discard', { filter, reason: 'all paid' })
  const { id } = started.json as { id: string }
  await ground.storage.awaitResult({ id, signal: AbortSignal.timeout(20_000) })
  expect((await host.get(`/api/operations/${id}`)).json).toMatchObject({
    head: { kind: 'discard' },
    done: 1,
    already: 1,
  })
  expect(await listed()).toEqual([])
  const { entries } = (await host.get('/api/audit')).json as { entries: readonly AuditEntry[] }
  expect(entries.find(({ act, subject }) => act === 'discard' && subject === first)).toMatchObject({ outcome: 'done' })
  expect((await host.post(`/api/activities/${first}/redrive`, { reason: 'r' })).status).toBe(200)
  expect((await discard(first)).status).toBe(409)
  expect((await discard('unknown')).status).toBe(404)
})

test('numbers keep every digit, from the request to the record and back', async () => {
  const payload = '{"n":12345678901234567890,"x":1.0,"deep":[-0,1e400]}'
  const posted = await host.post('/api/activities', `{"type":"mail","reason":"r","payload":${payload}}`)
  const { id } = posted.json as { id: string }
  expect((await ground.storage.getActivity({ id }))?.payloadJson).toBe(payload)
  expect((await host.get(`/api/activities/${id}`)).text).toContain(payload)
  const failed = await ground.ended({ host: 'digits' })
  const edited = await host.post(`/api/activities/${failed}/edit-and-redrive`, `{"reason":"r","payload":${payload}}`)
  expect((await ground.storage.getActivity({ id: (edited.json as { id: string }).id }))?.payloadJson).toBe(payload)
})

test('enqueue takes its options, and under the same UUIDv7 enqueues the same one, also at another console', async () => {
  const id = ids.next()
  const options = { priority: 'high', delayMs: 60_000, maxAttempts: 'unlimited', metadata: { a: 'b' }, timeoutMs: 5 }
  const body = { type: 'mail', payload: null, options, reason: 'by hand' }
  await using other = await ConsoleHost.open({ storage: ground.storage })
  const headers = { 'x-errand-request': id }
  expect((await host.post('/api/activities', body, headers)).json).toEqual({ id, outcome: 'created' })
  expect((await other.post('/api/activities', body, headers)).json).toEqual({ id, outcome: 'existing' })
  expect(await ground.storage.getActivity({ id })).toMatchObject({
    ...{ status: 'scheduled', priority: 'high', maxAttempts: 'unlimited', metadata: { a: 'b' }, timeoutMs: 5 },
  })
  // One of another time would be looked for where it is not.
  const old = '00000000-0001-7000-8000-000000000000'
  const answer = (await host.post('/api/activities', body, { 'x-errand-request': old })).json as { id: string }
  expect(answer.id).not.toBe(old)
  const key = { ...body, options: { key: 'once', onDuplicate: 'no_reuse' } }
  expect((await host.post('/api/activities', key)).status).toBe(200)
  expect((await host.post('/api/activities', key)).json).toMatchObject({ error: { code: 'duplicate_activity' } })
})

test('a repeated request does nothing new, also at the same time, and one that failed can be tried again', async () => {
  const headers = { 'x-errand-request': randomUUID() }
  const body = { type: 'mail', payload: { n: randomUUID() }, reason: 'r' }
  const answers = await Promise.all(Array.from({ length: 5 }, () => host.post('/api/activities', body, headers)))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  const failing = { 'x-errand-request': randomUUID() }
  const target = `/api/activities/${ids.next()}/cancel`
  expect((await host.post(target, { reason: 'r' }, failing)).status).toBe(404)
  expect((await host.post(target, { reason: 'r' }, failing)).status).toBe(404)
})

test('pages go on by cursor, and give each activity once', async () => {
  for (let n = 0; n < 5; n++) await ground.client.enqueue(mail, { n }, { delayMs: 1_000_000 + n })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const path: string = `/api/activities?status=scheduled&limit=2${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const page = (await host.get(path)).json as { items: ActivitySummary[]; cursor: string | null }
    expect(page.items.length).toBeLessThanOrEqual(2)
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.cursor
  } while (cursor !== null)
  expect(seen.length).toBeGreaterThanOrEqual(6)
  expect(new Set(seen).size).toBe(seen.length)
})

test('a search says how far it looked, goes on, and keeps to its window', async () => {
  const needle = `needle-${randomUUID()}`
  const handle = await ground.client.enqueue(mail, { needle: needle.toUpperCase() }, { metadata: { where: needle } })
  await ground.storage.awaitResult({ id: handle.id, signal: AbortSignal.timeout(20_000) })
  const found = (await host.get(`/api/activities/search?text=${needle}`)).json as { lookedAt: number }
  expect(found).toMatchObject({ items: [{ id: handle.id }], isComplete: true, cursor: null })
  const copied = encodeURIComponent(`{ "needle":  "${needle}" }`)
  expect((await host.get(`/api/activities/search?text=${copied}`)).json).toMatchObject({ items: [{ id: handle.id }] })
  expect(found.lookedAt).toBeGreaterThan(3)
  const { endedAtMs = 0 } = (await ground.storage.getActivity({ id: handle.id })) ?? {}
  const before = (await host.get(`/api/activities/search?text=${needle}&toMs=${endedAtMs}`)).json
  expect(before).toMatchObject({ items: [], isComplete: true })
  const since = (await host.get(`/api/activities/search?text=${needle}&status=completed&fromMs=${endedAtMs}`)).json
  expect(since).toMatchObject({ items: [{ id: handle.id }] })
})

test('an id and a key are looked up by one box', async () => {
  expect((await host.get(`/api/lookup?text=${dead}`)).json).toEqual({
    ...{ id: dead, by: 'id', type: 'mail', hits: [{ id: dead, type: 'mail' }] },
  })
  const hits = [{ id: later, type: 'mail' }]
  expect((await host.get('/api/lookup?text=later-1')).json).toEqual({ id: later, by: 'key', type: 'mail', hits })
  expect((await host.get('/api/lookup?text=later-1&type=other')).json).toEqual({
    ...{ id: null, by: null, type: null, hits: [] },
  })
  expect((await host.get(`/api/lookup?text=${encodeURIComponent('no such key, {}')}`)).json).toMatchObject({ id: null })
})

test('a key of several types stands for none of them alone: all are named', async () => {
  const options = { key: 'shared-1', delayMs: 3_600_000 }
  const enqueue = async (type: string): Promise<unknown> =>
    (await host.post('/api/activities', { type, options, reason: 'r' })).json
  const [mailed, lettered] = [await enqueue('mail'), await enqueue('letter')] as { id: string }[]
  await using fresh = await ConsoleHost.open({ storage: ground.storage }) // the other one knows the types of a second ago
  const { hits, ...one } = (await fresh.get('/api/lookup?text=shared-1')).json as { hits: unknown[] }
  expect(one).toEqual({ id: null, by: null, type: null })
  expect(hits).toHaveLength(2)
  expect(hits).toEqual(
    expect.arrayContaining([
      { id: mailed?.id, type: 'mail' },
      { id: lettered?.id, type: 'letter' },
    ]),
  )
})

test('who holds what, and how the minutes went', async () => {
  expect((await host.get('/api/workers')).json).toMatchObject({
    workers: [{ worker: 'pod-1', types: { mail: 1 }, items: [{ id: running, leaseDeadlineMs: expect.any(Number) }] }],
    types: expect.arrayContaining([expect.objectContaining({ type: 'mail', members: 1, running: 1 })]),
    isComplete: true,
  })
  const { series } = (await host.get('/api/series?type=mail')).json as {
    series: { buckets: { completed: number; deadLetter: number; enqueued: number; isPartial: boolean }[] }[]
  }
  const buckets = series[0]?.buckets ?? []
  expect(buckets.filter(({ isPartial }) => isPartial).length).toBe(1)
  const sum = (of: 'completed' | 'deadLetter' | 'enqueued'): number =>
    buckets.reduce((all, bucket) => all + bucket[of], 0)
  const stats = await ground.storage.stats()
  expect([sum('completed'), sum('deadLetter')]).toEqual([
    stats.byType['mail']?.completed,
    stats.byType['mail']?.dead_letter,
  ])
  expect(sum('enqueued')).toBeGreaterThan(sum('completed'))
})

test('bulk redrive says who and why, runs once for one request id, and is seen while it runs', async () => {
  const failed = [await ground.ended({ host: 'bulk' }), await ground.ended({ host: 'bulk' })]
  const { fingerprint } = (await host.get(`/api/activities/${failed[0]}`)).json as { fingerprint: string }
  const headers = { 'x-errand-request': randomUUID() }
  const body = { filter: { ids: failed }, expected: 2, reason: 'the network is back' }
  const started = (await host.post('/api/dead-letters/redrive', body, headers)).json as { id: string }
  expect(started).toMatchObject({ outcome: 'created', servedBy: 1 })
  await using other = await ConsoleHost.open({ storage: ground.storage })
  expect((await other.post('/api/dead-letters/redrive', body, headers)).json).toMatchObject({
    id: started.id,
    outcome: 'existing',
  })
  await ground.storage.awaitResult({ id: started.id, signal: AbortSignal.timeout(20_000) })
  expect((await host.get(`/api/operations/${started.id}`)).json).toMatchObject({
    ...{ state: 'completed', done: 2, failed: 0 },
    head: { reason: 'the network is back', requestedBy: 'act at 127.0.0.1' },
  })
  expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  const without = await host.post('/api/dead-letters/redrive', { filter: { all: true } })
  expect(without.json).toMatchObject({ error: { field: 'reason' } })
  const empty = await host.post('/api/dead-letters/redrive', { filter: {}, reason: 'r' })
  expect(empty.json).toMatchObject({ error: { code: 'invalid_argument' } })
})

test("RunnerQ's paths lead to the same", async () => {
  for (const [theirs, ours] of [
    ['stats', 'stats'],
    [`activities/${dead}`, `activities/${dead}`],
    [`activities/${dead}/events`, `activities/${dead}/events`],
    [`activities/${done}/result`, `activities/${done}/result`],
    ['activities/dead_letter', 'activities?status=dead_letter'],
    ['dead-letter', 'dead-letters'],
  ] as const) {
    const { status, json } = await host.get(`/api/observability/${theirs}`)
    expect([theirs, status]).toEqual([theirs, 200])
    expect(Object.keys(json as object)).toEqual(Object.keys((await host.get(`/api/${ours}`)).json as object))
  }
})

test('it works as a plain function from Request to Response', async () => {
  const answer = await host.console.fetch(new Request('http://localhost/api/session'))
  expect([answer.status, answer.headers.get('x-frame-options')]).toEqual([200, 'DENY'])
  expect((await host.console.fetch(new Request('http://evil.example/api/session'))).status).toBe(403)
})
