// kafkajs as it is, the client that Errand writes with: the same payloads, as many at once, acknowledged by all replicas.
// It is what a durable write to this broker costs, so Errand's enqueues are given as a share of it.

import { Kafka, logLevel } from 'kafkajs'
import type { Lane, Subject } from '../subject.ts'

/** Opens the subject. */
export async function openPlainKafka(options: {
  readonly namespace: string
  readonly brokers: readonly string[]
}): Promise<Subject> {
  const kafka = new Kafka({ clientId: 'bench', brokers: [...options.brokers], logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await Promise.all([admin.connect(), producer.connect()])
  return {
    name: 'kafkajs',
    async openLane(name): Promise<Lane> {
      const topic = `${options.namespace}.${name}.plain`
      await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true })
      const send = async (values: readonly unknown[]): Promise<void> => {
        await producer.send({ topic, acks: -1, messages: values.map(value => ({ value: JSON.stringify(value) })) })
      }
      return { enqueueMany: payloads => send(payloads), enqueue: payload => send([payload]) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([admin.disconnect(), producer.disconnect()])
    },
  }
}
