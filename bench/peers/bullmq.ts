// BullMQ on the Redis that Errand uses, with its worker in a process of its own. See ../README.md for its settings.

import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { join } from 'node:path'
import type { PeerPlace } from '../peers.ts'
import type { Lane, Subject } from '../subject.ts'
import { startWorkerChild } from '../worker-child.ts'
import { versionOf } from './installed-version.ts'

const PROGRAM = join(import.meta.dirname, 'bullmq-process.ts')

/** Opens the subject. What it writes is taken away with its namespace, which is the prefix of its keys. */
export async function open(place: PeerPlace): Promise<Subject> {
  const connection = new Redis(place.redisUrl, { maxRetriesPerRequest: null })
  const queues: Queue[] = []
  return {
    name: 'bullmq',
    version: versionOf('bullmq'),
    promise: 'in the memory of Redis, and on its disk as Redis is told to; completed ones are removed',
    async openLane(name): Promise<Lane> {
      const queue = new Queue(name, { connection, prefix: place.namespace })
      queues.push(queue)
      await queue.waitUntilReady()
      return {
        async enqueueMany(payloads) {
          await queue.addBulk(payloads.map(data => ({ name: 'noop', data })))
        },
        async enqueue(payload) {
          await queue.add('noop', payload)
        },
        startWorker: settings => startWorkerChild(PROGRAM, { ...place, lane: name }, settings),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const queue of queues) await queue.close()
      connection.disconnect()
    },
  }
}
