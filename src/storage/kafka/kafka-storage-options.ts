// What a KafkaStorage may be given, and what it becomes once resolved. Past here nothing is optional or out of range.

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { ErrandError } from '../../core/errors.ts'
import type { IdSource } from '../../core/ids.ts'
import { uuidv7Source } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import { silentLogger } from '../../core/logger.ts'
import { checkNamespace } from '../../core/names.ts'
import { checkInteger } from '../../core/text.ts'
import type { KafkaSettings } from '../../producer/kafka-client.ts'
import { checkBrokers } from '../../producer/kafka-client.ts'
import { checkRedisUrl } from '../redis/connection.ts'
import type { Retention } from '../redis/side-store.ts'
import { DEFAULT_RETENTION } from '../redis/side-store.ts'

/** Options of `KafkaStorage.open`. Durations in ms. */
export interface KafkaStorageOptions {
  /** Prefix of every topic, group and key: `^[a-z0-9][a-z0-9-]{0,31}$`. */
  readonly namespace: string
  /** `host:port`, one or more. */
  readonly brokers: readonly string[]
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  readonly redisUrl: string
  /** RESP version for proxies that refuse HELLO. @defaultValue 3 */
  readonly redisProtocol?: 2 | 3
  /** How Kafka sees this process. @defaultValue 'errand' */
  readonly clientId?: string
  /** TLS to the brokers: true, or options of `tls.connect`. @defaultValue false */
  readonly ssl?: KafkaSettings['ssl']
  /** User and password at the brokers. */
  readonly sasl?: KafkaSettings['sasl']
  /** Create missing topics. Off: they must exist, else `configuration`. @defaultValue true */
  readonly provision?: boolean
  /** Partitions of topics that are created; useful workers per type are bounded by it. Range: 1 to 1,000. @defaultValue 4 */
  readonly partitions?: number
  /** Of topics that are created. @defaultValue the broker's */
  readonly replicationFactor?: number
  /** Of topics that are created. @defaultValue the broker's */
  readonly minInsyncReplicas?: number
  /** How long Redis remembers. */
  readonly retention?: Partial<Retention>
  /**
   * How soon a dead worker's partitions go to others. Its rebalance must stay below the lease.
   * Range: 1,000 to 60,000. @defaultValue 10_000
   */
  readonly sessionTimeoutMs?: number
  /** How long an empty fetch waits at the broker. Higher: less idle CPU, slower resume. Range: 10 to 5,000. @defaultValue 100 */
  readonly maxWaitMs?: number
  /** At most one commit per so many ms. Range: 50 to 60,000. @defaultValue 1_000 */
  readonly commitIntervalMs?: number
  readonly clock?: Clock
  readonly ids?: IdSource
  readonly logger?: Logger
}

/** Complete and checked. */
export interface ResolvedKafkaStorageOptions {
  readonly namespace: string
  readonly kafka: KafkaSettings
  readonly redisUrl: string
  readonly redisProtocol: 2 | 3
  readonly provision: boolean
  readonly partitions: number
  readonly replicationFactor: number | undefined
  readonly minInsyncReplicas: number | undefined
  readonly retention: Retention
  readonly sessionTimeoutMs: number
  readonly maxWaitMs: number
  readonly commitIntervalMs: number
  readonly clock: Clock
  readonly ids: IdSource
  readonly logger: Logger
}

const KNOWN = [
  'namespace',
  'brokers',
  'redisUrl',
  'redisProtocol',
  'clientId',
  'ssl',
  'sasl',
  'provision',
  'partitions',
  'replicationFactor',
  'minInsyncReplicas',
  'retention',
  'sessionTimeoutMs',
  'maxWaitMs',
  'commitIntervalMs',
  'clock',
  'ids',
  'logger',
]

/** Checks options and fills in defaults. Throws `invalid_argument` naming the option. */
export function resolveKafkaStorageOptions(options: KafkaStorageOptions): ResolvedKafkaStorageOptions {
  const unknown = Object.keys(options).filter(name => !KNOWN.includes(name))
  if (unknown.length > 0) {
    throw new ErrandError(
      'invalid_argument',
      `KafkaStorage has no option ${unknown.join(', ')}; it has ${KNOWN.join(', ')}.`,
      {
        details: { field: unknown[0] },
      },
    )
  }
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? silentLogger
  const optional = (field: 'replicationFactor' | 'minInsyncReplicas'): number | undefined => {
    const value = options[field]
    return value === undefined ? undefined : checkInteger(field, value, 1, 32)
  }
  return {
    namespace: checkNamespace(options.namespace),
    kafka: {
      brokers: checkBrokers(options.brokers),
      clientId: options.clientId ?? 'errand',
      logger,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    },
    redisUrl: checkRedisUrl(options.redisUrl),
    redisProtocol: options.redisProtocol ?? 3,
    provision: options.provision ?? true,
    partitions: checkInteger('partitions', options.partitions ?? 4, 1, 1_000),
    replicationFactor: optional('replicationFactor'),
    minInsyncReplicas: optional('minInsyncReplicas'),
    retention: {
      markerMs: checkInteger(
        'retention.markerMs',
        options.retention?.markerMs ?? DEFAULT_RETENTION.markerMs,
        1_000,
        2 ** 40,
      ),
      resultMs: checkInteger(
        'retention.resultMs',
        options.retention?.resultMs ?? DEFAULT_RETENTION.resultMs,
        1_000,
        2 ** 40,
      ),
      keyMs: checkInteger('retention.keyMs', options.retention?.keyMs ?? DEFAULT_RETENTION.keyMs, 1_000, 2 ** 40),
    },
    sessionTimeoutMs: checkInteger('sessionTimeoutMs', options.sessionTimeoutMs ?? 10_000, 1_000, 60_000),
    maxWaitMs: checkInteger('maxWaitMs', options.maxWaitMs ?? 100, 10, 5_000),
    commitIntervalMs: checkInteger('commitIntervalMs', options.commitIntervalMs ?? 1_000, 50, 60_000),
    clock,
    ids:
      options.ids ??
      uuidv7Source({ nowMs: () => clock.nowMs(), randomBytes: into => into.set(randomBytes(into.length)) ?? into }),
    logger,
  }
}
