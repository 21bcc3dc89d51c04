// A namespace on real servers with a worker that does what its payload says, and `errand` as a process beside it.

import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import { z } from 'zod'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { Handle } from '../../src/client/handle.ts'
import type { EnqueueOptions } from '../../src/client/submission.ts'
import type { Status } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { NonRetryableError } from '../../src/core/errors.ts'
import { handleOperations } from '../../src/operations/operation-worker.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { Worker } from '../../src/worker/worker.ts'
import { dropTopics } from './drop-topics.ts'
import type { ErrandOptions } from './errand-process.ts'
import { runErrand } from './errand-process.ts'
import type { Ended } from './run-program.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from './stack.ts'

/** Escapes that would colour, move or name a terminal, in two forms. */
export const HOSTILE = 'bad \u001B[31mred\u001B]0;title\u0007 \u009B2Jthing'

/** What a handler is asked to do. */
export interface Wish {
  /** `hold`: until it is released, or its signal aborts. */
  readonly does: 'complete' | 'fail' | 'refuse' | 'hold'
  readonly [more: string]: unknown
}

/** Run by the worker of the ground. */
export const work = defineActivity({
  type: 'work',
  input: z.looseObject({ does: z.string() }),
  retryDelayMs: 100,
  retryDelayMaxMs: 200,
})
/** Run by nobody. */
export const parked = defineActivity({ type: 'parked', input: z.unknown() })

/** The ground of the tests of the command line. */
export class CliGround implements AsyncDisposable {
  readonly namespace: string
  readonly storage: KafkaStorage
  readonly client: Client
  readonly #worker: Worker
  readonly #happened: EventEmitter

  static async open(): Promise<CliGround> {
    const namespace = freshNamespace('cli')
    const servers = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 }
    const storage = await KafkaStorage.open(servers)
    await storage.declareTypes({ types: [parked.type] })
    const happened = new EventEmitter()
    const worker = new Worker({ storage, workerId: 'w1', concurrency: 20, reaper: { intervalMs: 100 } })
    worker.handle(work, async (input, { id, signal }) => {
      if (input.does === 'fail') throw Object.assign(new Error(HOSTILE), { code: 'ECONNREFUSED' })
      if (input.does === 'refuse') throw new NonRetryableError('never')
      if (input.does === 'hold') await held(happened, id, signal)
      return { did: input.does, hostile: HOSTILE }
    })
    handleOperations(worker, { storage })
    await worker.start()
    return new CliGround(storage, worker, namespace, happened)
  }

  private constructor(storage: KafkaStorage, worker: Worker, namespace: string, happened: EventEmitter) {
    this.storage = storage
    this.client = new Client({ storage })
    this.namespace = namespace
    this.#worker = worker
    this.#happened = happened
  }

  /** Runs `errand` in this namespace. */
  errand(args: readonly string[], { env, ...options }: ErrandOptions = {}): Promise<Ended> {
    return runErrand(args, { ...options, env: { ...this.env, ...env } })
  }

  /** Where everything is, as variables. */
  get env(): Readonly<Record<string, string>> {
    return {
      ERRAND_NAMESPACE: this.namespace,
      ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','),
      ERRAND_REDIS_URL: redisUrl(),
    }
  }

  enqueue(wish: Wish, options: EnqueueOptions = {}): Promise<Handle> {
    return this.client.enqueue(work, wish, options)
  }

  /** Enqueues one that runs until {@link release}, and waits until it does. */
  async hold(options: EnqueueOptions = {}): Promise<Handle> {
    const running = once(this.#happened, 'held')
    const handle = await this.enqueue({ does: 'hold' }, { timeoutMs: 60_000, ...options })
    await running
    return handle
  }

  release(id: string): void {
    this.#happened.emit(`release ${id}`)
  }

  /** Waits until an activity has a status; there is a deadline. */
  async until(id: string, status: Status): Promise<void> {
    const giveUp = AbortSignal.timeout(30_000)
    while ((await this.storage.getActivity({ id }))?.status !== status) await systemClock.sleep(20, { signal: giveUp })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.stop({ graceMs: 100 })
    await this.storage.close()
    await dropTopics(this.namespace)
  }
}

async function held(happened: EventEmitter, id: string, signal: AbortSignal): Promise<void> {
  const released = once(happened, `release ${id}`, { signal })
  happened.emit('held')
  await released.catch(() => {
    throw signal.reason
  })
}

/** The lines of JSON that a process wrote. */
export function linesOf<Line = Record<string, unknown>>(stdout: string): Line[] {
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map((line): Line => JSON.parse(line))
}
