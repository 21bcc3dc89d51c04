// The stack as processes of this machine: which ports, what is missing, start it, wait for it.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  brokerProcess,
  type ClusterPlace,
  isBrokerRunning,
  type KafkaProgram,
  prepareBroker,
  requireKafka,
  startBrokerProcess,
  waitForBroker,
} from './kafka.ts'
import { becomesFree, choosePorts } from './ports.ts'
import { endProcess, type OwnProcess } from './processes.ts'
import { isRedisRunning, redisProcess, requireRedis, startRedisProcess, waitForRedis } from './redis.ts'
import { say } from './say.ts'
import { StackError } from './stack-error.ts'
import { type BrokerState, readState, type RedisState, type StackState, updateState, withBrokerPid } from './state.ts'

/** How many brokers a stack can have: one for every day, three to see one of them fail. */
export type BrokerCount = 1 | 3

/**
 * Sees to it that this many brokers run and answer. Those that run stay as they are. What this call started is ended
 * again when it does not come up.
 */
export async function ensureKafka(
  dataDir: string,
  brokers: BrokerCount | undefined,
  { hasClientDoors = false }: { readonly hasClientDoors?: boolean | undefined } = {},
): Promise<readonly BrokerState[]> {
  await planBrokers(dataDir, brokers, hasClientDoors)
  const missing = brokersOf(dataDir).filter(broker => !isBrokerRunning(broker, dataDir))
  try {
    if (missing.length > 0) await startBrokers(dataDir, missing)
    await Promise.all(brokersOf(dataDir).map(broker => waitForBroker(broker, dataDir)))
  } catch (error) {
    const started = brokersOf(dataDir).filter(broker => missing.some(({ id }) => id === broker.id))
    await endAll(
      started.map(broker => brokerProcess(broker, dataDir)),
      0,
    )
    throw error
  }
  return brokersOf(dataDir)
}

/** Sees to it that Redis runs and answers. `outlivesFileLimit`: see {@link startRedisProcess}. */
export async function ensureRedis(
  dataDir: string,
  { outlivesFileLimit = false }: { readonly outlivesFileLimit?: boolean } = {},
): Promise<RedisState> {
  const planned = await planRedis(dataDir)
  if (isRedisRunning(planned, dataDir)) {
    await waitForRedis(planned, dataDir)
    return planned
  }
  const server = await requireRedis()
  say(`starting Redis on port ${planned.port}`)
  const redis = { ...planned, pid: await startRedisProcess(server, planned, dataDir, { outlivesFileLimit }) }
  updateState(dataDir, state => ({ ...state, redis }))
  await waitForRedis(redis, dataDir)
  return redis
}

/** The processes that were started for this data folder, whether they still run or not. */
export function ownProcesses(state: StackState, dataDir: string): OwnProcess[] {
  const redis = state.redis === null ? undefined : redisProcess(state.redis, dataDir)
  const brokers = state.brokers.map(broker => brokerProcess(broker, dataDir))
  return [...brokers, redis].filter(own => own !== undefined)
}

/**
 * Ends processes and waits until they are gone. Data that stays is worth the time of an orderly end; where it goes too,
 * nothing is asked (`graceMs` 0).
 */
export async function endAll(all: readonly (OwnProcess | undefined)[], graceMs: number): Promise<void> {
  await Promise.all(all.map(async own => own === undefined || (await endProcess(own, graceMs))))
}

/** Removes all that the stack has written. */
export function eraseData(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true })
}

/** The brokers that this data folder has, running or not. */
export function brokersOf(dataDir: string): readonly BrokerState[] {
  return readState(dataDir)?.brokers ?? []
}

/** Writes down which brokers there are and where; the number of an existing cluster cannot be changed. */
async function planBrokers(dataDir: string, wanted: BrokerCount | undefined, hasClientDoors: boolean): Promise<void> {
  const known = brokersOf(dataDir)
  if (known.length === 0) return await choosePortsFor(dataDir, wanted ?? 1, hasClientDoors)
  if (wanted !== undefined && wanted !== known.length) {
    throw new StackError(
      `this stack has ${known.length} broker(s), not ${wanted}; run \`down\` first, which removes its data`,
    )
  }
  const stopped = known.filter(broker => !isBrokerRunning(broker, dataDir))
  const taken = await takenPortOf(stopped)
  if (taken === undefined) return
  const hadClientDoors = known.some(({ clientDoor }) => clientDoor !== undefined)
  if (stopped.length === known.length) return await choosePortsFor(dataDir, known.length, hadClientDoors)
  throw new StackError(`port ${taken} of this stack is now another program's; end that, or run \`down\` and \`up\``)
}

async function choosePortsFor(dataDir: string, count: number, hasClientDoors: boolean): Promise<void> {
  const ports = (await choosePorts(count * (hasClientDoors ? 4 : 2))).values()
  const next = (): number => ports.next().value ?? 0
  const brokers = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: next(),
    controllerPort: next(),
    ...(hasClientDoors ? { clientDoor: { port: next(), advertisedPort: next() } } : {}),
    pid: null,
  }))
  updateState(dataDir, state => ({ ...state, brokers }))
}

async function planRedis(dataDir: string): Promise<RedisState> {
  const known = readState(dataDir)?.redis ?? null
  if (known !== null && (isRedisRunning(known, dataDir) || (await becomesFree(known.port)))) return known
  const [port = 0] = await choosePorts(1)
  const redis = { port, pid: null }
  updateState(dataDir, state => ({ ...state, redis }))
  return redis
}

async function takenPortOf(brokers: readonly BrokerState[]): Promise<number | undefined> {
  for (const port of brokers.flatMap(portsOf)) {
    if (!(await becomesFree(port))) return port
  }
  return undefined
}

/** Those that it listens on itself: the advertised one belongs to the proxy. */
function portsOf({ port, controllerPort, clientDoor }: BrokerState): number[] {
  return [port, controllerPort, ...(clientDoor === undefined ? [] : [clientDoor.port])]
}

async function startBrokers(dataDir: string, missing: readonly BrokerState[]): Promise<void> {
  const program = await requireKafka()
  const place = { dataDir, clusterId: updateState(dataDir, state => state).clusterId }
  for (const broker of missing) say(`starting Kafka broker ${broker.id} on port ${broker.port}`)
  await Promise.all(missing.map(broker => startOne(program, broker, place)))
}

/** The pid is written down the moment it is known, so that `down` finds it whatever happens next. */
async function startOne(program: KafkaProgram, broker: BrokerState, place: ClusterPlace): Promise<void> {
  const all = brokersOf(place.dataDir)
  await prepareBroker(program, broker, all, place)
  const pid = await startBrokerProcess(program, broker, place.dataDir, all.length)
  updateState(place.dataDir, state => withBrokerPid(state, broker.id, pid))
}

/** Starts one broker of an existing cluster, if it does not run, and waits until it is a live member again. */
export async function startBroker(dataDir: string, id: number): Promise<void> {
  const broker = brokerOf(dataDir, id)
  if (!isBrokerRunning(broker, dataDir)) await startBrokers(dataDir, [broker])
  await waitForBroker(brokerOf(dataDir, id), dataDir)
}

/** One broker by its id. */
export function brokerOf(dataDir: string, id: number): BrokerState {
  const brokers = brokersOf(dataDir)
  const broker = brokers.find(each => each.id === id)
  if (broker !== undefined) return broker
  throw new StackError(
    `there is no broker ${id} in ${join(dataDir)}; it has ${brokers.map(each => each.id).join(', ')}`,
  )
}
