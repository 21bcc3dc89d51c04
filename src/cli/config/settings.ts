// Every setting of `errand`, once: its schema, its flag, its variable, its default. Loading, help, `config show` and the
// reference are all made from this. Nested as in the file; `SETTINGS` is the same as a flat list.

import { z } from 'zod'
import { LIMITS, WORKER_LIMITS } from '../../core/limits.ts'
import type { SettingMeta } from './setting-types.ts'
import { duration, flag, integer, oneOf, text, texts } from './setting-types.ts'

/** How a secret is named with `_file`, for mounted secrets. */
const SECRET_FILE = 'a file that holds it, read at the start'
const RETENTION_MS_MAX = 365 * 86_400_000

/** zod keeps what is said about a schema beside it. */
function setting<Value>(schema: z.ZodType<Value>, meta: SettingMeta): z.ZodOptional<z.ZodType<Value>> {
  const optional = schema.optional()
  metas.set(optional, meta)
  return optional
}

/** As {@link setting}, with a default. */
function defaulted<Value>(
  schema: z.ZodType<Value>,
  value: string,
  meta: Omit<SettingMeta, 'shownDefault'>,
): z.ZodType<Value> {
  const whole = z.preprocess(given => given ?? value, schema)
  metas.set(whole, { ...meta, shownDefault: value })
  return whole
}

const metas = new WeakMap<z.ZodType, SettingMeta>()

const kafka = z.strictObject({
  brokers: setting(texts(), {
    flag: 'brokers',
    env: 'ERRAND_KAFKA_BROKERS',
    value: 'host:port,…',
    help: 'Kafka brokers; one that answers is enough',
  }),
  client_id: defaulted(text(), 'errand', {
    flag: 'client-id',
    env: 'ERRAND_KAFKA_CLIENT_ID',
    value: 'name',
    help: 'what brokers log and quotas call this process',
  }),
  tls: defaulted(flag(), 'false', {
    flag: 'kafka-tls',
    env: 'ERRAND_KAFKA_TLS',
    isSwitch: true,
    help: 'TLS to the brokers',
  }),
  tls_ca_file: setting(text(), {
    flag: 'kafka-tls-ca-file',
    env: 'ERRAND_KAFKA_TLS_CA_FILE',
    value: 'pem',
    help: 'authorities to trust instead of the system’s; implies TLS',
  }),
  tls_cert_file: setting(text(), {
    flag: 'kafka-tls-cert-file',
    env: 'ERRAND_KAFKA_TLS_CERT_FILE',
    value: 'pem',
    help: 'own certificate, for mutual TLS; implies TLS',
  }),
  tls_key_file: setting(text(), {
    flag: 'kafka-tls-key-file',
    env: 'ERRAND_KAFKA_TLS_KEY_FILE',
    value: 'pem',
    help: 'key of the own certificate',
  }),
  sasl_mechanism: setting(oneOf(['plain', 'scram-sha-256', 'scram-sha-512']), {
    flag: 'kafka-sasl-mechanism',
    env: 'ERRAND_KAFKA_SASL_MECHANISM',
    value: 'name',
    help: 'plain, scram-sha-256 or scram-sha-512',
  }),
  sasl_username: setting(text(), {
    flag: 'kafka-sasl-username',
    env: 'ERRAND_KAFKA_SASL_USERNAME',
    value: 'name',
    help: 'user at the brokers',
  }),
  sasl_password: setting(z.string(), {
    env: 'ERRAND_KAFKA_SASL_PASSWORD',
    secret: true,
    help: 'password at the brokers',
  }),
  sasl_password_file: setting(text(), {
    flag: 'kafka-sasl-password-file',
    env: 'ERRAND_KAFKA_SASL_PASSWORD_FILE',
    value: 'path',
    help: SECRET_FILE,
  }),
})

const redis = z.strictObject({
  url: setting(text(), {
    flag: 'redis',
    env: 'ERRAND_REDIS_URL',
    value: 'url',
    help: 'redis://host:port[/db], or rediss:// for TLS',
  }),
  username: setting(text(), {
    flag: 'redis-username',
    env: 'ERRAND_REDIS_USERNAME',
    value: 'name',
    help: 'user at Redis, where it has users',
  }),
  password: setting(z.string(), { env: 'ERRAND_REDIS_PASSWORD', secret: true, help: 'password at Redis' }),
  password_file: setting(text(), {
    flag: 'redis-password-file',
    env: 'ERRAND_REDIS_PASSWORD_FILE',
    value: 'path',
    help: SECRET_FILE,
  }),
  tls_ca_file: setting(text(), {
    flag: 'redis-tls-ca-file',
    env: 'ERRAND_REDIS_TLS_CA_FILE',
    value: 'pem',
    help: 'authorities to trust; needs rediss://',
  }),
})

const topics = z.strictObject({
  provision: setting(flag(), {
    flag: 'provision',
    env: 'ERRAND_TOPICS_PROVISION',
    isSwitch: true,
    help: 'create topics that are missing; else they must exist',
    shownDefault: 'true for dev, worker and reaper; false for the rest',
  }),
  partitions: defaulted(integer(1, 1_000), '4', {
    flag: 'partitions',
    env: 'ERRAND_TOPICS_PARTITIONS',
    value: 'n',
    help: 'partitions of topics that are created',
  }),
  replication_factor: setting(integer(1, 32), {
    flag: 'replication-factor',
    env: 'ERRAND_TOPICS_REPLICATION_FACTOR',
    value: 'n',
    help: 'replicas of topics that are created',
    shownDefault: 'the broker’s',
  }),
  min_insync_replicas: setting(integer(1, 32), {
    flag: 'min-insync-replicas',
    env: 'ERRAND_TOPICS_MIN_INSYNC_REPLICAS',
    value: 'n',
    help: 'min.insync.replicas of topics that are created',
    shownDefault: 'the broker’s',
  }),
})

const life = (what: string, flagName: string, env: string, value: string): z.ZodType<number> =>
  defaulted(duration(1_000, RETENTION_MS_MAX), value, {
    flag: flagName,
    env,
    value: 'duration',
    help: `how long Redis remembers ${what}`,
  })

const retention = z.strictObject({
  marker: life('what has ended', 'marker-life', 'ERRAND_MARKER_LIFE', '1h'),
  result: life('results', 'result-life', 'ERRAND_RESULT_LIFE', '24h'),
  key: life('idempotency keys', 'key-life', 'ERRAND_KEY_LIFE', '24h'),
})

const worker = z.strictObject({
  import: setting(text(), {
    flag: 'import',
    env: 'ERRAND_WORKER_IMPORT',
    value: 'module',
    help: 'module that registers handlers: a path, or a package’s name',
  }),
  concurrency: defaulted(integer(1, WORKER_LIMITS.concurrencyMax), '50', {
    flag: 'concurrency',
    env: 'ERRAND_WORKER_CONCURRENCY',
    value: 'n',
    help: 'handlers that run at once',
  }),
  lease: defaulted(duration(1_000, LIMITS.leaseMsMax), '15s', {
    flag: 'lease',
    env: 'ERRAND_WORKER_LEASE',
    value: 'duration',
    help: 'a dead worker is noticed after this',
  }),
  grace: defaulted(duration(0, LIMITS.waitMsMax), '25s', {
    flag: 'grace',
    env: 'ERRAND_WORKER_GRACE',
    value: 'duration',
    help: 'how long a stop waits for handlers; keep it below the pod’s grace period',
  }),
  reaper: defaulted(flag(), 'true', {
    flag: 'reaper',
    env: 'ERRAND_WORKER_REAPER',
    isSwitch: true,
    help: 'run a reaper in the worker too',
  }),
  id: setting(text(), {
    flag: 'worker-id',
    env: 'ERRAND_WORKER_ID',
    value: 'name',
    help: 'label for people',
    shownDefault: 'host, process id and a random part',
  }),
})

const http = z.strictObject({
  host: defaulted(text(), '127.0.0.1', {
    flag: 'http-host',
    env: 'ERRAND_HTTP_HOST',
    value: 'address',
    help: 'where /livez, /readyz, /startupz and /metrics listen',
  }),
  port: defaulted(
    z.preprocess(given => (given === 'off' ? -1 : given), integer(-1, 65_535)),
    '9464',
    { flag: 'http-port', env: 'ERRAND_HTTP_PORT', value: 'port', help: '0: any free one; off: none' },
  ),
})

const log = z.strictObject({
  level: defaulted(oneOf(['debug', 'info', 'warn', 'error']), 'info', {
    flag: 'log-level',
    env: 'ERRAND_LOG_LEVEL',
    value: 'level',
    help: 'debug, info, warn or error',
  }),
  format: setting(oneOf(['json', 'text']), {
    flag: 'log-format',
    env: 'ERRAND_LOG_FORMAT',
    value: 'format',
    help: 'json or text, on stderr',
    shownDefault: 'text on a terminal, else json',
  }),
})

/** The schema of a config file, and of what all sources together give. */
export const CONFIG_SCHEMA = z.strictObject({
  namespace: setting(text(), {
    flag: 'namespace',
    env: 'ERRAND_NAMESPACE',
    value: 'name',
    help: 'prefix of every topic, group and key',
  }),
  kafka,
  redis,
  topics,
  retention,
  worker,
  http,
  log,
})

/** All settings, checked and complete. Durations in ms. */
export type Config = z.output<typeof CONFIG_SCHEMA>

/** The groups in which settings are shown; `servers` is what every command that connects takes. */
export const SETTING_GROUPS = {
  servers: ['namespace', 'kafka', 'redis'],
  topics: ['topics'],
  retention: ['retention'],
  worker: ['worker'],
  http: ['http'],
  log: ['log'],
} as const

/** A name of {@link SETTING_GROUPS}. */
export type SettingGroup = keyof typeof SETTING_GROUPS

/** One setting of the flat list. */
export interface Setting extends SettingMeta {
  /** As in the file, such as `kafka.brokers`. */
  readonly name: string
}

/** Every setting, in the order of the file. */
export const SETTINGS: readonly Setting[] = flatten(CONFIG_SCHEMA, '')

/** The settings of a group. */
export function settingsOf(group: SettingGroup): readonly Setting[] {
  const heads: readonly string[] = SETTING_GROUPS[group]
  return SETTINGS.filter(({ name }) => heads.includes(name.split('.')[0] ?? ''))
}

function flatten(schema: z.ZodObject, prefix: string): Setting[] {
  return Object.entries(schema.shape).flatMap(([key, inner]) => {
    const name = `${prefix}${key}`
    if (inner instanceof z.ZodObject) return flatten(inner, `${name}.`)
    const meta = metas.get(inner as z.ZodType)
    return meta === undefined ? [] : [{ ...meta, name }]
  })
}
