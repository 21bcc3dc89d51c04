// Where processes die: a namespace that rows of the crash-point test use one after another, what its log says, and a pool
// of such grounds, since a reaper or a scheduler of one row would take up what another has left.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import type { OutcomeRecord } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { dlqTopic, outcomesTopic } from '../../src/core/topics.ts'
import type { LogRecord } from '../../src/consumer/log-reader.ts'
import { LogReader } from '../../src/consumer/log-reader.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { decodeDlq } from '../../src/wire/dead-letter-record.ts'
import { decodeOutcome } from '../../src/wire/outcome-record.ts'
import type { CrashOrder } from './crash-child.ts'
import type { CrashRow } from './crash-rows.ts'
import { crashStorageOptions } from './crash-storage-options.ts'
import { dropTopics } from './drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from './stack.ts'

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))
const CHILD_MS_MAX = 40_000
const SCAN_RECORDS_MAX = 100_000

/** A namespace with one type. */
export class CrashGround {
  readonly namespace = freshNamespace('crash')
  readonly type = 'work'
  readonly #redis = new Redis(redisUrl())
  readonly #keys = new Keys(this.namespace)
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

  /** Has processes die, one after another; each must die by its own hand at its point. Gives the activity's id. */
  async crash(crashes: CrashRow['crashes']): Promise<string> {
    let id: string | null = null
    for (const crash of crashes) {
      id = await this.#die({ ...crash, namespace: this.namespace, type: this.type, id })
      await this.hurry() // the next one is not to wait until the claim of the one before is over
    }
    assert.ok(id !== null)
    return id
  }

  async #die(order: CrashOrder): Promise<string> {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: CHILD_MS_MAX, // ends it by another signal than its own
    })
    const [said, complaint, [, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    ])
    const [about, death, ...more] = said
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as { readonly id?: string; readonly diesAt?: string })
    assert.equal(signal, 'SIGKILL', `'${order.scenario}' did not die at ${order.point}: ${said}${complaint}`)
    assert.deepEqual([death, more], [{ diesAt: order.point }, []], complaint)
    assert.ok(about?.id !== undefined)
    return about.id
  }

  /** Deletes the namespace's keys: what a Redis that lost its memory looks like to it. */
  async emptyRedis(): Promise<void> {
    const tag = this.#keys.leases.slice(0, this.#keys.leases.indexOf('}') + 1)
    for await (const keys of this.#redis.scanStream({ match: `${tag}*`, count: 1_000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await this.#redis.del(...keys)
    }
  }

  /** The due-time index is gone, and nothing else. */
  async loseIndex(): Promise<void> {
    await this.#redis.del(this.#keys.due, this.#keys.delayed, this.#keys.scheduledCounts)
  }

  /** Puts every due time, and the time of every reservation, into the past. */
  async hurry(): Promise<void> {
    for (const key of [this.#keys.due, this.#keys.reservations]) {
      const members = await this.#redis.zrange(key, '0', '-1')
      if (members.length > 0) await this.#redis.zadd(key, 'XX', ...members.flatMap(member => ['1', member]))
    }
  }

  /** Lets the next sweep happen, however soon after the last. */
  async allowSweep(): Promise<void> {
    await this.#redis.del(this.#keys.sweep)
  }

  /** What waits in Redis's sets: nothing, once all has ended. */
  async leftInRedis(): Promise<Record<string, number>> {
    const { leases, reservations, due, delayed } = this.#keys
    const [leased, reserved, dueMembers, envelopes] = await Promise.all([
      this.#redis.zcard(leases),
      this.#redis.zcard(reservations),
      this.#redis.zcard(due),
      this.#redis.hlen(delayed),
    ])
    return { leased, reserved, dueMembers, envelopes }
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

  async #recordsOf(topic: string, id: string): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    const onRecord = (record: LogRecord): void => {
      if (Buffer.from(record.key ?? []).toString('utf8') === id) records.push(record)
    }
    for (const { partition, low, high } of await this.#reader.bounds(topic)) {
      await this.#reader.scan({ topic, partition, from: low, to: high, maxRecords: SCAN_RECORDS_MAX, onRecord })
    }
    return records
  }

  /** Takes everything away again. */
  async close(): Promise<void> {
    await this.#reader.stop()
    await this.emptyRedis()
    this.#redis.disconnect()
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
  }
}
