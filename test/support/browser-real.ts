// The ground of browser tests on a real Kafka and Redis.

import { Kafka, logLevel } from 'kafkajs'
import type { ConsoleDiagnosis } from '../../src/console/index.ts'
import { systemClock } from '../../src/core/clock.ts'
import { failureFingerprint } from '../../src/core/failure.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { diagnose } from '../../src/doctor/diagnosis.ts'
import { gatherFacts, KafkaStorage } from '../../src/storage/kafka/index.ts'
import { encodeDeadLetter } from '../../src/wire/dead-letter-record.ts'
import { BrowserGround } from './browser-ground.ts'
import { dropTopics } from './drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from './stack.ts'

const BATCH = 2_000

/** A ground in a namespace of its own. */
export class RealGround implements AsyncDisposable {
  readonly namespace: string
  readonly ground: BrowserGround

  private constructor(namespace: string, ground: BrowserGround) {
    this.namespace = namespace
    this.ground = ground
  }

  static async open(): Promise<RealGround> {
    const namespace = freshNamespace('page')
    const servers = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl() }
    const storage = await KafkaStorage.open({ ...servers, partitions: 2 })
    const lookAround = async (): Promise<ConsoleDiagnosis> => {
      const facts = await gatherFacts({ ...servers, deadlineMs: 10_000 })
      return { findings: diagnose(facts), facts }
    }
    return new RealGround(
      namespace,
      await BrowserGround.open({ storage, console: { namespace, diagnose: lookAround } }),
    )
  }

  /** Writes dead letters as workers would have, without living through their lives. */
  async writeDeadLetters(type: string, count: number): Promise<void> {
    const producer = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    try {
      for (let from = 0; from < count; from += BATCH) {
        const messages = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => deadLetter(type, from + n))
        await producer.send({ topic: `${this.namespace}.dlq`, messages })
      }
    } finally {
      await producer.disconnect()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ground[Symbol.asyncDispose]()
    await dropTopics(this.namespace)
  }
}

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
})

/** One in ten is of another error. */
function deadLetter(type: string, n: number): { key: string; value: string; headers: Record<string, string> } {
  const nowMs = systemClock.nowMs()
  const activity = newActivity({ type, payload: { n }, maxAttempts: 1 }, { ids, nowMs })
  const isOther = n % 10 === 0
  const message = isOther ? `disk ${n} is full` : `no route to host 10.0.0.${n}`
  const error = {
    name: isOther ? 'DiskError' : 'Error',
    message,
    stack: `Error: ${message}\n    at send (/app/mail.ts:10:3)`,
  }
  const record = encodeDeadLetter({
    ...{ activity, attempts: 1, error, firstFailedAtMs: nowMs, failedAtMs: nowMs, worker: 'undertaker' },
    ...{ fingerprint: failureFingerprint(error), source: null, traceparent: null },
  })
  return { key: activity.id, ...record }
}
