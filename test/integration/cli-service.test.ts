// `errand worker` and `errand reaper` as pods run them: probes, figures, and how they end.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPrivateStack } from '../../scripts/stack/private-stack.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Client } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { broken, echo, patient } from '../support/cli-handlers.ts'
import { CliProcess } from '../support/cli-process.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const HANDLERS = fileURLToPath(new URL('../support/cli-handlers.ts', import.meta.url))

interface Probe {
  readonly status: number
  readonly body: {
    readonly state: string
    readonly checks: readonly { readonly name: string; readonly status: string }[]
  }
}

async function probe(address: string, path: string): Promise<Probe> {
  const response = await fetch(`${address}${path}`)
  return { status: response.status, body: (await response.json()) as Probe['body'] }
}

/** Asks until the answer has this status: what changes it is a server that comes or goes. */
async function probed(address: string, path: string, status: number): Promise<Probe> {
  const untilMs = systemClock.monotonicMs() + 30_000
  for (;;) {
    const answer = await probe(address, path)
    if (answer.status === status || systemClock.monotonicMs() > untilMs) return answer
    await systemClock.sleep(100)
  }
}

async function addressOf(service: CliProcess): Promise<string> {
  const [, address = ''] = await service.heard('stderr', /"http":"(http:[^"]+)","message":"errand-\w+ runs"/)
  return address
}

describe('a service', () => {
  const namespace = freshNamespace()
  let storage: KafkaStorage
  let client: Client
  let folder = ''

  const worker = (...args: string[]): CliProcess =>
    new CliProcess(
      ['worker', '--import', HANDLERS, '--namespace', namespace, '--http-port', '0', '--partitions', '2', ...args],
      { env: { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() } },
    )

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'errand-service-'))
    storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 })
    client = new Client({ storage })
    await storage.declareTypes({ types: ['echo', 'broken', 'flaky', 'patient'] })
  })

  afterAll(async () => {
    await storage.close()
    await dropTopics(namespace)
    await rm(folder, { recursive: true, force: true })
  })

  test('runs handlers, answers probes, and gives figures', async () => {
    await using service = worker()
    const address = await addressOf(service)
    expect(await probe(address, '/livez')).toMatchObject({ status: 200, body: { state: 'running' } })
    expect(await probe(address, '/startupz')).toMatchObject({ status: 200 })
    const ready = await probe(address, '/readyz')
    expect(ready.status).toBe(200)
    expect(ready.body.checks.map(({ name }) => name).sort()).toEqual(
      [
        ...['broken', 'echo', 'errand-operation', 'flaky', 'patient'].map(type => `consumer of ${type}`),
        ...['kafka', 'redis'],
      ].sort(),
    )
    expect(await (await client.enqueue(echo, { a: 1 })).result({ timeoutMs: 20_000 })).toEqual({ a: 1 })
    await expect((await client.enqueue(broken, {})).result({ timeoutMs: 20_000 })).rejects.toThrow('no lines')
    const figures = await (await fetch(`${address}/metrics`)).text()
    expect(figures).toMatch(/errand_activity_settled_total\{[^}]*errand_activity_outcome="completed"[^}]*\} 1/)
    expect(figures).toMatch(/messaging_process_duration_count/)
    expect((await fetch(`${address}/elsewhere`)).status).toBe(404)
    expect((await fetch(`${address}/livez`, { method: 'POST' })).status).toBe(405)
    service.signal('SIGTERM')
    expect(await service.ended()).toBe(0)
    expect(service.stderr).toContain('handlers cleaned up')
    expect(service.stderr).toMatch(/"drained":true,"remaining":0,"message":"errand-worker has stopped"/)
  })

  test('at SIGTERM claims nothing more, is not ready, and lets what runs end', async () => {
    await using service = worker()
    const address = await addressOf(service)
    const file = join(folder, 'drained')
    const handle = await client.enqueue(patient, { file })
    await service.heard('stderr', /patient waits/)
    service.signal('SIGTERM')
    await service.heard('stderr', /errand-worker drains/)
    expect(await probe(address, '/readyz')).toMatchObject({ status: 503, body: { state: 'draining' } })
    expect(await probe(address, '/livez')).toMatchObject({ status: 200 })
    const later = await client.enqueue(echo, 'later')
    await writeFile(file, '')
    expect(await service.ended()).toBe(0)
    expect(await handle.status()).toBe('completed')
    expect(await later.status()).toBe('pending')
    await later.cancel()
  })

  test('what outlives the grace is given back, uncounted', async () => {
    await using service = worker('--grace', '200ms')
    await addressOf(service)
    const file = join(folder, 'given-back')
    const handle = await client.enqueue(patient, { file })
    await service.heard('stderr', /patient waits/)
    service.signal('SIGTERM')
    expect(await service.ended()).toBe(0)
    expect(service.stderr).toMatch(/"drained":false,"remaining":1,"message":"errand-worker has stopped"/)
    await writeFile(file, '')
    await using next = worker()
    await handle.result({ timeoutMs: 20_000 })
    const snapshot = await client.inspect.get(handle.id)
    expect(snapshot).toMatchObject({ status: 'completed', attempt: 1 })
    next.signal('SIGINT')
    expect(await next.ended()).toBe(0)
  })

  test('a second SIGTERM leaves at once', async () => {
    await using service = worker()
    await addressOf(service)
    const file = join(folder, 'at-once')
    const handle = await client.enqueue(patient, { file, heeds: false })
    await service.heard('stderr', /patient waits/)
    service.signal('SIGTERM')
    await service.heard('stderr', /errand-worker drains/)
    service.signal('SIGTERM')
    await service.ended()
    expect(service.signalCode).toBe('SIGTERM')
    await writeFile(file, '')
    await using next = worker('--lease', '2s')
    await handle.result({ timeoutMs: 40_000 })
    next.signal('SIGTERM')
    expect(await next.ended()).toBe(0)
  })

  test('a reaper makes due activities ready for workers that have none', async () => {
    await using service = worker('--no-reaper')
    await addressOf(service)
    const handle = await client.enqueue(echo, 'due', { delayMs: 50 })
    await using reaper = new CliProcess(['reaper', '--namespace', namespace, '--http-port', '0'])
    const address = await addressOf(reaper)
    expect(await handle.result({ timeoutMs: 20_000 })).toBe('due')
    expect((await probe(address, '/readyz')).status).toBe(200)
    reaper.signal('SIGTERM')
    expect(await reaper.ended()).toBe(0)
    service.signal('SIGTERM')
    expect(await service.ended()).toBe(0)
  })

  test.each([
    [['--import', './nowhere.ts'], /--import \.\/nowhere\.ts cannot be imported/, 2],
    [['--import', 'no-such-package'], /neither a path .* nor a package/, 2],
    [
      ['--import', fileURLToPath(import.meta.url).replace(/cli-service\.test/, '../support/stack')],
      /must export a function/,
      2,
    ],
    [[], /worker\.import must be given/, 2],
  ])('worker %j: %s', async (args, says, code) => {
    await using service = new CliProcess(['worker', '--namespace', namespace, ...args])
    expect(await service.ended()).toBe(code)
    expect(service.stderr).toMatch(says)
    expect(service.stdout).toBe('')
  })

  test('a port that is taken is told by its setting', async () => {
    await using first = worker()
    const { port } = new URL(await addressOf(first))
    await using second = worker('--http-port', port)
    expect(await second.ended()).toBe(4)
    expect(second.stderr).toMatch(/http\.port: 127\.0\.0\.1:\d+ cannot be listened on \(EADDRINUSE\)/)
  })
})

describe('servers that come and go', () => {
  test('it waits for them, alive and not ready; an outage of Redis is no reason to be restarted', async () => {
    await using stack = await openPrivateStack()
    await stack.killRedis()
    await using service = new CliProcess(
      ['worker', '--import', HANDLERS, '--namespace', 'outage', '--http-port', '0', '--log-level', 'debug'],
      { env: { ERRAND_KAFKA_BROKERS: stack.kafkaBrokers.join(','), ERRAND_REDIS_URL: stack.redisUrl } },
    )
    const [, address = ''] = await service.heard('stderr', /"address":"(http:[^"]+)","message":"probes/)
    await service.heard('stderr', /a server is away; trying again/)
    expect(await probe(address, '/livez')).toMatchObject({ status: 200, body: { state: 'starting' } })
    expect(await probe(address, '/startupz')).toMatchObject({ status: 503 })
    expect(await probe(address, '/readyz')).toMatchObject({ status: 503, body: { state: 'starting' } })
    await stack.startRedis()
    expect(await probed(address, '/readyz', 200)).toMatchObject({ status: 200, body: { state: 'running' } })
    await stack.killRedis()
    const away = await probed(address, '/readyz', 503)
    expect(away.body.checks.filter(({ status }) => status === 'failed').map(({ name }) => name)).toEqual(['redis'])
    expect((await probe(address, '/livez')).status).toBe(200)
    await stack.startRedis()
    expect((await probed(address, '/readyz', 200)).status).toBe(200)
    service.signal('SIGTERM')
    expect(await service.ended()).toBe(0)
  })

  test('a SIGTERM while it waits for them ends it', async () => {
    await using service = new CliProcess([
      'reaper',
      '--namespace',
      'nobody',
      '--http-port',
      'off',
      '--redis',
      'redis://127.0.0.1:1',
    ])
    await service.heard('stderr', /a server is away/)
    service.signal('SIGTERM')
    expect(await service.ended()).toBe(0)
    expect(service.stderr).toContain('errand-reaper has stopped before it ran')
  })
})
