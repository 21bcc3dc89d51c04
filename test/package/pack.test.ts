// What `npm pack` yields: a tarball that installs into another project, whose doors load, and which publint finds sound.

import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ErrandError } from '../../src/core/errors.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const run = promisify(execFile)

/** Resolves once the process wrote this to stderr. */
function untilSaid(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: string) => {
      said += chunk
      const match = pattern.exec(said)
      if (match !== null) resolve(match)
    })
    child.once('exit', () => reject(new ErrandError('timeout', `ended without ${String(pattern)}: ${said}`)))
  })
}

const root = new URL('../..', import.meta.url).pathname

const DOORS: Readonly<Record<string, readonly string[]>> = {
  errand: ['defineActivity', 'Client', 'Worker', 'Reaper', 'ErrandError', 'NonRetryableError', 'RetryAfterError'],
  'errand/memory': ['MemoryStorage'],
  'errand/kafka': ['KafkaStorage'],
  'errand/console': ['createConsole', 'checkConsoleOptions', 'ACTS'],
  'errand/testing': ['createTestKit', 'ManualClock', 'storageContract'],
}

const USE = `
import { Client, Worker, defineActivity } from 'errand'
import { MemoryStorage } from 'errand/memory'
import { z } from 'zod'
const greet = defineActivity({ type: 'greet', input: z.object({ name: z.string() }), output: z.string() })
await using storage = new MemoryStorage()
const client = new Client({ storage })
const worker = new Worker({ storage })
worker.handle(greet, async input => 'hello ' + input.name)
await worker.start()
console.log(await (await client.enqueue(greet, { name: 'you' })).result())
await worker.stop()
`

describe('the packed tarball', () => {
  let folder = ''
  let tarball = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'errand-pack-'))
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
    tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '')
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, 'zod'], { cwd: folder })
  }, 180_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each(Object.entries(DOORS))('%s loads and has what it promises', async (door, names) => {
    const script = `import * as door from '${door}'; console.log(JSON.stringify(Object.keys(door)))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder })
    expect(JSON.parse(stdout)).toEqual(expect.arrayContaining([...names]))
  })

  it('runs an activity in another project', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', USE], { cwd: folder })
    expect(stdout.trim()).toBe('hello you')
  })

  it('has no Kafka and no Redis behind its main door', async () => {
    const script = `
      import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (name === 'kafkajs' || name === 'ioredis') throw new Error(name + ' was loaded')
        return next(name, context)
      } })
      await import('errand'); await import('errand/memory'); await import('errand/testing'); await import('errand/console'); console.log('clean')`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder })
    expect(stdout.trim()).toBe('clean')
  })

  it('ships the scripts that run inside Redis, and no tests', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const files = stdout.split('\n')
    expect(files).toContain('package/dist/storage/redis/scripts/claim.lua')
    expect(files.filter(file => file.endsWith('.test.ts') || file.endsWith('.test.js'))).toEqual([])
  })

  it('brings its command, which needs nothing that only development has', async () => {
    const errand = join(folder, 'node_modules', '.bin', 'errand')
    const { stdout } = await run(errand, ['--version'], { cwd: folder })
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/)
    const dev = run(errand, ['dev', '--http-port', '0', '-o', 'jsonl'], { cwd: folder })
    dev.child.stderr?.setEncoding('utf8')
    const [, address = ''] = await untilSaid(dev.child, /Console: (http:\S+)/)
    const page = await (await fetch(address)).text()
    const [, script = ''] = /src="([^"]+\.js)"/.exec(page) ?? []
    expect((await fetch(new URL(script, address))).headers.get('content-type')).toContain('javascript')
    dev.child.kill('SIGINT')
    const { stdout: events, stderr } = await dev
    expect(stderr).toContain('MEMORY FORGETS')
    expect(events).toContain('"type":"completed"')
  })

  it('its `init` writes a project that type-checks, and enqueues and runs an activity on Kafka and Redis', async () => {
    const errand = join(folder, 'node_modules', '.bin', 'errand')
    const project = join(folder, 'example')
    const namespace = freshNamespace()
    const env = {
      ...process.env,
      ...{ ERRAND_NAMESPACE: namespace, ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() },
    }
    await run(errand, ['init', 'example'], { cwd: folder })
    await expect(run(errand, ['init', 'example'], { cwd: folder })).rejects.toMatchObject({ code: 4 })
    const types = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--allowImportingTsExtensions']
    const files = ['worker.ts', 'producer.ts'].map(file => join(project, file))
    const typesOfNode = [
      '--types',
      'node',
      '--typeRoots',
      join(root, 'node_modules/@types'),
      '--lib',
      'es2024,esnext.disposable',
    ]
    await run(join(root, 'node_modules/.bin/tsc'), [...types, ...typesOfNode, ...files], { cwd: project })
    const worker = run(errand, ['worker', '--import', './worker.ts', '--http-port', 'off'], { cwd: project, env })
    worker.child.stderr?.setEncoding('utf8')
    try {
      await untilSaid(worker.child, /errand-worker runs/)
      const { stdout } = await run(process.execPath, ['producer.ts', '7'], { cwd: project, env })
      expect(stdout).toMatch(/^created [0-9a-f-]{36}\n\{ receiptId: 'receipt-7' \}\n$/)
    } finally {
      worker.child.kill('SIGTERM')
      await worker
      await dropTopics(namespace)
    }
  })

  it('is sound by the rules of publint', async () => {
    const { stdout } = await run(join(root, 'node_modules/.bin/publint'), ['--strict', root]).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toContain('All good')
  })
})
