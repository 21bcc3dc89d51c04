// kafkajs as it is, the client that Errand writes with: the same payloads, as many at once, acknowledged by all replicas.
// It is what a durable write to this broker costs. Its worker reads batches and commits their offsets: nothing is claimed,
// renewed, retried or settled one by one, so it is a ceiling, not another queue.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import type { Lane, Subject } from '../subject.ts'
import { startWorkerChild } from '../worker-child.ts'
import type { ErrandKafkaOptions } from './errand-kafka.ts'

const PROGRAM = join(import.meta.dirname, 'plain-kafka-process.ts')
const PARTITIONS = 4

/** The topic of a lane. */
export function plainTopic(namespace: string, lane: string): string {
  return `${namespace}.${lane}.plain`
}

/** Opens the subject. What it writes is taken away with its namespace. */
export async function openPlainKafka(options: ErrandKafkaOptions): Promise<Subject> {
  const kafka = new Kafka({ clientId: 'bench', brokers: [...options.brokers], logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await Promise.all([admin.connect(), producer.connect()])
  return {
    name: 'kafkajs',
    version: versionOfKafkajs(),
    promise: `in the log of every in-sync replica (acks=all), ${PARTITIONS} partitions; only read and its offset committed, nothing is settled`,
    async openLane(name): Promise<Lane> {
      const topic = plainTopic(options.namespace, name)
      await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true })
      const send = async (values: readonly unknown[]): Promise<void> => {
        await producer.send({ topic, acks: -1, messages: values.map(value => ({ value: JSON.stringify(value) })) })
      }
      return {
        enqueueMany: payloads => send(payloads),
        enqueue: payload => send([payload]),
        startWorker: settings => startWorkerChild(PROGRAM, { ...options, lane: name, postgresUrl: '' }, settings),
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([admin.disconnect(), producer.disconnect()])
    },
  }
}

function versionOfKafkajs(): string {
  const { version }: { version: string } = createRequire(import.meta.url)('kafkajs/package.json')
  return version
}
