// What a broker is told: pure text from a few numbers.

import { join } from 'node:path'

/** Where one node of the cluster listens. */
export interface KafkaNode {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** A second door, for clients alone: one that is reached by way of somebody in between. */
  readonly clientDoor?: ClientDoor
}

/** Where clients are let in, and where they are told to go: the port of whoever passes them on. */
export interface ClientDoor {
  readonly port: number
  readonly advertisedPort: number
}

/** The folder of one broker inside the stack's data folder. */
export function brokerDir(dataDir: string, id: number): string {
  return join(dataDir, `kafka-${id}`)
}

/** The broker's properties file. Its path is also how its process is known again. */
export function propertiesFile(dataDir: string, id: number): string {
  return join(brokerDir(dataDir, id), 'server.properties')
}

/** The text of `server.properties` for one of `nodes`, every node being broker and controller (KRaft, combined roles). */
export function brokerProperties(node: KafkaNode, nodes: readonly KafkaNode[], dataDir: string): string {
  const copies = Math.min(nodes.length, 3)
  const copiesMin = copies === 3 ? 2 : 1
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map(each => `${each.id}@127.0.0.1:${each.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    ...listenersOf(node),
    'log.dirs': join(brokerDir(dataDir, node.id), 'data'),

    // Topics are provisioned, never made by a misspelt name; acknowledged means on two of three disks.
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': copiesMin,
    'unclean.leader.election.enable': false,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': copiesMin,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': copiesMin,

    // Small and quick: 50 partitions for a handful of groups only cost start-up time, and the cleaner's default buffer
    // of 128 MB is half of a small heap.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'num.network.threads': nodes.length === 1 ? 2 : 1,
    'num.io.threads': nodes.length === 1 ? 4 : 2,

    // Tests wait for rebalances, so groups form at once and may use short sessions.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,

    // A killed broker stalls every partition until it is noticed: 8.8 s with the defaults, 2 s with these.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    'replica.lag.time.max.ms': 3_000,
    'controller.quorum.election.timeout.ms': 500,
    'controller.quorum.fetch.timeout.ms': 1_000,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** Brokers always reach each other at their own ports (PLAINTEXT), whoever stands between them and their clients. */
function listenersOf({ port, controllerPort, clientDoor }: KafkaNode): Record<string, string> {
  const client = (at: number | undefined): string => (at === undefined ? '' : `,CLIENT://127.0.0.1:${at}`)
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${client(clientDoor?.port)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${client(clientDoor?.advertisedPort)}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${
      clientDoor === undefined ? '' : ',CLIENT:PLAINTEXT'
    }`,
  }
}

/** Warnings and errors to the console, which is the broker's log file. */
export const LOGGING_PROPERTIES: string = [
  'appender.console.type=Console',
  'appender.console.name=console',
  'appender.console.layout.type=PatternLayout',
  'appender.console.layout.pattern=%d{ISO8601} %p %m (%c{1})%n',
  'rootLogger.level=warn',
  'rootLogger.appenderRef.console.ref=console',
  '',
].join('\n')
