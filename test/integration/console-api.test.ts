// `errand console` on real servers, as a process: pages, groups, bulk work, the live stream, findings, and how it begins and ends.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import type { Worker } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { ActivitySummary, DeadLetterSummary, Page } from '../../src/storage/storage.ts'
import { CliProcess } from '../support/cli-process.ts'
import { mail, mailWorker } from '../support/console-activities.ts'
import { ConsoleCaller } from '../support/console-host.ts'
import { makeDeadLetters } from '../support/dead-letters.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const TOKEN = 'a-token-that-may-act-1234'
const ids = uuidv7Source({
  nowMs: () => Date.now(),
  randomBytes: into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
})

async function portOf(service: CliProcess): Promise<number> {
  const [, address = ''] = await service.heard('stderr', /Console: (http:\S+)/)
  return Number(new URL(address).port)
}

describe('errand console', () => {
  const namespace = freshNamespace('c')
  const servers = { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() }
  let storage: KafkaStorage
  let client: Client
  let worker: Worker
  let service: CliProcess
  let caller: ConsoleCaller
  let folder = ''

  const console = (...args: string[]): CliProcess =>
    new CliProcess(['console', '--namespace', namespace, '--http-port', '0', ...args], { env: servers })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'errand-console-'))
    await writeFile(join(folder, 'act'), `${TOKEN}\n`)
    storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 })
    client = new Client({ storage })
    await storage.declareTypes({ types: ['mail', 'sms', 'errand-operation'] })
    await makeDeadLetters(storage, {
      type: 'sms',
      count: 30,
      message: n => (n % 3 === 0 ? 'no paper' : `no route ${n}`),
    })
    worker = mailWorker(storage)
    await worker.start()
    service = console('--environment', 'test:green', '--trace-url', 'https://traces.example.com/{traceId}')
    caller = new ConsoleCaller(await portOf(service))
  })

  afterAll(async () => {
    await caller[Symbol.asyncDispose]()
    await service[Symbol.asyncDispose]()
    await worker.stop()
    await storage.close()
    await dropTopics(namespace)
    await rm(folder, { recursive: true, force: true })
  })

  const ended = async (id: string): Promise<void> => {
    await storage.awaitResult({ id, signal: AbortSignal.timeout(30_000) })
  }

  test('probes and figures stand beside the pages', async () => {
    for (const path of ['/livez', '/readyz', '/startupz'])
      expect([path, (await caller.get(path)).status]).toEqual([path, 200])
    expect((await caller.get('/metrics')).status).toBe(200)
    expect((await caller.get('//')).status).toBeGreaterThan(199) // no URL, and the process lives on
    expect((await caller.get('/api/session')).json).toMatchObject({
      ...{ role: 'act', namespace, environment: { name: 'test', color: 'green' }, canDiagnose: true },
    })
    expect((await caller.get('/api/session', { host: 'evil.example.com' })).status).toBe(403)
    expect((await caller.get('/livez', { host: '10.1.2.3:9464' })).status).toBe(200) // a kubelet asks by address
  })

  test('pages of dead letters go on by cursor to the last; groups add up; forged cursors are refused', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const path: string = `/api/dead-letters?type=sms&limit=8${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
      const page = (await caller.get(path)).json as Page<DeadLetterSummary>
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.cursor
    } while (cursor !== null)
    expect([seen.length, new Set(seen).size]).toEqual([30, 30])
    const { groups, isComplete } = (await caller.get('/api/dead-letters/groups?type=sms')).json as {
      groups: { count: number; error: { message: string } }[]
      isComplete: boolean
    }
    expect(isComplete).toBe(true)
    expect(groups.map(({ count }) => count)).toEqual([20, 10])
    expect(groups[1]?.error.message).toBe('no paper')
    for (const forged of ['AAAA', Buffer.from('{"x":1}').toString('base64url'), '1e9', '-1', '../..']) {
      const answer = await caller.get(`/api/dead-letters?cursor=${encodeURIComponent(forged)}`)
      expect([forged, answer.status]).toEqual([forged, 400])
    }
    expect((await caller.get('/api/activities?status=running&cursor=-1')).status).toBe(400)
  })

  test('one activity: while it waits, runs and has ended, with its place in Kafka, its worker and its result', async () => {
    const later = await client.enqueue(mail, { at: 'later' }, { delayMs: 3_600_000, key: 'later-1' })
    expect((await caller.get(`/api/activities/${later.id}`)).json).toMatchObject({
      ...{ status: 'scheduled', payload: { at: 'later' }, key: 'later-1' },
      sentence: expect.stringMatching(/^waits for attempt 1 of 2, due in 60 min$/),
    })
    expect((await caller.get('/api/lookup?text=later-1')).json).toEqual({
      ...{ id: later.id, by: 'key', type: 'mail', hits: [{ id: later.id, type: 'mail' }] },
    })
    const held = await client.enqueue(mail, { waits: true }, { timeoutMs: 600_000 })
    await until(async () => (await caller.get(`/api/activities/${held.id}`)).json, { status: 'running' })
    expect((await caller.get('/api/workers')).json).toMatchObject({
      workers: [{ worker: 'pod-1', types: { mail: 1 }, items: [{ id: held.id, leaseDeadlineMs: expect.any(Number) }] }],
    })
    expect((await caller.post(`/api/activities/${held.id}/cancel`, { reason: 'enough' })).json).toEqual({
      outcome: 'cancel_requested',
    })
    await ended(held.id)
    expect((await caller.get(`/api/activities/${held.id}`)).json).toMatchObject({ status: 'cancelled' })
    const done = await client.enqueue(mail, {})
    await ended(done.id)
    expect((await caller.get(`/api/activities/${done.id}`)).json).toMatchObject({
      ...{ status: 'completed', result: { state: 'ok', data: { sent: true } }, lastWorker: 'pod-1' },
      coordinates: { topic: `${namespace}.mail.normal`, offset: expect.any(String) },
    })
    const page = (await caller.get('/api/activities?status=completed&type=mail')).json as Page<ActivitySummary>
    expect(page.items.map(({ id }) => id)).toContain(done.id)
  })

  test('a failed order is found by its payload, edited, and completes; each names the other, and bulk work leaves it alone', async () => {
    const order = await client.enqueue(mail, { host: 'wrong-host', order: '42' })
    await ended(order.id)
    const found = await caller.get('/api/activities/search?text=wrong-host&type=mail')
    expect(found.json).toMatchObject({ items: [{ id: order.id }], isComplete: true })
    const newId = ids.next()
    const edit = '{"payload":{"host":"up","big":12345678901234567890},"reason":"misspelt"}'
    const headers = { 'x-errand-request': newId }
    for (const _ of [1, 2]) {
      expect((await caller.post(`/api/activities/${order.id}/edit-and-redrive`, edit, headers)).json).toEqual({
        id: newId,
      })
    }
    await ended(newId)
    const answer = await caller.get(`/api/activities/${newId}`)
    expect(answer.json).toMatchObject({ status: 'completed', redriveOf: order.id, editedFrom: order.id })
    expect(answer.text).toContain('"big":12345678901234567890')
    expect((await caller.get(`/api/activities/${order.id}`)).json).toMatchObject({
      ...{ status: 'dead_letter', payload: { host: 'wrong-host' }, redrivenAs: newId, editedAs: newId },
    })
    const again = await caller.post(`/api/activities/${order.id}/edit-and-redrive`, { payload: 1, reason: 'r' })
    expect(again.json).toMatchObject({ error: { code: 'conflict', redrivenAs: newId } })
    const preview = await caller.post('/api/dead-letters/preview', { filter: { type: 'mail' } })
    expect(preview.json).toMatchObject({ count: 0, already: 1, isExact: true })
  })

  test('a group is redriven in bulk: counted before, seen while it runs, done once', async () => {
    const { groups } = (await caller.get('/api/dead-letters/groups?type=sms')).json as {
      groups: { fingerprint: string }[]
    }
    const filter = { type: 'sms', fingerprint: groups[1]?.fingerprint }
    expect((await caller.post('/api/dead-letters/preview', { filter })).json).toMatchObject({
      count: 10,
      isExact: true,
    })
    const body = { filter, expected: 10, ratePerSecond: 100, reason: 'the printer has paper again' }
    const headers = { 'x-errand-request': ids.next() }
    const started = (await caller.post('/api/dead-letters/redrive', body, headers)).json as { id: string }
    expect(started).toMatchObject({ outcome: 'created', servedBy: 1 })
    expect((await caller.post('/api/dead-letters/redrive', body, headers)).json).toEqual(started)
    await ended(started.id)
    expect((await caller.get(`/api/operations/${started.id}`)).json).toMatchObject({
      ...{ state: 'completed', done: 10, failed: 0, left: 0 },
      head: { reason: 'the printer has paper again', requestedBy: 'act at 127.0.0.1' },
    })
    expect((await caller.get('/api/operations')).json).toMatchObject({ operations: [{ id: started.id }], servedBy: 1 })
    expect((await caller.get('/api/dead-letters/groups?type=sms')).json).toMatchObject({
      groups: expect.arrayContaining([expect.objectContaining({ count: 10, redriven: 10 })]),
    })
    expect(service.stderr).toMatch(/"act":"start-operation".*the printer has paper again/)
  })

  test('the live stream says how attempts end, resumes, and says so when it cannot', async () => {
    const first = await caller.stream()
    await first.heard('hello')
    const failed = await client.enqueue(mail, { host: 'live' })
    const { id: place } = await first.heard('activity', ({ id, type }) => id === failed.id && type === 'retrying')
    await first.heard('activity', ({ id, type }) => id === failed.id && type === 'dead_letter')
    first.close()
    const missed = await client.enqueue(mail, {})
    await ended(missed.id)
    const again = await caller.stream('/api/stream', { 'last-event-id': place ?? '' })
    expect((await again.heard('hello')).data).toMatchObject({ isResumed: true })
    await again.heard('activity', ({ id, type }) => id === failed.id && type === 'dead_letter')
    await again.heard('activity', ({ id, type }) => id === missed.id && type === 'completed')
    expect(again.events.map(({ name }) => name)).not.toContain('gap')
    const stranger = await caller.stream('/api/stream', { 'last-event-id': '00000000-7' })
    await stranger.heard('gap')
  })

  test('topics with frontiers and lag, findings with their fix, lanes and minutes', async () => {
    const { topics, groups, isKnown } = (await caller.get('/api/topics')).json as {
      topics: { topic: string; role: string; partitions: { lag: number | null; replicas: number }[] }[]
      groups: { groupId: string; members: number }[]
      isKnown: boolean
    }
    expect(isKnown).toBe(true)
    const lane = topics.find(({ topic }) => topic === `${namespace}.mail.normal`)
    expect(lane).toMatchObject({
      role: 'lane',
      // Commits come once a second: what is finished may still count.
      partitions: [
        { lag: expect.any(Number), replicas: 1 },
        { lag: expect.any(Number), replicas: 1 },
      ],
    })
    expect(groups).toEqual(
      expect.arrayContaining([expect.objectContaining({ groupId: `${namespace}.mail.workers`, members: 1 })]),
    )
    const doctor = (await caller.get('/api/doctor')).json as { isAvailable: boolean; findings: { fix: string }[] }
    expect(doctor.isAvailable).toBe(true)
    expect(doctor.findings.every(({ fix }) => fix !== '')).toBe(true)
    expect((await caller.get('/api/lanes')).json).toMatchObject({
      lanes: expect.arrayContaining([expect.objectContaining({ type: 'mail', priority: 'normal', consumers: 1 })]),
      trouble: null,
    })
    const { series } = (await caller.get('/api/series?type=mail')).json as {
      series: { buckets: { completed: number; enqueued: number | null }[] }[]
    }
    expect(series[0]?.buckets.reduce((sum, { completed }) => sum + completed, 0)).toBeGreaterThan(2)
    expect(series[0]?.buckets[0]?.enqueued).toBeNull()
  })

  test('with a token nobody is let in without it', async () => {
    await using guarded = console('--http-host', '0.0.0.0', '--console-act-token-file', join(folder, 'act'))
    await using asking = new ConsoleCaller(await portOf(guarded))
    expect((await asking.get('/api/stats')).status).toBe(401)
    expect((await asking.get('/api/stats', { authorization: `Bearer ${TOKEN}` })).status).toBe(200)
    expect((await asking.get('/readyz')).status).toBe(200)
    expect(guarded.stderr).not.toContain(TOKEN)
  })

  test.each([
    [['--http-host', '0.0.0.0'], 2, /other machines could act without a token/],
    [['--http-host', '::'], 2, /other machines could act without a token/],
    [['--http-port', 'off'], 2, /http\.port is off/],
    [['--trace-url', 'javascript:{traceId}'], 2, /traceUrl/],
    [['--console-act-token-file', '/nowhere/act'], 4, /console-act-token-file: \/nowhere\/act cannot be read/],
  ])('%j: exit code %i', async (args, code, says) => {
    await using refused = console(...args)
    expect(await refused.ended()).toBe(code)
    expect(refused.stderr).toMatch(says)
    expect(refused.stdout).toBe('')
  })

  test('SIGTERM ends it, with streams open', async () => {
    await using short = console()
    await using asking = new ConsoleCaller(await portOf(short))
    const reader = await asking.stream()
    await reader.heard('hello')
    short.signal('SIGTERM')
    await reader.ended()
    expect(await short.ended()).toBe(0)
    expect(short.stderr).toMatch(/errand-console has stopped/)
  })
})

/** Asks until the answer matches. */
async function until(ask: () => Promise<unknown>, matching: object): Promise<void> {
  await expect.poll(ask, { timeout: 20_000, interval: 50 }).toMatchObject(matching)
}
