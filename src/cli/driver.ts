// The storage driver: one process that speaks JSON lines on stdin and stdout, so that anyone can run scenarios against a
// storage from outside. `--storage memory|kafka`; brokers and Redis come from the environment. Requests are answered in
// order; it runs no reaper and no scheduler of its own. Nothing but replies goes to stdout.

import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import { systemClock } from '../core/clock.ts'
import { ErrandError, fromUnknown } from '../core/errors.ts'
import type { IdSource } from '../core/ids.ts'
import { uuidv7Source } from '../core/ids.ts'
import { memberText } from '../core/json-text.ts'
import type { LogFields, Logger } from '../core/logger.ts'
import { clipUtf8 } from '../core/text.ts'
import type { Storage } from '../storage/storage.ts'
import type { Line } from './driver-lines.ts'
import { lineFor, oneLine, readLines } from './driver-lines.ts'
import type { OpContext, StorageOpName } from './driver-ops.ts'
import { ops } from './driver-ops.ts'
import type { OpArgs } from './driver-schema.ts'
import { check, parseRequest, schemas } from './driver-schema.ts'
import type { Reply } from './driver-views.ts'

const STORAGES = ['memory', 'kafka'] as const
type StorageName = (typeof STORAGES)[number]

/** What was refused may be megabytes, and stand in the message. */
const MESSAGE_BYTES_MAX = 4_096

/** The driver's state: a storage, once it was opened. */
class Driver {
  readonly #storageName: StorageName
  readonly #ids: IdSource = uuidv7Source({
    nowMs: () => systemClock.nowMs(),
    randomBytes: into => into.set(randomBytes(into.length)) ?? into,
  })
  #opened: { readonly namespace: string; readonly storage: Storage } | undefined
  #isClosed = false

  constructor(storageName: StorageName) {
    this.#storageName = storageName
  }

  /** True once `close` was answered. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The reply to one line. Never throws. */
  async reply(line: Line): Promise<string> {
    try {
      if ('error' in line) throw line.error
      return oneLine(lineFor({ ok: await this.#handle(line.text) }))
    } catch (error) {
      const { code, message } = fromUnknown(error, 'internal')
      return oneLine(lineFor({ error: { code, message: clipUtf8(message.toWellFormed(), MESSAGE_BYTES_MAX) } }))
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.storage.close()
  }

  async #handle(text: string): Promise<Reply> {
    const { op, args } = parseRequest(parseJson(text))
    if (op === 'open') return this.#open(check(schemas.open, args, 'args'))
    if (op === 'close') {
      check(schemas.close, args, 'args')
      this.#isClosed = true
      await this.close()
      return {}
    }
    if (this.#opened === undefined) throw new ErrandError('conflict', `no storage is open; send 'open' before '${op}'.`)
    const argsText = memberText(text, 'args') ?? '{}'
    return run(op, { storage: this.#opened.storage, clock: systemClock, ids: this.#ids, argsText }, args)
  }

  async #open({ namespace, types }: OpArgs<'open'>): Promise<Reply> {
    if (this.#opened !== undefined && this.#opened.namespace !== namespace) {
      throw new ErrandError(
        'conflict',
        `namespace '${this.#opened.namespace}' is open; start another driver for another.`,
      )
    }
    this.#opened ??= { namespace, storage: await openStorage(this.#storageName, namespace) }
    if (types.length > 0) await this.#opened.storage.subscribe({ types })
    return {}
  }
}

function run(op: StorageOpName, context: OpContext, args: unknown): Promise<Reply> {
  const perform: (context: OpContext, args: never) => Promise<Reply> = ops[op]
  // The schema of a name makes the arguments of its operation; the compiler does not follow that through a union.
  return perform(context, check(schemas[op], args, 'args') as never)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw fromUnknown(error, 'serialization', 'the line is not JSON')
  }
}

/** The least that a broker allows by default: whoever drives several waits for a killed one's partitions this long. */
const SESSION_TIMEOUT_MS = 6_000

async function openStorage(name: StorageName, namespace: string): Promise<Storage> {
  // Each is loaded only when it is asked for: a driver on memory needs neither client.
  if (name === 'memory') {
    const { MemoryStorage } = await import('../storage/memory/index.ts')
    return MemoryStorage.open({ namespace })
  }
  const [{ KafkaStorage }, { addressesFrom }] = await Promise.all([
    import('../storage/kafka/index.ts'),
    import('./environment.ts'),
  ])
  return KafkaStorage.open({
    namespace,
    ...addressesFrom(process.env),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    logger: stderrLogger,
  })
}

/** JSON lines on stderr, warnings and errors only. */
const stderrLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => log('warn', message, fields),
  error: (message, fields) => log('error', message, fields),
}

function log(level: string, message: string, fields: LogFields | undefined): void {
  const errorFields = Object.entries(fields ?? {}).map(([name, value]) => [
    name,
    value instanceof Error ? value.message : value,
  ])
  process.stderr.write(`${JSON.stringify({ level, message, ...Object.fromEntries(errorFields) })}\n`)
}

function write(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, error => (error ? reject(error) : resolve()))
  })
}

function storageNameFrom(argv: readonly string[]): StorageName {
  const { storage } = parseArgs({ args: [...argv], options: { storage: { type: 'string' } } }).values
  const name = STORAGES.find(known => known === storage)
  if (name !== undefined) return name
  throw new ErrandError(
    'invalid_argument',
    `--storage is ${JSON.stringify(storage ?? null)}; it must be one of ${STORAGES.join(', ')}.`,
  )
}

async function main(): Promise<void> {
  const driver = new Driver(storageNameFrom(process.argv.slice(2)))
  // Errand's timers never keep a process alive, and after the end of the input nothing else would: an open port does.
  const { port1: keepAlive } = new MessageChannel()
  keepAlive.on('message', () => undefined)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.stdin.destroy())
  try {
    for await (const line of readLines(process.stdin)) {
      await write(await driver.reply(line))
      if (driver.isClosed) break
    }
  } finally {
    await driver.close()
    keepAlive.close()
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log('error', fromUnknown(error, 'internal').message, undefined)
    process.exit(1)
  },
)
