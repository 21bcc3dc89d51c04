// A Kafka and a Redis of a test's own that know their users: a broker with an authorizer and SASL, where nobody may do what no
// ACL allows, and a Redis with ACLs. The broker has two doors: one for clients, who say who they are (PLAIN; on loopback, so
// without TLS), and one for the test itself, which may do anything.

import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { propertiesFile } from '../../scripts/stack/kafka-config.ts'
import { prepareBroker, requireKafka, startBrokerProcess, waitForBroker } from '../../scripts/stack/kafka.ts'
import { brokerOf, ensureRedis } from '../../scripts/stack/local.ts'
import { repositoryDir } from '../../scripts/stack/places.ts'
import { choosePorts } from '../../scripts/stack/ports.ts'
import { PRIVATE_STACKS_DIR_VARIABLE } from '../../scripts/stack/private-stack.ts'
import { stopStack } from '../../scripts/stack/stack.ts'
import { readState, updateState, withBrokerPid } from '../../scripts/stack/state.ts'

/** The test's own user at Redis. */
const BOSS = 'boss'

/** Servers with users, and how they are reached. */
export interface SecuredStack extends AsyncDisposable {
  /** For clients: SASL/PLAIN, user by user. */
  readonly kafkaBrokers: readonly string[]
  /** For the test itself: no authentication, no bounds. */
  readonly adminBrokers: readonly string[]
  /** Without user and password. */
  readonly redisUrl: string
  /** The password of every user, at Kafka and at Redis. */
  readonly password: string
  /** Takes everything out of Redis, as after the loss of its data. */
  emptyRedis(): Promise<void>
}

/** Options of {@link openSecuredStack}. */
export interface SecuredStackOptions {
  /** Users at Kafka, who may do nothing yet. */
  readonly users: readonly string[]
  /** At Redis: a user and the rules of `ACL SETUSER`, without the password. The default user is turned off. */
  readonly redisUsers: readonly { readonly user: string; readonly rules: readonly string[] }[]
}

/** Starts both: some 5 s. `await using stack = await openSecuredStack(…)` ends them. */
export async function openSecuredStack({ users, redisUsers }: SecuredStackOptions): Promise<SecuredStack> {
  const parent = process.env[PRIVATE_STACKS_DIR_VARIABLE] ?? join(repositoryDir, '.errand', 'private')
  const dataDir = join(parent, `secured-${randomBytes(4).toString('hex')}`)
  mkdirSync(dataDir, { recursive: true })
  const password = randomBytes(12).toString('hex')
  const stop = (): Promise<void> => stopStack({ dataDir })
  try {
    const [{ client, admin }, redisUrl] = await Promise.all([
      startBroker(dataDir, users, password),
      startRedis(dataDir, redisUsers, password),
    ])
    const address = (port: number): string[] => [`127.0.0.1:${port}`]
    return {
      ...{ kafkaBrokers: address(client), adminBrokers: address(admin), redisUrl, password },
      emptyRedis: () => emptyRedis(redisUrl, password),
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop() // whichever half came up
    throw error
  }
}

async function startBroker(
  dataDir: string,
  users: readonly string[],
  password: string,
): Promise<{ client: number; admin: number }> {
  const [admin = 0, controllerPort = 0, client = 0] = await choosePorts(3)
  const clientDoor = { port: client, advertisedPort: client }
  const planned = { id: 1, port: admin, controllerPort, clientDoor, pid: null }
  const { clusterId } = updateState(dataDir, state => ({ ...state, brokers: [planned] }))
  const program = await requireKafka()
  await prepareBroker(program, planned, [planned], { dataDir, clusterId })
  appendFileSync(propertiesFile(dataDir, 1), securitySettings(users, password))
  const pid = await startBrokerProcess(program, planned, dataDir, 1)
  updateState(dataDir, state => withBrokerPid(state, 1, pid))
  await waitForBroker(brokerOf(dataDir, 1), dataDir)
  return { client, admin }
}

/** What is said last counts. Whoever comes without a name comes by the test's own door. */
function securitySettings(users: readonly string[], password: string): string {
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const known = users.map(user => `user_${user}="${password}"`).join(' ')
  const settings: Record<string, string> = {
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': `${module} ${known};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

async function startRedis(
  dataDir: string,
  users: SecuredStackOptions['redisUsers'],
  password: string,
): Promise<string> {
  await ensureRedis(dataDir)
  const url = `redis://127.0.0.1:${readState(dataDir)?.redis?.port ?? 0}`
  const redis = new Redis(url)
  try {
    for (const { user, rules } of users)
      await redis.call('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, ...rules)
    await redis.call('ACL', 'SETUSER', BOSS, 'reset', 'on', `>${password}`, 'allkeys', 'allcommands')
    await redis.call('ACL', 'SETUSER', 'default', 'off')
  } finally {
    redis.disconnect()
  }
  return url
}

async function emptyRedis(url: string, password: string): Promise<void> {
  const redis = new Redis(url, { username: BOSS, password })
  try {
    await redis.flushall()
  } finally {
    redis.disconnect()
  }
}
