// A namespace for attempts that run for long, with looks at what is left of them in Kafka and Redis.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import type { Admin } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { expect } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import type { Priority } from '../../src/core/priority.ts'
import { delayTopic, laneTopic, workersGroup } from '../../src/core/topics.ts'
import type { KafkaStorage, KafkaStorageOptions } from '../../src/storage/kafka/index.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { CrashRedis } from './crash-redis.ts'
import type { RehomedWorkerOrder } from './crash-rehomed-worker.ts'
import { ObservedNamespace, runAlone } from './observed-namespace.ts'
import { kafkaBrokers, redisUrl } from './stack.ts'

/** What they are of. Retries wait for an hour. */
export const LONG = defineActivity({ type: 'long', input: z.number(), maxAttempts: 3, retryDelayMs: 3_600_000 })

const CHILD = fileURLToPath(new URL('crash-rehomed-worker.ts', import.meta.url))
const WAIT_MS_MAX = 30_000
/** Short, so that tests wait for none of it. */
const QUICK = { partitions: 1, commitIntervalMs: 50, sessionTimeoutMs: 1_500, maxWaitMs: 50 }

/** Of those that live: on a loaded machine a short one runs out, and who has got the partition then sees to the homes later. */
const SESSION_MS = 5_000

/** One partition, so that everything stands behind the same frontier. */
export class RehomedNamespace implements AsyncDisposable {
  readonly observed: ObservedNamespace
  readonly redis: CrashRedis
  readonly #keys: Keys
  readonly #redis = new Redis(redisUrl())
  readonly #admin: Admin = new Kafka({ brokers: kafkaBrokers(), clientId: 'looks', logLevel: logLevel.NOTHING }).admin()
  readonly #opened: KafkaStorage[] = []
  readonly #children: ChildProcess[] = []

  static async open(): Promise<RehomedNamespace> {
    const observed = await ObservedNamespace.open({ types: [LONG.type], partitions: 1 })
    const namespace = new RehomedNamespace(observed)
    await namespace.#admin.connect()
    return namespace
  }

  private constructor(observed: ObservedNamespace) {
    this.observed = observed
    this.redis = new CrashRedis(observed.namespace)
    this.#keys = new Keys(observed.namespace)
  }

  /** A storage that re-homes after half a second, unless told otherwise, and claims; closed with the namespace. */
  async worker(more: Partial<KafkaStorageOptions> = {}): Promise<KafkaStorage> {
    const storage = await this.observed.openAnother({
      ...{ ...QUICK, sessionTimeoutMs: SESSION_MS, rehomeAfterMs: 500 },
      ...more,
    })
    this.#opened.push(storage)
    await storage.subscribe({ types: [LONG.type] })
    return storage
  }

  /** A worker as a process of its own, whose handlers never end; `begun` resolves once it has begun its first. */
  startDoomed(leaseMs: number): { readonly begun: Promise<string>; readonly kill: () => Promise<void> } {
    const options = { namespace: this.observed.namespace, brokers: kafkaBrokers(), redisUrl: redisUrl() }
    const order: RehomedWorkerOrder = { options: { ...options, ...QUICK, rehomeAfterMs: 500 }, leaseMs }
    const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    const begun = once(createInterface(child.stdout), 'line').then(([line]) => String(line))
    const kill = async (): Promise<void> => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    return { begun, kill }
  }

  /** Enqueues one and claims it, with a lease that does not run out by itself. */
  async claimed(storage: KafkaStorage, maxAttempts = 3): Promise<ClaimedAttempt> {
    const [id] = await this.observed.enqueueAll(LONG, [0], { maxAttempts })
    const [attempt] = await this.claim(storage)
    expect(attempt?.activity.id, runAlone()).toBe(id)
    if (attempt === undefined) throw new Error('nothing was claimed')
    return attempt
  }

  claim(storage: KafkaStorage, timeoutMs = 20_000): Promise<readonly ClaimedAttempt[]> {
    return storage.dequeue({ workerId: 'w', timeoutMs, leaseMs: 3_600_000 })
  }

  /** Enqueues one, claims it, and waits until its offset is committed while it runs. */
  async rehomed(storage: KafkaStorage, maxAttempts = 3): Promise<ClaimedAttempt> {
    const attempt = await this.claimed(storage, maxAttempts)
    await this.committedBeyond(attempt)
    return attempt
  }

  /** Waits until the offset of a claimed attempt is committed as finished. */
  async committedBeyond({ coordinates }: Pick<ClaimedAttempt, 'coordinates'>): Promise<void> {
    const offset = Number(coordinates?.offset)
    await expect.poll(() => this.committed(), { timeout: WAIT_MS_MAX, message: runAlone() }).toBeGreaterThan(offset)
  }

  /** What is committed of a lane. */
  async committed(priority: Priority = 'normal'): Promise<number> {
    const { namespace } = this.observed
    const topics = [laneTopic(namespace, LONG.type, priority)]
    const [of] = await this.#admin.fetchOffsets({ groupId: workersGroup(namespace, LONG.type), topics })
    return Number(of?.partitions[0]?.offset ?? -1)
  }

  /** Keys of delay records that have no tombstone. */
  async standing(): Promise<string[]> {
    const standing = new Set<string>()
    for (const { key, value } of await this.observed.records(delayTopic(this.observed.namespace))) {
      const name = Buffer.from(key ?? []).toString()
      if (value === null) standing.delete(name)
      else standing.add(name)
    }
    return [...standing]
  }

  /** Members of the schedule's index. */
  indexed(): Promise<string[]> {
    return this.#redis.zrange(this.#keys.due, '0', '-1')
  }

  /** How many there are of what has not ended. */
  async counts(): Promise<Record<string, number>> {
    const { running, scheduled, pending } = await this.observed.storage.stats()
    return { running, scheduled, pending }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await Promise.all(this.#opened.map(storage => storage.close()))
    this.redis.close()
    this.#redis.disconnect()
    await this.#admin.disconnect()
    await this.observed[Symbol.asyncDispose]()
  }
}
