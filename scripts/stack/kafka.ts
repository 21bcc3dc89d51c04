// Brokers as processes of this machine: format once, start, wait until the cluster knows them.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brokerDir, brokerProperties, LOGGING_PROPERTIES, propertiesFile } from './kafka-config.ts'
import { logTail } from './log-tail.ts'
import { fetchJars } from './maven.ts'
import { brokersSeenBy } from './probe.ts'
import { isRunning, type OwnProcess, startDetached } from './processes.ts'
import { requireJava } from './programs.ts'
import { StackError } from './stack-error.ts'
import type { BrokerState } from './state.ts'
import { waitUntil } from './wait.ts'

const START_DEADLINE_MS = 90_000

/** What is needed to start brokers: a Java and the folder with Kafka's jars. Downloads the jars the first time. */
export interface KafkaProgram {
  readonly java: string
  readonly jars: string
}

/** What the brokers of one cluster share. */
export interface ClusterPlace {
  readonly dataDir: string
  readonly clusterId: string
}

/** Finds, or fetches, what runs a broker. */
export async function requireKafka(): Promise<KafkaProgram> {
  const java = requireJava()
  const jars = await fetchJars([
    { group: 'org.apache.kafka', name: 'kafka_2.13', version: '4.4.0' },
    // Kafka logs through slf4j 1.7 and brings no binding: without one its reason for not starting is lost.
    { group: 'org.apache.logging.log4j', name: 'log4j-slf4j-impl', version: '2.25.5' },
  ])
  return { java, jars }
}

/** The address of a broker for clients. */
export function brokerAddress(broker: BrokerState): string {
  return `127.0.0.1:${broker.port}`
}

/** The broker's process, known by the properties file that only it was started with. */
export function brokerProcess(broker: BrokerState, dataDir: string): OwnProcess | undefined {
  return broker.pid === null ? undefined : { pid: broker.pid, marks: [propertiesFile(dataDir, broker.id)] }
}

/** Whether the process that was last started for this broker still runs. */
export function isBrokerRunning(broker: BrokerState, dataDir: string): boolean {
  const own = brokerProcess(broker, dataDir)
  return own !== undefined && isRunning(own)
}

/** Writes what the broker is told and makes its storage, if it has none yet. Kept data stays as it is. */
export async function prepareBroker(
  program: KafkaProgram,
  broker: BrokerState,
  all: readonly BrokerState[],
  place: ClusterPlace,
): Promise<void> {
  const folder = brokerDir(place.dataDir, broker.id)
  mkdirSync(folder, { recursive: true })
  writeFileSync(propertiesFile(place.dataDir, broker.id), brokerProperties(broker, all, place.dataDir))
  writeFileSync(loggingFile(place.dataDir, broker.id), LOGGING_PROPERTIES)
  if (!existsSync(join(folder, 'data', 'meta.properties'))) await format(program, broker, place)
}

/** Starts the broker's process and answers its pid; it does not answer clients yet. */
export function startBrokerProcess(
  program: KafkaProgram,
  broker: BrokerState,
  dataDir: string,
  brokersInAll: number,
): Promise<number> {
  return startDetached(
    program.java,
    [
      ...javaFlags(brokersInAll),
      `-Dlog4j2.configurationFile=${loggingFile(dataDir, broker.id)}`,
      '-cp',
      join(program.jars, '*'),
      'kafka.Kafka',
      propertiesFile(dataDir, broker.id),
    ],
    brokerLog(dataDir, broker.id),
  )
}

/** Waits until the broker itself says that it is a live member of the cluster. */
export async function waitForBroker(broker: BrokerState, dataDir: string): Promise<void> {
  const explain = (): string => logTail(brokerLog(dataDir, broker.id))
  const answers = async (): Promise<boolean> => {
    if (!isBrokerRunning(broker, dataDir)) throw new StackError(`broker ${broker.id} ended by itself; ${explain()}`)
    return (await brokersSeenBy([brokerAddress(broker)])).includes(broker.id)
  }
  const what = `broker ${broker.id} on port ${broker.port} to answer`
  await waitUntil(answers, { what, deadlineMs: START_DEADLINE_MS, intervalMs: 100, explain })
}

/**
 * Three brokers share a small machine: half the heap each, and the first compiler only (start 8 % sooner and less work
 * for two cores). A single one keeps the second compiler, which pays in benchmarks. The serial collector needs no threads.
 */
function javaFlags(brokersInAll: number): string[] {
  return brokersInAll === 1
    ? ['-Xmx512m', '-XX:+UseSerialGC']
    : ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
}

async function format(program: KafkaProgram, broker: BrokerState, place: ClusterPlace): Promise<void> {
  const args = [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j2.configurationFile=${loggingFile(place.dataDir, broker.id)}`,
    '-cp',
    join(program.jars, '*'),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    place.clusterId,
    '-c',
    propertiesFile(place.dataDir, broker.id),
  ]
  try {
    await promisify(execFile)(program.java, args, { timeout: 60_000 })
  } catch (error) {
    // Half a format is worse than none: the next try would take it for a whole one.
    rmSync(join(brokerDir(place.dataDir, broker.id), 'data'), { recursive: true, force: true })
    const reason = error instanceof Error ? error.message : String(error)
    throw new StackError(`the storage of broker ${broker.id} could not be made: ${reason}`)
  }
}

/** The broker's log file. */
export function brokerLog(dataDir: string, id: number): string {
  return join(brokerDir(dataDir, id), 'server.log')
}

function loggingFile(dataDir: string, id: number): string {
  return join(brokerDir(dataDir, id), 'log4j2.properties')
}
