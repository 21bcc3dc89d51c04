// How Errand makes a kafkajs client: every setting that must not be left to kafkajs's defaults is set here, once.
// The consuming side takes its clients from here as well, so that both behave the same.

import { Kafka, logLevel } from 'kafkajs'
import type { KafkaConfig, RetryOptions, SASLOptions } from 'kafkajs'
import { ErrandError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { describe } from '../core/text.ts'
import { kafkaLogCreator } from './kafka-log.ts'
import { KafkaSockets } from './kafka-sockets.ts'
import { patchProduce } from './produce-patch.ts'
import { patchRecordHeaders } from './record-headers-patch.ts'
import { patchRequestQueue } from './request-queue-patch.ts'

export { fromKafka, kafkaErrorType } from './kafka-errors.ts'
export { checkKafkajsVersion } from './request-queue-patch.ts'

/** How to reach the brokers. */
export interface KafkaSettings {
  /** `host:port` each; one that answers is enough, the others are learned from it. */
  readonly brokers: readonly string[]
  /** What the brokers log and their quotas call this client. */
  readonly clientId: string
  /** True for TLS with the system's authorities, or Node's TLS options. @defaultValue no TLS */
  readonly ssl?: boolean | Readonly<Record<string, unknown>>
  /** @defaultValue no authentication */
  readonly sasl?: Readonly<{
    mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    username: string
    password: string
  }>
  readonly logger: Logger
  /** How long a connection may take to open. Unit: ms. @defaultValue 10_000; kafkajs's own 1 s fails across zones */
  readonly connectionTimeoutMs?: number
  /** How long an answer is awaited; a frozen broker is noticed after it. Unit: ms. @defaultValue 10_000 */
  readonly requestTimeoutMs?: number
}

/** Defaults of {@link KafkaSettings}, in ms. */
export const KAFKA_DEFAULTS = { connectionTimeoutMs: 10_000, requestTimeoutMs: 10_000 } as const

/** How old the producers' and consumers' picture of the cluster may get: new partitions and leaders. Unit: ms. */
export const METADATA_AGE_MS_MAX = 60_000

/** Retries of the client itself (connecting, finding the coordinator): about 6 s. */
const CLIENT_RETRIES = 5

/**
 * A new kafkajs client. Never share one between consumers: those of one group would share a cache of offsets.
 *
 * Throws `invalid_argument` for a bad broker list, `configuration` when kafkajs is another version than it must be.
 */
export function createKafka(settings: KafkaSettings): Kafka {
  patchRequestQueue()
  patchRecordHeaders()
  patchProduce()
  const { ssl, sasl } = settings
  const sockets = new KafkaSockets()
  const config: KafkaConfig = {
    brokers: checkBrokers(settings.brokers),
    clientId: settings.clientId,
    connectionTimeout: settings.connectionTimeoutMs ?? KAFKA_DEFAULTS.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs ?? KAFKA_DEFAULTS.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: kafkaRetry(CLIENT_RETRIES),
    logLevel: logLevel.INFO,
    logCreator: kafkaLogCreator(settings.logger),
    socketFactory: sockets.factory,
    ...(ssl === undefined ? {} : { ssl: typeof ssl === 'boolean' ? ssl : { ...ssl } }),
    // The union of mechanisms is kafkajs's own; TypeScript does not distribute it over a spread.
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as SASLOptions }),
  }
  const kafka = new Kafka(config)
  socketsOf.set(kafka, sockets)
  return kafka
}

const socketsOf = new WeakMap<Kafka, KafkaSockets>()

/** Closes whatever a client has left open, once it was disconnected or has had its time to. It is of no use afterwards. */
export function closeSockets(kafka: Kafka): void {
  socketsOf.get(kafka)?.close()
}

/**
 * kafkajs's retry settings, all five fields: what is left out takes other values when NODE_ENV is `test`, and a consumer
 * does not take them from its client. With 5 retries about 6 s, with 8 about 20 s.
 */
export function kafkaRetry(retries: number): Required<Omit<RetryOptions, 'restartOnFailure'>> {
  return { retries, initialRetryTime: 200, factor: 0.2, multiplier: 2, maxRetryTime: 5_000 }
}

const HOST_PORT = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$/

/** Checks a list of `host:port`. Throws `invalid_argument` naming `brokers`. */
export function checkBrokers(brokers: readonly string[]): string[] {
  if (!Array.isArray(brokers)) throw badBrokers(shown(brokers), `${shown(brokers)} is no list`)
  if (brokers.length === 0) throw badBrokers('an empty list', 'the list is empty')
  return brokers.map((broker: unknown) => {
    const text = typeof broker === 'string' ? broker.trim() : ''
    const port = Number(HOST_PORT.exec(text)?.[2] ?? 0)
    if (port < 1 || port > 65_535) throw badBrokers(shown(broker), `${shown(broker)} is not host:port`)
    return text
  })
}

/** Somebody may have put a user and a password in front. */
function shown(broker: unknown): string {
  return typeof broker === 'string' ? describe(broker.replace(/^.*@/s, '***@')) : describe(broker)
}

function badBrokers(received: unknown, why: string): ErrandError {
  return new ErrandError(
    'invalid_argument',
    `brokers: ${why}; it must be a list like ["kafka-1:9092", "kafka-2:9092"].`,
    {
      details: { field: 'brokers', received, allowed: 'host:port, one or more' },
    },
  )
}
