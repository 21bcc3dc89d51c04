// Whether the servers can be reached, by whom, and who can listen on the way.

import type { DeploymentFacts, ServerReach, Unseen } from '../core/deployment-facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed } from './finding.ts'

/** Addresses that do not leave the machine. */
const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\]|::1)$/i

/** Ids of the findings that mean: nobody answered. */
export const UNREACHABLE_IDS: readonly string[] = ['kafka-unreachable', 'redis-unreachable']

/** Reach, credentials, encryption, rights. */
export const REACH_RULES: readonly Rule[] = [
  {
    id: 'kafka-unreachable',
    source: 'kafka',
    severities: ['error'],
    about: 'No broker answers at the addresses that were given',
    find: ({ kafka }) => failed(kafka, 'unreachable', KAFKA_UNREACHABLE_FIX),
  },
  {
    id: 'kafka-refused',
    source: 'kafka',
    severities: ['error'],
    about: 'The brokers answer and refuse the user, the password, the mechanism or the certificate',
    find: ({ kafka }) =>
      failed(
        kafka,
        'refused',
        'Correct ERRAND_KAFKA_SASL_MECHANISM, ERRAND_KAFKA_SASL_USERNAME and ERRAND_KAFKA_SASL_PASSWORD, or ERRAND_KAFKA_TLS and its files; `errand config show` says where each value comes from.',
      ),
  },
  {
    id: 'kafka-plain-text',
    source: 'kafka',
    severities: ['warning'],
    about: 'Payloads and passwords cross the network to Kafka unencrypted',
    find: ({ kafka }) =>
      plainText(
        kafka,
        'Kafka',
        'Give the brokers a listener with TLS (SASL_SSL), point ERRAND_KAFKA_BROKERS at it and set ERRAND_KAFKA_TLS=true.',
      ),
  },
  {
    id: 'kafka-rights',
    source: 'kafka',
    severities: ['error', 'note'],
    about:
      'The user lacks a right on Kafka that Errand needs, so it fails there (a note where only looking needs it); what it hides was not checked',
    find: ({ unseen }) =>
      denied(unseen, 'kafka', 'Allow it to the user with `kafka-acls.sh --add --allow-principal …`'),
  },
  {
    id: 'redis-unreachable',
    source: 'redis',
    severities: ['error'],
    about: 'Redis does not answer at the address that was given',
    find: ({ redis }) =>
      failed(
        redis,
        'unreachable',
        'Check that Redis runs there and that ERRAND_REDIS_URL names its host and port (`rediss://` for TLS); try `redis-cli -u <url> ping` from this machine.',
      ),
  },
  {
    id: 'redis-refused',
    source: 'redis',
    severities: ['error'],
    about: 'Redis answers and refuses the user, the password or the database, or its certificate is not trusted',
    find: ({ redis }) =>
      failed(
        redis,
        'refused',
        'Correct the user and password (ERRAND_REDIS_USERNAME, ERRAND_REDIS_PASSWORD, or in ERRAND_REDIS_URL), the database behind its /, or the authority that has signed its certificate (ERRAND_REDIS_TLS_CA_FILE).',
      ),
  },
  {
    id: 'redis-plain-text',
    source: 'redis',
    severities: ['warning'],
    about: 'Payloads and passwords cross the network to Redis unencrypted',
    find: ({ redis }) =>
      plainText(
        redis,
        'Redis',
        'Let Redis listen with TLS (`tls-port`) and give ERRAND_REDIS_URL as rediss://host:port.',
      ),
  },
  {
    id: 'redis-rights',
    source: 'redis',
    severities: ['error'],
    about: 'The user lacks a command or a key pattern on Redis that Errand needs',
    find: facts =>
      denied(
        facts.unseen,
        'redis',
        `Allow it with ACL SETUSER: \`~{${facts.namespace}:* &${facts.namespace}:*\` and the commands of docs/operating/security.md, scripting (+eval +evalsha +script|load) and +time +info among them`,
      ),
  },
  {
    id: 'not-seen',
    source: 'settings',
    severities: ['warning'],
    about: 'Something could not be looked at, so it may be wrong and nobody says so',
    find: ({ unseen }) =>
      unseen
        .filter(({ kind }) => kind === 'failed')
        .map(({ what, says }) => ({
          subject: what,
          says: `${what} could not be looked at: ${says}`,
          fix: 'Run `errand doctor` again; when it stays so, look at the logs of the server that did not answer.',
        })),
  },
]

const KAFKA_UNREACHABLE_FIX =
  'Check that the brokers run and that ERRAND_KAFKA_BROKERS names host:port of a listener for clients; what the brokers advertise must be reachable from here too, and ERRAND_KAFKA_TLS must fit the listener.'

function failed({ addresses, failure }: ServerReach, kind: 'unreachable' | 'refused', fix: string): Found[] {
  return failure?.kind === kind ? [{ subject: listed(addresses), says: failure.says, fix }] : []
}

function plainText({ addresses, isEncrypted }: ServerReach, server: string, fix: string): Found[] {
  const remote = addresses.filter(address => !isLoopback(address))
  if (isEncrypted || remote.length === 0) return []
  return [{ subject: listed(remote), says: `${server} at ${listed(remote)} is spoken to without TLS.`, fix }]
}

function denied(unseen: readonly Unseen[], server: Unseen['server'], how: string): Found[] {
  return unseen
    .filter(one => one.server === server && one.kind === 'denied')
    .map(({ what, says, right, isNeeded = true }) => ({
      severity: isNeeded ? 'error' : 'note',
      subject: what,
      says: `${what} may not be looked at or used: ${says}`,
      fix: `${how}: ${right ?? 'what the message names'}.`,
    }))
}

/** Whether a `host:port` or a URL stays on this machine. */
export function isLoopback(address: string): boolean {
  const url = address.includes('://') ? address : `any://${address}`
  return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname)
}

/** Whether any server is reached over a network. */
export function isRemote({ addresses }: DeploymentFacts['redis'] | DeploymentFacts['kafka']): boolean {
  return addresses.some(address => !isLoopback(address))
}
