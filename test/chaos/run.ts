// One chaos run: servers behind proxies, a load, faults drawn from the seed, then quiet until all has come to rest, then the
// dumps. What it leaves in its folder is all that the judge looks at.

import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/core/clock.ts'
import { laneTopics, schedulerGroup, workersGroup } from '../../src/core/topics.ts'
import type { RebuildReport } from '../../src/storage/kafka/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { dumpRedis } from './checker/dump-redis.ts'
import { dumpTopics } from './checker/dump-topics.ts'
import type { FaultLine, RunInfo } from './evidence.ts'
import { mono } from './evidence.ts'
import { FILES } from './evidence-folder.ts'
import { possibleFaults } from './ground/faults/all.ts'
import type { Fault, Ground } from './ground/ground.ts'
import { injectFault } from './ground/ground.ts'
import type { ProxiedStack } from './ground/proxied-stack.ts'
import { openProxiedStack } from './ground/proxied-stack.ts'
import { LOAD_TYPES } from './load/child-config.ts'
import { Fleet } from './load/fleet.ts'
import { comeToRest } from './load/rest.ts'
import { OffsetSampler } from './load/sampler.ts'
import type { ChaosOptions } from './options.ts'
import { UsageError } from './options.ts'
import type { LanePlan } from './plan.ts'
import { drawnFaults, INJECTIONS_MIN, planLane } from './plan.ts'
import { SeededRandom } from './random.ts'

const PARTITIONS = 4
const LEASE_MS = 3_000
const SESSION_TIMEOUT_MS = 1_500
const REAP_INTERVAL_MS = 250
const GRACE_MS = 5_000
/** From the last fault until nothing is left to do; the 15 s of grace after Redis was started anew lie within. */
const REST_MS = 60_000
/** For faults that were not proven as often as they must be. */
const EXTRA_ROUNDS = 3
const REBUILD_TRIES = 20
const PAUSE_MS = 1_000
const PROCESSES = { producers: 2, workers: 3, reapers: 2 }
const CLOCK_PRELOAD = fileURLToPath(new URL('./ground/clock-shift.ts', import.meta.url))

/** Something that the run says while it goes on. */
export type Say = (line: string) => void

/** The faults of each lane, in order, as the seed has them. Throws {@link UsageError} for a name that is no fault here. */
export function plansOf(options: ChaosOptions): Readonly<Record<Fault['lane'], LanePlan>> {
  const possible = possibleFaults(options.brokers)
  const unknown = options.faults?.find(name => possible.every(fault => fault.name !== name))
  if (unknown !== undefined) {
    throw new UsageError(
      `--faults names ${unknown}; with ${options.brokers} broker(s) there are: ${possible.map(({ name }) => name).join(', ')}`,
    )
  }
  const wanted = possible.filter(({ name }) => options.faults?.includes(name) ?? true)
  const planOf = (lane: Fault['lane']): LanePlan =>
    planLane(
      wanted.filter(fault => fault.lane === lane),
      options.seconds,
      new SeededRandom(options.seed, lane),
    )
  return { servers: planOf('servers'), processes: planOf('processes') }
}

/**
 * Runs, and leaves the evidence in `dir`. Everything that it started is gone afterwards, also when the signal aborts it, which
 * then rejects with the signal's reason.
 */
export async function runChaos(
  options: ChaosOptions,
  { dir, say, signal }: { readonly dir: string; readonly say: Say; readonly signal: AbortSignal },
): Promise<void> {
  mkdirSync(dir, { recursive: true })
  const plans = plansOf(options)
  say(`faults: ${drawnFaults(Object.values(plans)).join(', ')}`)
  await using stack = await openProxiedStack({ brokers: options.brokers })
  const namespace = `chaos-${randomBytes(4).toString('hex')}`
  await using storage = await KafkaStorage.open({
    namespace,
    brokers: stack.direct.kafkaBrokers,
    redisUrl: stack.direct.redisUrl,
    partitions: PARTITIONS,
    ...(options.brokers === 3 ? { replicationFactor: 3, minInsyncReplicas: 2 } : {}),
  })
  await storage.declareTypes({ types: LOAD_TYPES })
  const info = await underFaults({ options, dir, say, signal, plans, stack, storage, namespace })
  await dumpTopics({ brokers: stack.direct.kafkaBrokers, namespace }, join(dir, FILES.topics))
  const redis = await dumpRedis({ url: stack.direct.redisUrl, namespace })
  writeFileSync(join(dir, FILES.redis), JSON.stringify(redis))
  writeFileSync(join(dir, FILES.run), JSON.stringify(info, null, 1))
}

interface Scene {
  readonly options: ChaosOptions
  readonly dir: string
  readonly say: Say
  readonly signal: AbortSignal
  readonly plans: Readonly<Record<Fault['lane'], LanePlan>>
  readonly stack: ProxiedStack
  readonly storage: KafkaStorage
  readonly namespace: string
}

async function underFaults(scene: Scene): Promise<RunInfo> {
  const { options, dir, say, plans, stack, storage, namespace } = scene
  const startedMono = mono()
  const redisLosses: { fromMono: number; toMono: number }[] = []
  await using fleet = await Fleet.start({
    ...PROCESSES,
    namespace,
    dir,
    brokers: stack.kafkaBrokers,
    redisUrl: stack.redisUrl,
    partitions: PARTITIONS,
    replicationFactor: options.brokers === 3 ? 3 : null,
    seed: options.seed,
    rate: options.rate,
    leaseMs: LEASE_MS,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    reapIntervalMs: REAP_INTERVAL_MS,
    graceMs: GRACE_MS,
    clockPreload: CLOCK_PRELOAD,
  })
  await using sampler = new OffsetSampler({
    namespace,
    brokers: stack.direct.kafkaBrokers,
    partitions: PARTITIONS,
    dir,
  })
  const ground = groundOf(scene, fleet)
  const untilMono = mono() + options.seconds * 1_000
  await unlessAborted(
    scene.signal,
    Promise.all([
      inject(scene, 'servers', { ground, fleet, untilMono, redisLosses }),
      inject(scene, 'processes', { ground, fleet, untilMono, redisLosses }),
      systemClock.sleep(options.seconds * 1_000),
    ]),
  )
  const { looks, failures } = sampler.report
  say(`no more faults; the load ends; offsets were sampled ${looks} times, and ${failures} times in vain`)
  await fleet.stopKind('producer')
  const healedMono = mono()
  const rest = await comeToRest({
    storage,
    redisUrl: stack.direct.redisUrl,
    namespace,
    progress: fleet.progress,
    withinMs: REST_MS,
  })
  say(rest.isAtRest ? 'all came to rest' : `not at rest: ${JSON.stringify(rest.left)} ${rest.error ?? ''}`)
  writeFileSync(join(dir, FILES.rest), JSON.stringify(rest, null, 1))
  await fleet.stopKind('worker')
  await fleet.stopKind('reaper')
  return {
    namespace,
    types: LOAD_TYPES,
    seed: options.seed,
    brokers: options.brokers,
    partitions: PARTITIONS,
    seconds: options.seconds,
    rate: options.rate,
    leaseMs: LEASE_MS,
    reapIntervalMs: REAP_INTERVAL_MS,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    faults: drawnFaults(Object.values(plans)),
    startedMono,
    healedMono,
    restedMono: rest.restedMono,
    redisLosses,
    exits: fleet.exits,
  }
}

/** Rejects with the signal's reason as soon as it aborts; what was waited for may go on. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
  return Promise.race([work, aborted])
}

function groundOf({ stack, storage, namespace, say }: Scene, fleet: Fleet): Ground {
  return {
    stack,
    fleet,
    clock: systemClock,
    leaseMs: LEASE_MS,
    topics: LOAD_TYPES.flatMap(type => laneTopics(namespace, type)),
    groups: [...LOAD_TYPES.map(type => workersGroup(namespace, type)), schedulerGroup(namespace)],
    // What an operator would do after a loss, again if it must be.
    afterRedisLoss: async () => {
      const { markers, keys, seconds } = await rebuilt(storage, say)
      say(`  rebuilt: ${markers} markers, ${keys} keys in ${seconds.toFixed(1)} s`)
    },
  }
}

async function rebuilt(storage: KafkaStorage, say: Say, triesLeft = REBUILD_TRIES): Promise<RebuildReport> {
  try {
    return await storage.rebuild({ restart: true })
  } catch (error) {
    if (triesLeft === 0) throw error
    say(`  the rebuild failed, and is tried again: ${String(error)}`)
    await systemClock.sleep(PAUSE_MS)
    return rebuilt(storage, say, triesLeft - 1)
  }
}

interface Lane {
  readonly ground: Ground
  readonly fleet: Fleet
  readonly untilMono: number
  readonly redisLosses: { fromMono: number; toMono: number }[]
}

/** A fault that cannot be undone, or not be injected at all, makes the run invalid: its line says why. */
async function injected(fault: Fault, { ground, fleet }: Lane, random: SeededRandom): Promise<FaultLine> {
  const before = { fromMono: mono(), outstanding: fleet.outstanding() }
  try {
    return await injectFault(fault, { ground, random, outstanding: () => before.outstanding })
  } catch (error) {
    const { name, losesRedis } = fault
    return { fault: name, target: String(error), ...before, toMono: mono(), proof: null, cure: null, losesRedis }
  }
}

/** Injects one lane's faults in order. Those that each drawn fault needs come in any case, the others while there is time. */
async function inject(scene: Scene, name: Fault['lane'], lane: Lane): Promise<void> {
  const random = new SeededRandom(scene.options.seed, `${name} injections`)
  const { steps } = scene.plans[name]
  const drawn = drawnFaults([scene.plans[name]])
  const proven = new Map(drawn.map(fault => [fault, 0]))
  const step = async (fault: string, pauseMs: number): Promise<void> => {
    await systemClock.sleep(pauseMs)
    if (await injectOne(scene, lane, fault, random)) proven.set(fault, (proven.get(fault) ?? 0) + 1)
  }
  for (const [at, { fault, pauseMs }] of steps.entries()) {
    if (scene.signal.aborted || (at >= drawn.length * INJECTIONS_MIN && mono() > lane.untilMono)) break
    await step(fault, pauseMs)
  }
  // On a slow machine one or the other did not really happen.
  for (let extra = 0; extra < EXTRA_ROUNDS; extra += 1) {
    for (const [fault, times] of proven) {
      if (times < INJECTIONS_MIN && !scene.signal.aborted) await step(fault, PAUSE_MS)
    }
  }
}

/** Injects a fault, writes down what came of it, and answers whether it is proven that it came and went. */
async function injectOne(scene: Scene, lane: Lane, name: string, random: SeededRandom): Promise<boolean> {
  const fault = possibleFaults(scene.options.brokers).find(each => each.name === name)
  if (fault === undefined) return false
  const line = await injected(fault, lane, random)
  if (line.losesRedis) lane.redisLosses.push({ fromMono: line.fromMono, toMono: mono() })
  appendFileSync(join(scene.dir, FILES.faults), `${JSON.stringify(line)}\n`)
  scene.say(`${line.fault} at ${line.target}: ${line.proof ?? 'NOT PROVEN'}; ${line.outstanding} outstanding`)
  return line.proof !== null && line.cure !== null
}
