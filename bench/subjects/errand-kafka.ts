// Errand on Kafka and Redis, with its worker in a process of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client, ErrandError } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { noopActivity } from '../noop-worker.ts'
import type { Lane, RunningWorker, Subject, WorkerReport, WorkerSettings } from '../subject.ts'
import { enqueuesOf } from './errand-lane.ts'

/** Where Kafka and Redis are. */
export interface ErrandKafkaOptions {
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
}

/** Opens the subject. */
export async function openErrandOnKafka(options: ErrandKafkaOptions): Promise<Subject> {
  const storage = await KafkaStorage.open(options)
  const client = new Client({ storage })
  return {
    name: 'errand',
    async openLane(name): Promise<Lane> {
      await storage.declareTypes({ types: [name] })
      return {
        ...enqueuesOf(client, noopActivity(name)),
        startWorker: settings => startProcess(options, name, settings),
      }
    },
    [Symbol.asyncDispose]: () => storage.close(),
  }
}

async function startProcess(
  { namespace, brokers, redisUrl }: ErrandKafkaOptions,
  type: string,
  { concurrency, onReport }: WorkerSettings,
): Promise<RunningWorker> {
  const program = join(import.meta.dirname, '..', 'worker-process.ts')
  const child = spawn(process.execPath, [program, type, String(concurrency)], {
    env: {
      ...process.env,
      ERRAND_NAMESPACE: namespace,
      ERRAND_KAFKA_BROKERS: brokers.join(','),
      ERRAND_REDIS_URL: redisUrl,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => undefined) // a worker that died took the other end with it; `exit` tells
  const ended = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    void ended.then(
      ([code]) => reject(new ErrandError('unavailable', `the worker ended with exit code ${code}.`)),
      reject,
    )
    createInterface({ input: child.stdout }).on('line', line => {
      const report: WorkerReport | null = JSON.parse(line)
      if (report === null) resolve()
      else onReport(report)
    })
  })
  return {
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}
