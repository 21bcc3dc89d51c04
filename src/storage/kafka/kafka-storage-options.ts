// What a KafkaStorage may be given, and what it becomes once resolved. Past here nothing is optional or out of range.

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import type { IdSource } from '../../core/ids.ts'
import { uuidv7Source } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import { REHOMING_LIMITS } from '../../core/limits.ts'
import { silentLogger } from '../../core/logger.ts'
import { checkNamespace } from '../../core/names.ts'
import { OptionCheck } from '../../core/option-check.ts'
import { checkText, describe } from '../../core/text.ts'
import type { KafkaSettings } from '../../producer/kafka-client.ts'
import { checkBrokers } from '../../producer/kafka-client.ts'
import { otelTelemetry } from '../../telemetry/otel.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'
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
  /** User at Redis, where it has users and the address names none. */
  readonly redisUsername?: string
  /** Password at Redis, where the address names none: addresses end up in logs and process lists. */
  readonly redisPassword?: string
  /** Options of `tls.connect` for `rediss://`, such as `ca`. @defaultValue the system's authorities */
  readonly redisTls?: Readonly<Record<string, unknown>>
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
  /**
   * An attempt that runs for longer gets a delay record of its own, and its offset is finished. One that holds its partition's
   * frontier while thousands are finished behind it does not wait for this. Lower: more records written. Higher: after a crash
   * what ended longer ago is looked at again, and known by what Redis remembers. Range: 100 to 3,600,000. @defaultValue 300_000
   */
  readonly rehomeAfterMs?: number
  readonly clock?: Clock
  readonly ids?: IdSource
  readonly logger?: Logger
  /** Told of rebalances and of how long Redis takes. @defaultValue OpenTelemetry, which is silent unless an SDK is registered */
  readonly telemetry?: Telemetry
}

/** Complete and checked. */
export interface ResolvedKafkaStorageOptions {
  readonly namespace: string
  readonly kafka: KafkaSettings
  readonly redisUrl: string
  readonly redisUsername: string | undefined
  readonly redisPassword: string | undefined
  readonly redisTls: Readonly<Record<string, unknown>> | undefined
  readonly redisProtocol: 2 | 3
  readonly provision: boolean
  readonly partitions: number
  readonly replicationFactor: number | undefined
  readonly minInsyncReplicas: number | undefined
  readonly retention: Retention
  readonly sessionTimeoutMs: number
  readonly maxWaitMs: number
  readonly commitIntervalMs: number
  readonly rehomeAfterMs: number
  readonly clock: Clock
  readonly ids: IdSource
  readonly logger: Logger
  readonly telemetry: Telemetry
}

const KNOWN = [
  'namespace',
  'brokers',
  'redisUrl',
  'redisUsername',
  'redisPassword',
  'redisTls',
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
  'rehomeAfterMs',
  'clock',
  'ids',
  'logger',
  'telemetry',
]
/** Brokers keep it as a two-byte length, and quotas and metrics show it. */
const CLIENT_ID_BYTES_MAX = 249
const RETENTION_MS_MIN = 1_000
/** 34 years. */
const RETENTION_MS_MAX = 2 ** 40

/** Checks options and fills in defaults. Throws `invalid_argument` naming every bad one. */
export function resolveKafkaStorageOptions(options: KafkaStorageOptions): ResolvedKafkaStorageOptions {
  const check = new OptionCheck('KafkaStorageOptions', options, KNOWN)
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? silentLogger
  const optional = (field: 'replicationFactor' | 'minInsyncReplicas'): number | undefined => {
    const value = options[field]
    return value === undefined ? undefined : check.integer(field, value, 1, 32)
  }
  const { redisProtocol = 3, provision = true } = options
  if (![2, 3].includes(redisProtocol)) {
    check.add(`redisProtocol is ${describe(redisProtocol)}; it must be 2 or 3.`, 'redisProtocol')
  }
  if (options.redisTls !== undefined && !options.redisUrl?.startsWith('rediss://')) {
    check.add('redisTls is given, and redisUrl is not rediss://; make it so, or leave redisTls out.', 'redisTls')
  }
  if (typeof provision !== 'boolean') {
    check.add(`provision is ${describe(provision)}; it must be true or false.`, 'provision')
  }
  const clientId = options.clientId ?? 'errand'
  const resolved = {
    namespace: check.value('', () => checkNamespace(options.namespace)),
    kafka: {
      brokers: check.value([], () => checkBrokers(options.brokers)),
      clientId: check.value('', () => checkText('clientId', clientId, CLIENT_ID_BYTES_MAX)),
      logger,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    },
    redisUrl: check.value('', () => checkRedisUrl(options.redisUrl)),
    redisUsername: options.redisUsername,
    redisPassword: options.redisPassword,
    redisTls: options.redisTls,
    redisProtocol,
    provision,
    partitions: check.integer('partitions', options.partitions ?? 4, 1, 1_000),
    replicationFactor: optional('replicationFactor'),
    minInsyncReplicas: optional('minInsyncReplicas'),
    retention: resolveRetention(check, options.retention ?? {}),
    sessionTimeoutMs: check.integer('sessionTimeoutMs', options.sessionTimeoutMs ?? 10_000, 1_000, 60_000),
    maxWaitMs: check.integer('maxWaitMs', options.maxWaitMs ?? 100, 10, 5_000),
    commitIntervalMs: check.integer('commitIntervalMs', options.commitIntervalMs ?? 1_000, 50, 60_000),
    rehomeAfterMs: check.integer('rehomeAfterMs', options.rehomeAfterMs ?? 300_000, ...REHOMING_LIMITS.afterMs),
    clock,
    ids:
      options.ids ??
      uuidv7Source({ nowMs: () => clock.nowMs(), randomBytes: into => into.set(randomBytes(into.length)) ?? into }),
    logger,
    telemetry: options.telemetry ?? otelTelemetry(),
  }
  check.throwIfAny()
  return resolved
}

function resolveRetention(check: OptionCheck, given: Partial<Retention>): Retention {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(DEFAULT_RETENTION, name)) continue
    const known = Object.keys(DEFAULT_RETENTION).join(', ')
    check.add(`there is no option 'retention.${name}'; known are ${known}.`, `retention.${name}`)
  }
  const lasting = (name: keyof Retention): number =>
    check.integer(`retention.${name}`, given[name] ?? DEFAULT_RETENTION[name], RETENTION_MS_MIN, RETENTION_MS_MAX)
  return { markerMs: lasting('markerMs'), resultMs: lasting('resultMs'), keyMs: lasting('keyMs') }
}
