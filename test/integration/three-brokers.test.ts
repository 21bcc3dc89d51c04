// Three brokers, three copies of everything, two of which must be written: brokers that have a part to play are killed under
// load. Nobody who enqueues is told of it, nothing accepted is lost, and the longest silence is measured.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { PrivateStack } from '../../scripts/stack/private-stack.ts'
import { openPrivateStack } from '../../scripts/stack/private-stack.ts'
import { waitUntil } from '../../scripts/stack/wait.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { laneTopic, laneTopics, workersGroup } from '../../src/core/topics.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Worker } from '../../src/worker/worker.ts'
import type { Cluster, PartitionView } from '../chaos/ground/kafka-view.ts'
import { coordinatorOf, partitionsOf } from '../chaos/ground/kafka-view.ts'
import { ObservedNamespace, countOutcomes, runAlone, settledTwice } from '../support/observed-namespace.ts'

const PARTITIONS = 2
const REPLICAS = { replicationFactor: 3, minInsyncReplicas: 2 } as const
/** 200 activities a second. */
const BATCH = 10
const BATCH_EVERY_MS = 50
/** Longer than any failover, so that no caller has a reason to hear of one. */
const DEADLINE_MS = 30_000
/** Failover takes 2 s here and a new session of the group 3 s more; a loaded machine is slow. */
const SILENCE_MS_MAX = 20_000
const work = defineActivity({ type: 'work', input: z.number() })

let stack: PrivateStack
let cluster: Cluster
beforeAll(async () => {
  stack = await openPrivateStack({ brokers: 3 })
  cluster = { direct: stack, brokers: stack.brokers, dataDir: stack.dataDir }
})
afterAll(() => stack.stop())

/** When something happened, in ms: how long the longest silence was. */
class Beats {
  readonly #atMs: number[] = []

  beat(): void {
    this.#atMs.push(systemClock.monotonicMs())
  }

  get count(): number {
    return this.#atMs.length
  }

  /** The longest time between two of them that ended after `sinceMs`. */
  silenceMs(sinceMs = 0): number {
    const gaps = this.#atMs.slice(1).map((atMs, before) => (atMs < sinceMs ? 0 : atMs - (this.#atMs[before] ?? atMs)))
    return Math.max(0, ...gaps)
  }
}

/** A worker at work, and everything that it does noted. */
async function setup() {
  const observed = await ObservedNamespace.open({
    types: [work.type],
    partitions: PARTITIONS,
    servers: stack,
    // The topics are made by a storage that says how many copies it wants.
    prepare: async namespace => {
      const { kafkaBrokers: brokers, redisUrl } = stack
      await using first = await KafkaStorage.open({ namespace, brokers, redisUrl, partitions: PARTITIONS, ...REPLICAS })
      await first.declareTypes({ types: [work.type] })
    },
  })
  const storage = await observed.openAnother({ ...REPLICAS, sessionTimeoutMs: 3_000, commitIntervalMs: 200 })
  const worker = new Worker({ storage, leaseMs: 5_000, graceMs: 5_000, reaper: { intervalMs: 200 } })
  const starts = new Beats()
  worker.handle(work, async () => starts.beat())
  await worker.start()
  return {
    ...{ observed, storage, starts },
    async [Symbol.asyncDispose]() {
      await worker.stop()
      await storage.close()
      await observed[Symbol.asyncDispose]()
    },
  }
}

/** Enqueues 200 a second until it is told to stop; batches do not wait for each other, as callers do not. */
class Producer {
  readonly created = new Beats()
  readonly ids: string[] = []
  readonly otherwise = new Map<string, number>()
  readonly #storage: KafkaStorage
  readonly #batches: Promise<void>[] = []
  readonly #loop: Promise<void>
  #isOver = false
  #made = 0

  constructor(storage: KafkaStorage) {
    this.#storage = storage
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#loop
    await Promise.all(this.#batches)
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#batches.push(this.#enqueue())
      await systemClock.sleep(BATCH_EVERY_MS)
    }
  }

  async #enqueue(): Promise<void> {
    const ids = { next: () => `tb-${(this.#made += 1)}` }
    const activities = Array.from({ length: BATCH }, () =>
      newActivity({ type: work.type, payload: this.#made }, { ids, nowMs: systemClock.nowMs() }),
    )
    const answers = await this.#storage.enqueueMany({ activities, deadlineMs: DEADLINE_MS })
    for (const [at, { outcome }] of answers.entries()) {
      const id = activities[at]?.id
      if (outcome === 'created' && id !== undefined) {
        this.ids.push(id)
        this.created.beat()
      } else this.otherwise.set(outcome, (this.otherwise.get(outcome) ?? 0) + 1)
    }
  }
}

/** The partitions of the lanes once every copy is in sync. */
async function inSync(topics: readonly string[]): Promise<readonly PartitionView[]> {
  let partitions: readonly PartitionView[] = []
  const areInSync = async (): Promise<boolean> => {
    partitions = (await partitionsOf(cluster, topics)) ?? []
    return partitions.length > 0 && partitions.every(({ isr }) => isr.length === REPLICAS.replicationFactor)
  }
  const explain = (): string => JSON.stringify(partitions)
  await waitUntil(areInSync, { what: 'every copy to be in sync', deadlineMs: 60_000, intervalMs: 100, explain })
  return partitions
}

test('a killed leader and a killed coordinator cost no enqueue its answer and nothing that was accepted', async () => {
  await using context = await setup()
  const { observed, starts } = context
  const { namespace } = observed
  const producer = new Producer(context.storage)
  const goesOn = (count: number): Promise<void> => {
    const [created, started] = [producer.created.count + count, starts.count + count]
    const does = (): boolean => producer.created.count >= created && starts.count >= started
    const explain = (): string => `${producer.created.count} created, ${starts.count} started. ${runAlone()}`
    return waitUntil(does, { what: `${count} more to be enqueued and run`, deadlineMs: 60_000, explain })
  }
  await goesOn(200)
  const victims = {
    'leader of a lane': async () =>
      (await inSync([laneTopic(namespace, work.type, 'normal')])).find(({ partition }) => partition === 0)?.leader,
    'coordinator of the workers': () => coordinatorOf(cluster, workersGroup(namespace, work.type)),
  }
  for (const [part, find] of Object.entries(victims)) {
    const victim = await find()
    expect([1, 2, 3], part).toContain(victim)
    const killedMs = systemClock.monotonicMs()
    await stack.killBroker(victim ?? 0)
    await goesOn(400)
    const [createdMs, startedMs] = [producer.created, starts].map(beats => Math.round(beats.silenceMs(killedMs)))
    await stack.startBroker(victim ?? 0)
    await inSync(laneTopics(namespace, work.type))
    console.log(
      `broker ${victim}, ${part}, killed: longest silence ${createdMs} ms between created answers, ` +
        `${startedMs} ms between starts of handlers; all in sync again after ${Math.round(systemClock.monotonicMs() - killedMs)} ms`,
    )
  }
  await producer.stop()
  const { ids } = producer
  await observed.ended(ids, 60_000)
  const outcomes = await observed.outcomes()
  console.log(`${ids.length} created, ${starts.count} handlers started, ${JSON.stringify(countOutcomes(outcomes))}`)
  expect([...producer.otherwise], runAlone()).toEqual([])
  expect(settledTwice(outcomes), runAlone()).toEqual([])
  expect(countOutcomes(outcomes)).toEqual({ completed: ids.length })
  expect(producer.created.silenceMs()).toBeLessThan(SILENCE_MS_MAX)
  expect(starts.silenceMs()).toBeLessThan(SILENCE_MS_MAX)
}, 240_000)
