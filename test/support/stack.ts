// Where the broker and the Redis of an integration test are. They are started by the stack before the tests; a test that
// cannot reach them says why, instead of being skipped without a word.

import { randomBytes } from 'node:crypto'
import { ErrandError } from '../../src/core/errors.ts'

/** The Kafka brokers, `host:port` each, from ERRAND_KAFKA_BROKERS. */
export function kafkaBrokers(): string[] {
  return required('ERRAND_KAFKA_BROKERS').split(',')
}

/** The Redis, from ERRAND_REDIS_URL. */
export function redisUrl(): string {
  return required('ERRAND_REDIS_URL')
}

/** A namespace that no other test uses, so that files can run in parallel on one broker and one Redis. */
export function freshNamespace(prefix = 't'): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`
}

function required(name: string): string {
  const value = process.env[name]
  if (value !== undefined && value !== '') return value
  const why = process.env['ERRAND_STACK_ERROR'] ?? 'ERRAND_STACK_ERROR says nothing either'
  throw new ErrandError('configuration', `${name} is not set: these tests need a real Kafka and Redis (${why}).`)
}
