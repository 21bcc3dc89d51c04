// From settings to what `KafkaStorage.open` takes. Secrets are read from their files here, once.

import { readFileSync } from 'node:fs'
import { ErrandError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { KafkaStorageOptions } from '../../storage/kafka/index.ts'
import type { Config } from './settings.ts'

/** Settings without which nothing can be connected. */
export const REQUIRED_TO_CONNECT = ['namespace', 'kafka.brokers', 'redis.url'] as const

/**
 * Options of the storage. `provisions`: whether missing topics are made where no setting says so. Throws `configuration`
 * naming what a secret or certificate cannot be read from, or what does not go together.
 */
export function storageOptions(config: Config, logger: Logger, provisions: boolean): KafkaStorageOptions {
  const { namespace, kafka, redis, topics, retention } = config
  if (namespace === undefined || kafka.brokers === undefined || redis.url === undefined) {
    throw new ErrandError('internal', 'settings that are needed to connect were not asked for')
  }
  const ssl = kafkaTls(config)
  const sasl = kafkaSasl(config)
  const password = secret('redis.password', redis.password, redis.password_file)
  const ca = fileText('redis.tls_ca_file', redis.tls_ca_file)
  return {
    namespace,
    brokers: kafka.brokers,
    redisUrl: redis.url,
    clientId: kafka.client_id,
    provision: topics.provision ?? provisions,
    partitions: topics.partitions,
    retention: { markerMs: retention.marker, resultMs: retention.result, keyMs: retention.key },
    logger,
    ...(redis.username === undefined ? {} : { redisUsername: redis.username }),
    ...(password === undefined ? {} : { redisPassword: password }),
    ...(ca === undefined ? {} : { redisTls: { ca } }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(topics.replication_factor === undefined ? {} : { replicationFactor: topics.replication_factor }),
    ...(topics.min_insync_replicas === undefined ? {} : { minInsyncReplicas: topics.min_insync_replicas }),
  }
}

function kafkaTls({ kafka }: Config): KafkaStorageOptions['ssl'] {
  const ca = fileText('kafka.tls_ca_file', kafka.tls_ca_file)
  const cert = fileText('kafka.tls_cert_file', kafka.tls_cert_file)
  const key = fileText('kafka.tls_key_file', kafka.tls_key_file)
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'kafka.tls_cert_file' : 'kafka.tls_key_file'
    throw new ErrandError('configuration', `${missing} is missing: a certificate and its key go together.`, {
      details: { setting: missing },
    })
  }
  if (ca === undefined && cert === undefined) return kafka.tls ? true : undefined
  return { ...(ca === undefined ? {} : { ca: [ca] }), ...(cert === undefined ? {} : { cert, key }) }
}

function kafkaSasl({ kafka }: Config): KafkaStorageOptions['sasl'] {
  const { sasl_mechanism: mechanism, sasl_username: username } = kafka
  const password = secret('kafka.sasl_password', kafka.sasl_password, kafka.sasl_password_file)
  if (mechanism === undefined && username === undefined && password === undefined) return undefined
  const missing = [
    ...(mechanism === undefined ? ['kafka.sasl_mechanism'] : []),
    ...(username === undefined ? ['kafka.sasl_username'] : []),
    ...(password === undefined ? ['kafka.sasl_password (or kafka.sasl_password_file)'] : []),
  ]
  if (mechanism === undefined || username === undefined || password === undefined) {
    throw new ErrandError('configuration', `${missing.join(' and ')} must be given too: they go together.`, {
      details: { setting: missing[0] },
    })
  }
  return { mechanism, username, password }
}

function secret(name: string, value: string | undefined, file: string | undefined): string | undefined {
  if (value !== undefined && file !== undefined) {
    throw new ErrandError('configuration', `${name} and ${name}_file are both given; give one.`, {
      details: { setting: name },
    })
  }
  // Editors and `echo` end files with a line break, which no password has.
  return value ?? fileText(`${name}_file`, file)?.replace(/\r?\n$/, '')
}

function fileText(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ErrandError('configuration', `${name}: ${path} cannot be read (${(error as Error).message}).`, {
      details: { setting: name },
      cause: error,
    })
  }
}
