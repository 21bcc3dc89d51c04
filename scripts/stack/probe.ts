// Whether Kafka and Redis really answer: a metadata request and a PING, not merely an open port.

import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'

/** The ids of the brokers that one of these addresses says are there; empty when none answers. */
export async function brokersSeenBy(addresses: readonly string[], timeoutMs = 3_000): Promise<number[]> {
  const kafka = new Kafka({
    brokers: [...addresses],
    logLevel: logLevel.NOTHING,
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const cluster = await admin.describeCluster()
    return cluster.brokers.map(broker => broker.nodeId)
  } catch {
    return [] // not answering yet is what is being asked
  } finally {
    await admin.disconnect().catch(() => undefined) // never connected
  }
}

/** Whether Redis at this address answers a PING (and has its data loaded). */
export async function redisAnswers(url: string, timeoutMs = 3_000): Promise<boolean> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  redis.on('error', () => undefined) // told by the answer
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
