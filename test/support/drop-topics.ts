// Takes a namespace's topics away after a test: a broker that keeps thousands of them gets slow for everybody.

import { Kafka, logLevel } from 'kafkajs'
import { kafkaBrokers } from './stack.ts'

/** Deletes every topic of a namespace. Nothing of it may be open. */
export async function dropTopics(namespace: string): Promise<void> {
  const admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const topics = (await admin.listTopics()).filter(topic => topic.startsWith(`${namespace}.`))
    if (topics.length > 0) await admin.deleteTopics({ topics, timeout: 30_000 })
  } finally {
    await admin.disconnect()
  }
}
