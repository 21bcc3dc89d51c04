// A Kafka and a Redis of a test's own that speak TLS only: a broker that knows its users by SCRAM and PLAIN and whose own
// settings are not what Errand would like, and a Redis with a user, behind a door that ends TLS. The certificates are made here.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { brokerDir, brokerProperties, propertiesFile } from '../../scripts/stack/kafka-config.ts'
import { prepareBroker, requireKafka, startBrokerProcess, waitForBroker } from '../../scripts/stack/kafka.ts'
import { brokerOf, ensureRedis } from '../../scripts/stack/local.ts'
import { repositoryDir } from '../../scripts/stack/places.ts'
import { choosePorts } from '../../scripts/stack/ports.ts'
import { PRIVATE_STACKS_DIR_VARIABLE } from '../../scripts/stack/private-stack.ts'
import { stopStack } from '../../scripts/stack/stack.ts'
import { updateState, withBrokerPid } from '../../scripts/stack/state.ts'

const run = promisify(execFile)

/** Servers behind TLS, and what one needs to get in. */
export interface TlsStack extends AsyncDisposable {
  /** SASL_SSL: SCRAM-SHA-512 and PLAIN. */
  readonly brokers: readonly string[]
  /** `rediss://`, without user and password. */
  readonly redisUrl: string
  /** At both: may do anything. */
  readonly user: string
  /** At Kafka: is let in, and may do nothing. */
  readonly stranger: string
  /** Of both of them. */
  readonly password: string
  /** The authority that has signed the servers' certificates, and one that has not. */
  readonly caFile: string
  readonly otherCaFile: string
  readonly passwordFile: string
}

/** Starts both: some 8 s. `await using stack = await openTlsStack()` ends them. */
export async function openTlsStack(): Promise<TlsStack> {
  const parent = process.env[PRIVATE_STACKS_DIR_VARIABLE] ?? join(repositoryDir, '.errand', 'private')
  const dataDir = join(parent, `tls-${randomBytes(4).toString('hex')}`)
  mkdirSync(dataDir, { recursive: true })
  const users = { user: 'shop', stranger: 'stranger', password: randomBytes(12).toString('hex') }
  try {
    const [caFile, otherCaFile] = [await authority(dataDir, 'ca'), await authority(dataDir, 'other')]
    await certificate(dataDir)
    const passwordFile = join(dataDir, 'password')
    writeFileSync(passwordFile, `${users.password}\n`)
    const [port, door] = await Promise.all([startBroker(dataDir, users), startRedis(dataDir, users)])
    return {
      ...{ brokers: [`127.0.0.1:${port}`], redisUrl: `rediss://127.0.0.1:${door.port}` },
      ...{ ...users, caFile, otherCaFile, passwordFile },
      async [Symbol.asyncDispose]() {
        await door.close()
        await stopStack({ dataDir })
      },
    }
  } catch (error) {
    await stopStack({ dataDir }) // whichever half came up
    throw error
  }
}

interface Users {
  readonly user: string
  readonly stranger: string
  readonly password: string
}

/** Makes `<name>.pem` and its key. */
async function authority(dir: string, name: string): Promise<string> {
  const file = join(dir, `${name}.pem`)
  const subject = ['-subj', `/CN=${name} of a test`, '-days', '2']
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...subject,
    '-keyout',
    `${file}.key`,
    '-out',
    file,
  ])
  return file
}

/** Makes the servers' certificate, `server.pem`, and beside it with its key as Kafka reads it, `server-all.pem`. */
async function certificate(dir: string): Promise<void> {
  const at = (name: string): string => join(dir, name)
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', at('server.key')]
  await run('openssl', ['req', '-new', ...key, '-subj', '/CN=localhost', '-out', at('server.csr')])
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.pem.key'), '-CAcreateserial', '-days', '2']
  const request = ['-in', at('server.csr'), '-extfile', at('names'), '-out', at('server.pem')]
  await run('openssl', ['x509', '-req', ...signer, ...request])
  writeFileSync(at('server-all.pem'), readFileSync(at('server.key'), 'utf8') + readFileSync(at('server.pem'), 'utf8'))
}

async function startBroker(dataDir: string, users: Users): Promise<number> {
  const [port = 0, controllerPort = 0, client = 0] = await choosePorts(3)
  const clientDoor = { port: client, advertisedPort: client }
  const planned = { id: 1, port, controllerPort, clientDoor, pid: null }
  const { clusterId } = updateState(dataDir, state => ({ ...state, brokers: [planned] }))
  const program = await requireKafka()
  // Users of SCRAM that are there from the beginning are given when the storage is made.
  mkdirSync(brokerDir(dataDir, 1), { recursive: true })
  writeFileSync(propertiesFile(dataDir, 1), brokerProperties(planned, [planned], dataDir))
  const scram = [users.user, users.stranger].flatMap(name => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${users.password}]`,
  ])
  const format = ['format', '-t', clusterId, '-c', propertiesFile(dataDir, 1), ...scram]
  await run(program.java, ['-cp', join(program.jars, '*'), 'kafka.tools.StorageTool', ...format], { timeout: 60_000 })
  await prepareBroker(program, planned, [planned], { dataDir, clusterId })
  appendFileSync(propertiesFile(dataDir, 1), settings(dataDir, users))
  const pid = await startBrokerProcess(program, planned, dataDir, 1)
  updateState(dataDir, state => withBrokerPid(state, 1, pid))
  await waitForBroker(brokerOf(dataDir, 1), dataDir)
  return client
}

/** What is said last counts. */
function settings(dataDir: string, { user, stranger, password }: Users): string {
  const modules = 'org.apache.kafka.common.security'
  const known = [user, stranger].map(name => `user_${name}="${password}"`).join(' ')
  const all: Record<string, string | number | boolean> = {
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:SASL_SSL',
    'listener.name.client.ssl.keystore.type': 'PEM',
    'listener.name.client.ssl.keystore.location': join(dataDir, 'server-all.pem'),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.client.plain.sasl.jaas.config': `${modules}.plain.PlainLoginModule required ${known};`,
    'listener.name.client.scram-sha-512.sasl.jaas.config': `${modules}.scram.ScramLoginModule required;`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;User:${user}`,
    'auto.create.topics.enable': true,
    'offsets.retention.minutes': 60,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** The Redis at hand may have been built without TLS: what stands before it ends the TLS. */
async function startRedis(
  dataDir: string,
  { user, password }: Users,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { port } = await ensureRedis(dataDir)
  const redis = new Redis(port, '127.0.0.1')
  await redis.call(
    'ACL',
    'SETUSER',
    user,
    'reset',
    'on',
    `>${password}`,
    '~{shop:*',
    'resetchannels',
    '&shop:*',
    '+@all',
  )
  await redis.call('ACL', 'SETUSER', 'default', 'off')
  redis.disconnect()
  const open = new Set<Socket>()
  const server = createServer(
    { key: readFileSync(join(dataDir, 'server.key')), cert: readFileSync(join(dataDir, 'server.pem')) },
    socket => {
      const inner = connect(port, '127.0.0.1')
      for (const [one, other] of [
        [socket, inner],
        [inner, socket],
      ] as const) {
        open.add(one)
        one.on('error', () => other.destroy()).on('close', () => other.destroy())
        one.pipe(other)
      }
    },
  )
  server.on('tlsClientError', () => undefined) // who does not trust us goes away
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
