// A plain consumer of kafkajs as a worker process. What it has read counts as settled once its offset is committed.

import { Kafka, logLevel } from 'kafkajs'
import { patchRequestQueue } from '../../src/producer/request-queue-patch.ts'
import type { HostedPlace } from '../hosted-worker.ts'
import { hostWorker } from '../hosted-worker.ts'
import type { Payload, WorkerSettings } from '../subject.ts'
import { WorkerReports } from '../worker-reports.ts'
import { plainTopic } from './plain-kafka.ts'

await hostWorker(startConsumer)

async function startConsumer(
  { lane, namespace, brokers }: HostedPlace,
  { concurrency, onReport }: WorkerSettings,
): Promise<{ stop(): Promise<void> }> {
  patchRequestQueue()
  const reports = new WorkerReports(onReport)
  const topic = plainTopic(namespace, lane)
  const kafka = new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const joined = new Promise<void>(resolve => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve())
  })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: concurrency,
    async eachBatch(payload) {
      const { batch } = payload
      for (const { value } of batch.messages) {
        const { sentAtMs }: Payload = JSON.parse(String(value))
        reports.started(sentAtMs)
      }
      payload.resolveOffset(batch.lastOffset())
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets())
      reports.settled(batch.messages.length)
    },
  })
  await joined
  return {
    async stop() {
      await consumer.disconnect()
      reports.flush()
    },
  }
}
