// What the environment gives: addresses of a Kafka or a Redis that somebody else runs.

import { brokersSeenBy, redisAnswers } from './probe.ts'
import { StackError } from './stack-error.ts'

/** The variables, as far as they are set. */
export interface Given {
  readonly kafkaBrokers: readonly string[] | undefined
  readonly redisUrl: string | undefined
}

/** Reads `ERRAND_KAFKA_BROKERS` (host:port, separated by commas) and `ERRAND_REDIS_URL`. Empty is not set. */
export function readGiven(env: Readonly<Record<string, string | undefined>>): Given {
  const brokers = (env['ERRAND_KAFKA_BROKERS'] ?? '')
    .split(',')
    .map(address => address.trim())
    .filter(address => address !== '')
  const redis = (env['ERRAND_REDIS_URL'] ?? '').trim()
  return { kafkaBrokers: brokers.length > 0 ? brokers : undefined, redisUrl: redis === '' ? undefined : redis }
}

/** Throws when something is given that does not answer: nothing is started in its place, that would hide the mistake. */
export async function verifyGiven(given: Given): Promise<void> {
  const { kafkaBrokers, redisUrl } = given
  if (redisUrl !== undefined && !isAddress(redisUrl)) {
    throw new StackError(
      `ERRAND_REDIS_URL is ${withoutPassword(redisUrl)}; it must be redis://[user:password@]host:port[/db], or not be set`,
    )
  }
  if (kafkaBrokers !== undefined && (await brokersSeenBy(kafkaBrokers)).length === 0) {
    throw new StackError(
      `ERRAND_KAFKA_BROKERS is ${kafkaBrokers.map(withoutPassword).join(',')}, but no Kafka answers there; start it, or unset the variable`,
    )
  }
  if (redisUrl !== undefined && !(await redisAnswers(redisUrl))) {
    throw new StackError(
      `ERRAND_REDIS_URL is ${withoutPassword(redisUrl)}, but no Redis answers there; start it, or unset the variable`,
    )
  }
}

/** The client dies of a database that is no number. */
function isAddress(url: string): boolean {
  return /^rediss?:\/\//.test(url) && URL.canParse(url) && /^\/?[0-9]{0,9}$/.test(new URL(url).pathname)
}

/** The address for people to read: up to the last @ it may be a password, which need not be written as a URL wants it. */
export function withoutPassword(address: string): string {
  const at = address.lastIndexOf('@')
  if (at === -1) return address
  const scheme = /^[a-z]+:\/\//.exec(address)?.[0] ?? ''
  return `${scheme}***${address.slice(at)}`
}
