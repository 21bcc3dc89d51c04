// A Kafka and a Redis to work with, from wherever they can be had. In this order: what the environment gives, containers
// where a Docker engine answers, processes of this machine. Used by `npm run stack`, by the tests and by the benchmarks.

import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { composeDown, composeUp, dockerAnswers, projectName } from './docker.ts'
import { type Given, readGiven, verifyGiven } from './given.ts'
import { brokerAddress, isBrokerRunning } from './kafka.ts'
import { type BrokerCount, endAll, ensureKafka, ensureRedis, eraseData, ownProcesses } from './local.ts'
import { withLock } from './lock.ts'
import { defaultDataDir } from './places.ts'
import { choosePorts } from './ports.ts'
import { brokersSeenBy, redisAnswers } from './probe.ts'
import { isRedisRunning, redisUrl } from './redis.ts'
import { say } from './say.ts'
import { StackError } from './stack-error.ts'
import { waitUntil } from './wait.ts'
import { type DockerState, newState, readState, type StackState, updateState } from './state.ts'

/** Options of {@link ensureStack}. */
export interface StackOptions {
  /** How many brokers: 1 or 3. Without it, what is there already, else 1. */
  readonly brokers?: BrokerCount | undefined
  /** Where data and what is remembered are kept; one stack per folder. @defaultValue `.errand/stack` of the repository */
  readonly dataDir?: string | undefined
  /** Processes of this machine only, whatever is given and whether or not there is Docker: for a stack to be broken. */
  readonly isPrivate?: boolean | undefined
  /** Gives every broker a second door, for clients that come by way of a proxy; it counts for a new stack only. */
  readonly hasClientDoors?: boolean | undefined
}

/** A stack that answers. */
export interface Stack {
  /** host:port of every broker. */
  readonly kafkaBrokers: readonly string[]
  readonly redisUrl: string
  /** Where it comes from; `local` when a process of this machine is part of it. */
  readonly source: 'given' | 'docker' | 'local'
  /** The brokers that are processes of this machine; empty for given ones and containers. */
  readonly brokers: readonly { readonly id: number; readonly pid: number; readonly port: number }[]
  /** Redis, if it is a process of this machine. */
  readonly redis: { readonly pid: number; readonly port: number } | null
  readonly dataDir: string
}

/**
 * Sees to it that a Kafka and a Redis answer, and says where. What runs already is used; what is missing is started, and
 * lives on after this process. May be called by several processes at once. Throws {@link StackError} with the reason
 * when it cannot be had.
 */
export async function ensureStack(options: StackOptions = {}): Promise<Stack> {
  const dataDir = resolve(options.dataDir ?? defaultDataDir)
  const given = givenFor(options)
  await verifyGiven(given)
  if (given.kafkaBrokers !== undefined && given.redisUrl !== undefined) return stackOf(newState(), given, dataDir)
  return await withLock(`${dataDir}.lock`, async () => {
    const docker = await chooseDocker(options, dataDir)
    const areContainersUp = docker !== null && (await tryContainers(docker, given, dataDir))
    if (!areContainersUp) await ensureLocal(given, options, dataDir)
    return stackOf(readState(dataDir) ?? newState(), given, dataDir)
  })
}

/** Options of {@link stopStack}. */
export interface StopOptions {
  readonly dataDir?: string | undefined
  /** Keep the data and the ports, so that the next start goes on with both. @defaultValue false */
  readonly keepsData?: boolean | undefined
}

/** Ends what {@link ensureStack} started for this data folder, waits until it is gone, and removes its data. */
export async function stopStack(options: StopOptions = {}): Promise<void> {
  const dataDir = resolve(options.dataDir ?? defaultDataDir)
  await withLock(`${dataDir}.lock`, async () => {
    const state = readState(dataDir)
    const keepsData = options.keepsData ?? false
    if (state !== undefined) {
      if (state.docker !== null) composeDown(state.docker, keepsData)
      await endAll(ownProcesses(state, dataDir), keepsData ? 10_000 : 0)
    }
    if (!keepsData) eraseData(dataDir)
  })
}

/** Stops every stack whose data folder lies in `parent`: for those that a test did not come to stop. */
export async function stopStacksIn(parent: string): Promise<void> {
  if (!existsSync(parent)) return
  const folders = readdirSync(parent, { withFileTypes: true }).filter(entry => entry.isDirectory())
  await Promise.all(folders.map(folder => stopStack({ dataDir: join(parent, folder.name) })))
  eraseData(parent)
}

/** One part of the stack and how it is. */
export interface PartStatus {
  readonly part: string
  readonly address: string
  readonly pid: number | null
  readonly answers: boolean
}

/** Options of {@link stackStatus} and {@link currentStack}. */
export interface LookOptions {
  readonly dataDir?: string | undefined
  /** Where the two variables are read. @defaultValue `process.env` */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}

/** What is known of a data folder, asked anew. Empty when there is nothing. */
export async function stackStatus(options: LookOptions = {}): Promise<PartStatus[]> {
  const dataDir = resolve(options.dataDir ?? defaultDataDir)
  const stack = knownStack(options, dataDir)
  const pids = new Map(stack.brokers.map(broker => [`127.0.0.1:${broker.port}`, broker]))
  const kafka = stack.kafkaBrokers.map(async (address): Promise<PartStatus> => {
    const own = pids.get(address)
    const part = own === undefined ? 'kafka' : `kafka broker ${own.id}`
    return { part, address, pid: own?.pid ?? null, answers: (await brokersSeenBy([address])).length > 0 }
  })
  const redis = (stack.redisUrl === '' ? [] : [stack.redisUrl]).map(async (address): Promise<PartStatus> => {
    return { part: 'redis', address, pid: stack.redis?.pid ?? null, answers: await redisAnswers(address) }
  })
  return await Promise.all([...kafka, ...redis])
}

/** The stack of this data folder if all of it is up; undefined otherwise. Starts nothing. */
export async function currentStack(options: LookOptions = {}): Promise<Stack | undefined> {
  const dataDir = resolve(options.dataDir ?? defaultDataDir)
  const parts = await stackStatus(options)
  const isUp = parts.some(({ part }) => part === 'redis') && parts.length > 1 && parts.every(({ answers }) => answers)
  return isUp ? knownStack(options, dataDir) : undefined
}

function knownStack(options: LookOptions, dataDir: string): Stack {
  return stackOf(readState(dataDir) ?? newState(), readGiven(options.env ?? process.env), dataDir)
}

function givenFor(options: StackOptions): Given {
  return options.isPrivate === true ? { kafkaBrokers: undefined, redisUrl: undefined } : readGiven(process.env)
}

/** Containers if they were used before, or if nothing runs yet and they can do what is asked: one broker. */
async function chooseDocker(options: StackOptions, dataDir: string): Promise<DockerState | null> {
  const known = readState(dataDir)
  if (known?.docker != null && options.brokers !== 3) return known.docker
  if (known?.docker != null) throw new StackError('this stack is one of containers, with 1 broker; run `down` first')
  const hasLocal = known !== undefined && (known.brokers.length > 0 || known.redis !== null)
  if (options.isPrivate === true || options.brokers === 3 || hasLocal || !dockerAnswers()) return null
  const [kafkaPort = 0, redisPort = 0] = await choosePorts(2)
  const docker = { project: projectName(dataDir), kafkaPort, redisPort }
  updateState(dataDir, state => ({ ...state, docker }))
  return docker
}

/** An engine that answers may still be unable to fetch the images. Then processes of this machine have to do. */
async function tryContainers(docker: DockerState, given: Given, dataDir: string): Promise<boolean> {
  try {
    await ensureContainers(docker, given)
    return true
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    say(`${error.message}\nstack: going on without Docker`)
    composeDown(docker, true)
    updateState(dataDir, state => ({ ...state, docker: null }))
    return false
  }
}

async function ensureContainers(docker: DockerState, given: Given): Promise<void> {
  say('starting containers with docker compose')
  const services = [given.kafkaBrokers === undefined ? 'kafka' : '', given.redisUrl === undefined ? 'redis' : '']
  composeUp(
    docker,
    services.filter(service => service !== ''),
  )
  const own = ownAddresses({ ...newState(), docker })
  const kafka = given.kafkaBrokers ?? own.kafkaBrokers
  const redis = given.redisUrl ?? own.redisUrl
  const isThere = async (): Promise<boolean> => (await brokersSeenBy(kafka)).length > 0 && (await redisAnswers(redis))
  await waitUntil(isThere, {
    what: `Kafka at ${kafka.join(',')} and Redis to answer from containers`,
    deadlineMs: 30_000,
  })
}

/** Kafka and Redis start side by side; both are awaited even when one fails, so that nothing is started behind our back. */
async function ensureLocal(given: Given, options: StackOptions, dataDir: string): Promise<void> {
  const results = await Promise.allSettled([
    given.kafkaBrokers ?? ensureKafka(dataDir, options.brokers, options),
    given.redisUrl ?? ensureRedis(dataDir, { outlivesFileLimit: options.isPrivate === true }),
  ])
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** What is given and what is remembered, put together. Nothing is asked; parts that are not there are empty. */
function stackOf(state: StackState, given: Given, dataDir: string): Stack {
  const brokers = state.brokers.filter(broker => isBrokerRunning(broker, dataDir))
  const redis = state.redis !== null && isRedisRunning(state.redis, dataDir) ? state.redis : null
  const own = ownAddresses(state)
  const isGiven = given.kafkaBrokers !== undefined && given.redisUrl !== undefined
  return {
    kafkaBrokers: given.kafkaBrokers ?? own.kafkaBrokers,
    redisUrl: given.redisUrl ?? own.redisUrl,
    source: isGiven ? 'given' : state.docker === null ? 'local' : 'docker',
    brokers: isGiven ? [] : brokers.map(({ id, pid, port }) => ({ id, pid: pid ?? 0, port })),
    redis: isGiven || redis === null ? null : { pid: redis.pid ?? 0, port: redis.port },
    dataDir,
  }
}

function ownAddresses({ docker, brokers, redis }: StackState): Pick<Stack, 'kafkaBrokers' | 'redisUrl'> {
  if (docker !== null) {
    return { kafkaBrokers: [`127.0.0.1:${docker.kafkaPort}`], redisUrl: `redis://127.0.0.1:${docker.redisPort}` }
  }
  return { kafkaBrokers: brokers.map(brokerAddress), redisUrl: redis === null ? '' : redisUrl(redis) }
}
