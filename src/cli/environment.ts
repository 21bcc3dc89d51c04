// What the environment says to the driver: where Kafka and Redis are. A wrong value is told by its variable, and is not shown
// where a password may stand in it.

import { ErrandError, isErrandError } from '../core/errors.ts'
import { checkBrokers } from '../producer/kafka-client.ts'
import { checkRedisUrl } from '../storage/redis/connection.ts'

/** Where Kafka and Redis are. */
export interface Addresses {
  readonly brokers: readonly string[]
  readonly redisUrl: string
}

/**
 * Reads `ERRAND_KAFKA_BROKERS` (`host:port`, separated by commas) and `ERRAND_REDIS_URL`. Throws `configuration` naming the
 * variable that is not set or wrong.
 */
export function addressesFrom(env: Readonly<Record<string, string | undefined>>): Addresses {
  return {
    brokers: read(env, 'ERRAND_KAFKA_BROKERS', text => checkBrokers(text.split(','))),
    redisUrl: read(env, 'ERRAND_REDIS_URL', checkRedisUrl),
  }
}

function read<T>(env: Readonly<Record<string, string | undefined>>, name: string, check: (text: string) => T): T {
  const text = env[name]?.trim() ?? ''
  if (text === '') throw new ErrandError('configuration', `${name} is not set.`, { details: { setting: name } })
  try {
    return check(text)
  } catch (error) {
    if (!isErrandError(error)) throw error
    const why = error.message.replace(/^\[\w+\] /, '')
    throw new ErrandError('configuration', `${name}: ${why}`, { details: { setting: name }, cause: error })
  }
}
