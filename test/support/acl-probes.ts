// What a user of a secured Kafka may do, found out by trying, with plain kafkajs where it is no matter of Errand's.

import { Kafka, logLevel } from 'kafkajs'
import type { Admin } from 'kafkajs'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { LogReader } from '../../src/consumer/log-reader.ts'
import { kafkaErrorType } from '../../src/producer/kafka-client.ts'

/** Who tries, and where. */
export interface KafkaUser {
  readonly brokers: readonly string[]
  readonly username: string
  readonly password: string
}

function kafkaOf({ brokers, username, password }: KafkaUser): Kafka {
  return new Kafka({
    ...{ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } },
    sasl: { mechanism: 'plain', username, password },
  })
}

/** Writes a record. */
export async function writeTo(user: KafkaUser, topic: string): Promise<void> {
  const producer = kafkaOf(user).producer({ retry: { retries: 0 }, allowAutoTopicCreation: false })
  await producer.connect()
  try {
    await producer.send({ topic, messages: [{ key: 'probe', value: 'probe' }] })
  } finally {
    await producer.disconnect()
  }
}

/** Reads a record. */
export async function readFrom(user: KafkaUser, topic: string): Promise<void> {
  const { brokers, username, password } = user
  const sasl = { mechanism: 'plain', username, password } as const
  const settings = { brokers, clientId: username, sasl, logger: silentLogger }
  const reader = new LogReader({ settings, namespace: 'probe', clock: systemClock, logger: silentLogger })
  try {
    await reader.read({ topic, partition: 0, offset: 0 })
  } finally {
    await reader.stop()
  }
}

/** Becomes a member of a group, and leaves it again. */
export async function join(user: KafkaUser, groupId: string, topic: string): Promise<void> {
  const consumer = kafkaOf(user).consumer({ groupId, retry: { retries: 0 }, allowAutoTopicCreation: false })
  const joined = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve())
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
  })
  joined.catch(() => undefined) // waited for below
  await consumer.connect()
  try {
    await consumer.subscribe({ topic })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined })
    await withDeadline(
      systemClock,
      joined,
      20_000,
      () => new ErrandError('timeout', `${user.username} neither joined nor failed`),
    )
  } finally {
    await consumer.disconnect()
  }
}

/** Does something that is about topics or rights. */
export async function asAdmin(user: KafkaUser, call: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = kafkaOf(user).admin({ retry: { retries: 0 } })
  await admin.connect()
  try {
    await call(admin)
  } finally {
    await admin.disconnect()
  }
}

/** For a group that one may not even see, kafkajs hides the reason: it says that it found no coordinator. */
const DENIED = /AUTHORIZATION_FAILED$|^KafkaJSGroupCoordinatorNotFound$/

/** False when Kafka says that it is not allowed; any other failure is the test's own. */
export async function isAllowed(attempt: () => Promise<void>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch (error) {
    if (typesIn(error).some(type => DENIED.test(type))) return false
    throw error
  }
}

function typesIn(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const within: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  return [kafkaErrorType(error), ...within.flatMap(typesIn), ...typesIn(error.cause)]
}
