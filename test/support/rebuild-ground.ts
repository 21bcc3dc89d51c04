// A namespace with an activity in every state that Redis knows something of: what a rebuild is held against. Three types:
// `work` is claimed from here, `parked` has nobody who looks at its lanes, `other` is never declared by who rebuilds.

import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import type { Activity, AttemptFailureReport, ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { dropTopics } from './drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from './stack.ts'

/** Claimed from here; not looked at by anybody. */
export const WORK = 'work'
export const PARKED = 'parked'
const HOUR_MS = 3_600_000

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

/** A namespace that states are made in. */
export class RebuildGround implements AsyncDisposable {
  readonly namespace: string
  readonly options: KafkaStorageOptions
  readonly storage: KafkaStorage
  readonly redis: Redis

  static async open({ commitIntervalMs = 100 }: { commitIntervalMs?: number } = {}): Promise<RebuildGround> {
    const namespace = freshNamespace('rebuild')
    const options = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2, commitIntervalMs }
    const storage = await KafkaStorage.open(options)
    await storage.declareTypes({ types: [PARKED] })
    await storage.subscribe({ types: [WORK] })
    return new RebuildGround(options, storage)
  }

  private constructor(options: KafkaStorageOptions, storage: KafkaStorage) {
    this.namespace = options.namespace
    this.options = options
    this.storage = storage
    this.redis = new Redis(redisUrl())
  }

  /** Another storage on this namespace; the caller closes it. */
  openAnother(): Promise<KafkaStorage> {
    return KafkaStorage.open(this.options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage.close()
    this.redis.disconnect()
    await dropTopics(this.namespace)
  }

  /** One that is not enqueued yet. */
  make(spec: Partial<ActivitySpec> = {}): Activity {
    return newActivity({ type: WORK, payload: { n: 1 }, ...spec }, { ids, nowMs: systemClock.nowMs() })
  }

  /** Enqueues one; it must be created. */
  async enqueue(spec: Partial<ActivitySpec> = {}): Promise<Activity> {
    const activity = this.make(spec)
    expect(await this.storage.enqueueMany({ activities: [activity] })).toMatchObject([{ outcome: 'created' }])
    return activity
  }

  /** Claims the only one that waits. */
  async claim(id: string): Promise<ClaimedAttempt> {
    const [attempt] = await this.storage.dequeue({ workerId: 'w', timeoutMs: 20_000, leaseMs: HOUR_MS, types: [WORK] })
    expect(attempt?.activity.id).toBe(id)
    if (attempt === undefined) throw new Error('nothing was claimed')
    return attempt
  }

  async complete(id: string, resultJson: string | null = null): Promise<void> {
    const { leaseId } = await this.claim(id)
    expect(await this.storage.ackSuccess({ leases: [{ id, leaseId, resultJson }] })).toEqual(['settled'])
  }

  async fail(id: string, kind: AttemptFailureReport['kind'], outcome: string): Promise<void> {
    const { leaseId } = await this.claim(id)
    const error = { name: 'TypeError', message: `no "${kind}"`, stack: 'TypeError\n    at run (a.ts:1:1)', code: 'E_X' }
    const answer = await this.storage.ackFailure({ id, leaseId, failure: { kind, error } })
    expect(answer.outcome).toBe(outcome)
  }

  /** Cancels, as it should be answered. */
  async cancel(id: string, outcome: string, reason?: string): Promise<void> {
    const answer = await this.storage.cancel({ id, ...(reason === undefined ? {} : { reason }) })
    expect(answer.outcome).toBe(outcome)
  }

  /** Looks at what waits, and claims nothing. */
  async claimNothing(): Promise<void> {
    await this.storage.catchUp({ types: [WORK], timeoutMs: 20_000 })
    const claimed = await this.storage.dequeue({ workerId: 'w', timeoutMs: 200, limit: 100, types: [WORK] })
    expect(claimed.map(({ activity }) => activity.id)).toEqual([])
  }
}
