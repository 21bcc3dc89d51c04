import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ErrandError } from '../../src/core/errors.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { readOrdersTable } from '../support/orders-table.ts'
import { repositoryDir, runNode, runVerb } from '../support/run-program.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const SHIPPED = join(repositoryDir, 'examples', 'orders', 'orders.jsonl')

/** What the shipped file comes to, counted by its words: see handlers.ts. */
const SHIPPED_TABLE = {
  'reserve-stock': { enqueued: 1961, deduplicated: 39, refused: 0, completed: 1944, failed: 17, deadLettered: 0 },
  'charge-card': { enqueued: 1961, deduplicated: 39, refused: 0, completed: 1908, failed: 53, deadLettered: 0 },
  'send-receipt': { enqueued: 1961, deduplicated: 39, refused: 0, completed: 1961, failed: 0, deadLettered: 0 },
  'ship-order': { enqueued: 1961, deduplicated: 39, refused: 0, completed: 1928, failed: 0, deadLettered: 33 },
  'notify-warehouse': { enqueued: 1961, deduplicated: 39, refused: 0, completed: 1961, failed: 0, deadLettered: 0 },
  all: { enqueued: 9805, deduplicated: 195, refused: 0, completed: 9702, failed: 70, deadLettered: 33 },
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errand-orders-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fileOf(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, lines.join('\n'))
  return path
}

const plain = {
  orderId: 'order-1',
  email: 'a@mail.example',
  cardToken: 'tok_visa',
  totalCents: 100,
  lines: [{ sku: 'sku-1', quantity: 2 }],
  zone: 'north',
  express: false,
}
const orderLine = (changes: Readonly<Record<string, unknown>>): string => JSON.stringify({ ...plain, ...changes })

describe('the example on memory', () => {
  test('every kind of trouble ends as it should, and the table adds up to the lines of the file', async () => {
    const file = await fileOf('troubles.jsonl', [
      orderLine({}),
      orderLine({}),
      orderLine({ orderId: 'order-2', cardToken: 'tok_declined' }),
      '',
      orderLine({ orderId: 'order-3', zone: 'offshore', express: true }),
      'no JSON',
      orderLine({ orderId: 'order-4', email: 'a@greylist.example', cardToken: 'tok_gateway_busy' }),
      orderLine({ orderId: 'order-5', totalCents: -1 }),
      orderLine({ orderId: 'order-6', lines: [{ sku: 'sku-discontinued', quantity: 1 }] }),
    ])
    const { exitCode, stdout, stderr } = await runVerb('start', ['--storage', 'memory', '--file', file])
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain('two workers in this process')
    expect(stdout).toMatch(/line 6 is left out: not JSON/)
    expect(stdout).toMatch(/line 8 is left out: not an order: .*totalCents/)
    expect(Object.fromEntries(readOrdersTable(stdout))).toMatchObject({
      'reserve-stock': { enqueued: 5, deduplicated: 1, refused: 2, completed: 4, failed: 1, retried: 0 },
      'charge-card': { enqueued: 5, deduplicated: 1, refused: 2, completed: 4, failed: 1, retried: 1 },
      'send-receipt': { enqueued: 5, deduplicated: 1, refused: 2, completed: 5, failed: 0, retried: 1 },
      'ship-order': { enqueued: 5, deduplicated: 1, refused: 2, completed: 4, deadLettered: 1, retried: 1 },
      'notify-warehouse': { enqueued: 5, deduplicated: 1, refused: 2, completed: 5, failed: 0, retried: 0 },
    })
    expect(stdout).toContain('25 enqueued + 5 deduplicated + 10 refused = 40 = 8 lines × 5 types')
    expect(stdout).toContain('22 completed + 2 failed + 1 dead-lettered = 25 = 25 enqueued')
    expect(stdout).toContain('All adds up')
  })

  test('the shipped orders come to the same every time', async () => {
    const { exitCode, stdout } = await runVerb('start', ['--storage', 'memory'])
    expect(exitCode, stdout).toBe(0)
    expect(Object.fromEntries(readOrdersTable(stdout))).toMatchObject(SHIPPED_TABLE)
  })

  test('an interrupt lets the workers finish, says that it was not the end, and exits with 130', async () => {
    const { exitCode, stdout } = await runVerb('start', ['--storage', 'memory'], {
      signalOn: { text: 'two workers are ready', signal: 'SIGINT' },
    })
    expect(exitCode, stdout).toBe(130)
    expect(stdout).toContain('Stopped before the end')
    expect(stdout).not.toContain('adds up')
  })
})

describe('what is wrong is told in a line', () => {
  test.each([
    [['--file', 'no-such-file.jsonl'], 'no-such-file.jsonl, but there is no such file'],
    [['--file', '.'], 'but it cannot be read (EISDIR)'],
    [['--storage', 'disk'], '--storage is "disk"; use auto, kafka, memory'],
    [['--namespace', 'No_Good'], 'namespace'],
    [['--fast'], '--fast'],
    [['orders.jsonl'], 'orders.jsonl'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { exitCode, stdout, stderr } = await runVerb('start', args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/^ +at /m)
  })

  test('--help tells the options and the exit codes', async () => {
    const { exitCode, stdout } = await runVerb('start', ['--help'])
    expect(exitCode).toBe(0)
    for (const word of ['--file', '--storage', '--namespace', 'Exit codes']) expect(stdout).toContain(word)
  })

  test('a Kafka that is given but does not answer is an error, not a reason for memory', async () => {
    const { exitCode, stderr } = await runVerb('start', [], {
      env: { ERRAND_KAFKA_BROKERS: '127.0.0.1:1', ERRAND_REDIS_URL: 'redis://127.0.0.1:1' },
    })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('ERRAND_KAFKA_BROKERS is 127.0.0.1:1, but no Kafka answers there')
  })
})

test('the shipped orders are what the generator makes', async () => {
  const { exitCode, stdout } = await runNode(['examples/orders/generate.ts'])
  expect(exitCode).toBe(0)
  expect(stdout).toBe(await readFile(SHIPPED, 'utf8'))
})

describe('the example on Kafka and Redis', () => {
  test('two processes run the shipped orders, and it adds up', { timeout: 180_000 }, async () => {
    const namespace = freshNamespace('orders')
    const env = { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() }
    const { exitCode, stdout, stderr } = await runVerb('start', ['--namespace', namespace], { env })
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain(`namespace ${namespace}; two workers, each a process`)
    expect(Object.fromEntries(readOrdersTable(stdout))).toMatchObject(SHIPPED_TABLE)
    expect(stdout).toContain('All adds up')
    await dropTopics(namespace)
  })

  test('an interrupted run is gone on with, and nothing is lost or run anew', { timeout: 180_000 }, async () => {
    const namespace = freshNamespace('orders')
    const file = await fileOf('some.jsonl', (await readFile(SHIPPED, 'utf8')).split('\n').slice(0, 200))
    const env = { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() }
    const args = ['--namespace', namespace, '--file', file]
    const first = await runVerb('start', args, { env, signalOn: { text: 'enqueues answered', signal: 'SIGTERM' } })
    expect(first.exitCode, first.stdout).toBe(130)
    expect(first.stdout).toContain(`npm start -- --namespace ${namespace}`)
    const second = await runVerb('start', args, { env })
    expect(second.exitCode, second.stdout + second.stderr).toBe(0)
    expect(readOrdersTable(second.stdout).get('all')).toMatchObject({ enqueued: 0, deduplicated: 1000 })
    await dropTopics(namespace)
  })
})

test('--console serves the pages afterwards, over what the run left, until Ctrl-C', async () => {
  const child = spawn(
    process.execPath,
    [join(repositoryDir, 'examples/orders/main.ts'), '--storage', 'memory', '--console'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = once(child, 'close')
  let said = ''
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const [, found] = /console: (http:\/\/[^ ]+)/.exec(said) ?? []
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new ErrandError('timeout', `it ended without a console:\n${said}`)))
  })
  const page = await fetch(address)
  expect(await page.text()).toContain('<title>')
  const stats = (await (await fetch(`${address}api/stats`)).json()) as Record<string, number>
  expect(stats).toMatchObject({ completed: 9702, failed: 70, dead_letter: 33, pending: 0 })
  child.kill('SIGINT')
  expect(await ended).toEqual([0, null])
})
