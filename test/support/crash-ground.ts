// Where processes die: a namespace that rows of the crash-point test use one after another, what its log says, and a pool
// of such grounds, since a reaper or a scheduler of one row would take up what another has left.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { OutcomeRecord } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { dlqTopic, outcomesTopic } from '../../src/core/topics.ts'
import type { LogRecord } from '../../src/consumer/log-reader.ts'
import { LogReader } from '../../src/consumer/log-reader.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { decodeDlq } from '../../src/wire/dead-letter-record.ts'
import { decodeOutcome } from '../../src/wire/outcome-record.ts'
import type { CrashOrder, CrashWord, Death } from './crash-child.ts'
import { CrashRedis } from './crash-redis.ts'
import type { CrashRow } from './crash-rows.ts'
import { crashStorageOptions } from './crash-storage-options.ts'
import { dropTopics } from './drop-topics.ts'
import { freshNamespace, kafkaBrokers } from './stack.ts'

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))
const CHILD_MS_MAX = 40_000
/** Half of what a child costs is reading its sources. */
const COMPILE_CACHE = join(tmpdir(), `errand-crash-${process.pid}`)
const SCAN_RECORDS_MAX = 100_000

/** A namespace with one type. */
export class CrashGround {
  readonly namespace = freshNamespace('crash')
  readonly type = 'work'
  readonly redis = new CrashRedis(this.namespace)
  readonly #reader = new LogReader({
    settings: { brokers: kafkaBrokers(), clientId: 'crash-test', logger: silentLogger },
    namespace: this.namespace,
    clock: systemClock,
    logger: silentLogger,
  })

  /** A storage of those who live. */
  open(): Promise<KafkaStorage> {
    return KafkaStorage.open(crashStorageOptions(this.namespace))
  }

  /** Has processes die, one after another, each at one write and over what the one before has left. Gives the ids it is about. */
  async crash(crashes: CrashRow['crashes']): Promise<readonly string[]> {
    let ids: readonly string[] = []
    for (const crash of crashes) {
      ids = (await this.die([{ ...crash, id: ids[0] ?? null }])).flat()
      await this.redis.hurry() // the next one is not to wait until the claim of the one before is over
    }
    return ids
  }

  /** Has one process die while it stands still at these writes. Gives the ids that each is about. */
  async die(deaths: readonly Death[]): Promise<readonly (readonly string[])[]> {
    const order: CrashOrder = { namespace: this.namespace, type: this.type, deaths }
    const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: CHILD_MS_MAX, // ends it by another signal than its own
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
    })
    const [said, complaint, [, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    ])
    const wanted = deaths.map(({ scenario, point, phase }) => `'${scenario}' ${phase} ${point}`).join(', ')
    assert.equal(signal, 'SIGKILL', `nobody died of ${wanted}: ${said}${complaint}`)
    const words = said
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as CrashWord)
    assert.deepEqual(
      words.filter(word => word.said === 'stands'),
      deaths.map(({ point, phase }) => ({ said: 'stands', point, phase })),
      complaint,
    )
    return words.flatMap(word => (word.said === 'about' ? [word.ids] : []))
  }

  /** Every outcome record of an activity, copies included. */
  async outcomes(id: string): Promise<OutcomeRecord[]> {
    const records = await this.#recordsOf(outcomesTopic(this.namespace), id)
    return records.map(record => decodeOutcome(record.value ?? new Uint8Array()))
  }

  /** How many dead letters there are of an activity, copies included. */
  async deadLetters(id: string): Promise<number> {
    const records = await this.#recordsOf(dlqTopic(this.namespace), id)
    return records.filter(record => decodeDlq(record.value, record.headers).kind === 'dead_letter').length
  }

  /** How many records of the DLQ hold this as poison. */
  async poisonOf(wanted: string): Promise<number> {
    const records = await this.#recordsOf(dlqTopic(this.namespace), null)
    return records.filter(({ value, headers }) => {
      const letter = decodeDlq(value, headers)
      return letter.kind === 'poison' && Buffer.from(letter.record.value ?? []).toString('utf8') === wanted
    }).length
  }

  async #recordsOf(topic: string, id: string | null): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    const onRecord = (record: LogRecord): void => {
      if (id === null || Buffer.from(record.key ?? []).toString('utf8') === id) records.push(record)
    }
    for (const { partition, low, high } of await this.#reader.bounds(topic)) {
      await this.#reader.scan({ topic, partition, from: low, to: high, maxRecords: SCAN_RECORDS_MAX, onRecord })
    }
    return records
  }

  /** Takes everything away again. */
  async close(): Promise<void> {
    await this.#reader.stop()
    await this.redis.empty()
    this.redis.close()
    await dropTopics(this.namespace)
  }
}

/** So many grounds at most; whoever finds none free waits. */
export class CrashGrounds {
  readonly #all: CrashGround[] = []
  readonly #free: CrashGround[] = []
  readonly #waiting: ((ground: CrashGround) => void)[] = []
  #left: number

  constructor(count: number) {
    this.#left = count
  }

  /** Gives a ground for the time of a call. One on which a call has failed is not used again: who knows what is left there. */
  async with(call: (ground: CrashGround) => Promise<void>): Promise<void> {
    const ground = await this.#take()
    let isClean = false
    try {
      await call(ground)
      isClean = true
    } finally {
      this.#giveBack(isClean ? ground : this.#make())
    }
  }

  #take(): Promise<CrashGround> {
    const free = this.#free.pop()
    if (free !== undefined) return Promise.resolve(free)
    if (this.#left > 0) {
      this.#left -= 1
      return Promise.resolve(this.#make())
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #giveBack(ground: CrashGround): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(ground)
    else next(ground)
  }

  #make(): CrashGround {
    const ground = new CrashGround()
    this.#all.push(ground)
    return ground
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(ground => ground.close()))
    await rm(COMPILE_CACHE, { recursive: true, force: true })
  }
}
