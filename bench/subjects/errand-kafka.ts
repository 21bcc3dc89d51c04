// Errand on Kafka and Redis, with its worker in a process of its own.

import { join } from 'node:path'
import { Client } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { noopActivity } from '../noop-worker.ts'
import type { Lane, Subject } from '../subject.ts'
import { startWorkerChild } from '../worker-child.ts'
import { enqueuesOf, errandVersion } from './errand-lane.ts'

/** Where Kafka and Redis are. */
export interface ErrandKafkaOptions {
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
}

const PROGRAM = join(import.meta.dirname, '..', 'worker-process.ts')

/** Opens the subject. What it writes is taken away with its namespace. */
export async function openErrandOnKafka(options: ErrandKafkaOptions): Promise<Subject> {
  const storage = await KafkaStorage.open(options)
  const client = new Client({ storage })
  return {
    name: 'errand',
    version: errandVersion(),
    promise:
      'in the log of every in-sync replica (acks=all); settled: in Redis, then in the log; options at their defaults',
    async openLane(name): Promise<Lane> {
      await storage.declareTypes({ types: [name] })
      return {
        ...enqueuesOf(client, noopActivity(name)),
        startWorker: settings => startWorkerChild(PROGRAM, { ...options, lane: name, postgresUrl: '' }, settings),
      }
    },
    [Symbol.asyncDispose]: () => storage.close(),
  }
}
