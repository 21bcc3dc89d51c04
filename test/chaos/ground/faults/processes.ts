// Faults of the processes that run Errand: killed, ended in order, stopped for longer than leases last, put into another hour,
// and a group that never comes to rest.

import { waitUntil } from '../../../../scripts/stack/wait.ts'
import type { Fault, FleetKind, FleetProcess, Ground, Injection, Random, SpareWorker } from '../ground.ts'
import { missed } from '../ground.ts'
import { membersOf } from '../kafka-view.ts'
import { describeState, isGone, isStopped, sendTo } from '../processes.ts'
import { moveClock } from '../wall-clock.ts'

/** A new process has to compile, connect and join; while its servers are broken too, that is a while. */
const REPLACED_MS_MAX = 120_000
/** Longer than any grace that a fleet gives its processes. */
const ENDED_MS_MAX = 60_000
const HOUR_MS = 3_600_000
const STORM_MS = 10_000
/** Where workers take so long to start that too few have come and gone by then. */
const STORM_MS_MAX = 40_000
const STORM_STEP_MS = 500
/** More at once would starve the machine instead of the group. */
const SPARES_MAX = 3

/** See the head of the file. */
export const PROCESS_FAULTS: readonly Fault[] = [
  kill('worker'),
  kill('reaper'),
  kill('producer'),
  stop('worker'),
  stop('reaper'),
  jump('worker'),
  jump('reaper'),
  {
    ...{ name: 'worker.term', lane: 'processes', seconds: 8, losesRedis: false },
    inject: termAll,
  },
  {
    ...{ name: 'rebalance.storm', lane: 'processes', seconds: 15, losesRedis: false },
    inject: storm,
  },
]

function kill(kind: FleetKind): Fault {
  return {
    ...{ name: `${kind}.kill`, lane: 'processes', seconds: 3, losesRedis: false },
    inject: (ground, random) =>
      withVictim(ground, random, kind, async victim => {
        const before = ground.fleet.pids(kind).length
        await sendTo(victim.pid, 'SIGKILL')
        const proof = isGone(victim.pid) ? describeState(victim.pid) : null
        return { proof, cure: await replaced(ground, kind, [victim], before) }
      }),
  }
}

/** Stopped for two to three leases: its own are over, and others have them, when it goes on. */
function stop(kind: FleetKind): Fault {
  return {
    ...{ name: `${kind}.stop`, lane: 'processes', seconds: 6, losesRedis: false },
    inject: (ground, random) =>
      withVictim(ground, random, kind, async victim => {
        const stopMs = ground.leaseMs * random.between(2, 3)
        await sendTo(victim.pid, 'SIGSTOP')
        let proof: string | null = null
        try {
          await ground.clock.sleep(stopMs)
          if (isStopped(victim.pid)) proof = `${describeState(victim.pid)} for ${Math.round(stopMs)} ms`
        } finally {
          await sendTo(victim.pid, 'SIGCONT')
        }
        return { proof, cure: `${describeState(victim.pid)} again` }
      }),
  }
}

/** An hour ahead or back, for some seconds, as the process itself reads it. */
function jump(kind: FleetKind): Fault {
  return {
    ...{ name: `${kind}.clock`, lane: 'processes', seconds: 5, losesRedis: false },
    inject: (ground, random) =>
      withVictim(ground, random, kind, async ({ pid, clockFile: file }) => {
        if (file === null) return { proof: null, cure: null }
        const wantedMs = random.next() < 0.5 ? HOUR_MS : -HOUR_MS
        const jumpedMs = await moveClock(file, pid, wantedMs)
        try {
          await ground.clock.sleep(random.between(2_000, 5_000))
        } finally {
          if (!isGone(pid)) await moveClock(file, pid, 0)
        }
        const proof = `the wall clock of pid ${pid} was ${Math.round(jumpedMs / 1_000)} s off, as read there`
        return {
          proof,
          cure: isGone(pid) ? describeState(pid) : `the wall clock of pid ${pid} is right again, as read there`,
        }
      }),
  }
}

/** All workers, one after another, each asked to end and awaited, as in a rolling update. */
async function termAll(ground: Ground): Promise<Injection> {
  const workers = ground.fleet.pids('worker')
  if (workers.length === 0) return missed('workers')
  for (const worker of workers) {
    await sendTo(worker.pid, 'SIGTERM', ENDED_MS_MAX)
    await replaced(ground, 'worker', [worker], workers.length)
  }
  return {
    target: workers.map(({ name }) => name).join(', '),
    proof: workers.every(({ pid }) => isGone(pid)) ? workers.map(({ pid }) => describeState(pid)).join(', ') : null,
    cure: await replaced(ground, 'worker', workers, workers.length),
  }
}

/** A worker more, a worker less, every half second. */
async function storm(ground: Ground, random: Random): Promise<Injection> {
  const { clock, groups, stack } = ground
  const spares = new Spares(ground)
  const memberships = new Set<string>()
  const beganMs = clock.monotonicMs()
  const isOver = (): boolean => {
    const lastedMs = clock.monotonicMs() - beganMs
    return lastedMs > STORM_MS_MAX || (lastedMs > STORM_MS && spares.joined > 1 && memberships.size > groups.length)
  }
  try {
    while (!isOver()) {
      await spares.step(random)
      for (const group of groups) {
        const members = await membersOf(stack, group)
        if (members !== undefined) memberships.add(`${group}: ${members.join(' ')}`)
      }
      await clock.sleep(STORM_STEP_MS)
    }
  } finally {
    await spares.stop()
  }
  // One membership for each group would be a calm.
  const changes = memberships.size - groups.length
  const isProven = spares.joined > 1 && (groups.length === 0 || changes > 0)
  const counts = `${spares.all.length} workers came, ${spares.joined} of them worked, all left`
  return {
    target: groups.join(', ') || 'workers',
    proof: isProven ? `${counts}; ${Math.max(0, changes)} changes of members seen` : null,
    cure: spares.all.every(({ pid }) => isGone(pid)) ? 'all that came are gone' : null,
  }
}

/** The workers of a storm: those that came, and those that are still there, the oldest first. */
class Spares {
  readonly all: SpareWorker[] = []
  /** How many got so far as to work. */
  joined = 0
  readonly #ground: Ground
  readonly #here = new Map<SpareWorker, { isReady: boolean }>()

  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** One comes, or the oldest leaves: only one that works, because a group does not notice others. */
  async step(random: Random): Promise<void> {
    const [oldest] = this.#here
    const canLeave = oldest?.[1].isReady === true
    const canCome = this.#here.size < SPARES_MAX
    if (canCome && (!canLeave || random.next() < 0.5)) this.#come()
    else if (canLeave && oldest !== undefined) {
      this.#here.delete(oldest[0])
      await oldest[0].stop()
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#here.keys()].map(spare => spare.stop()))
  }

  #come(): void {
    const spare = this.#ground.fleet.spawnWorker()
    const life = { isReady: false }
    this.all.push(spare)
    this.#here.set(spare, life)
    spare.ready().then(
      () => {
        life.isReady = true
        this.joined += 1
      },
      () => this.#here.delete(spare), // it ended before: the fleet knows why
    )
  }
}

async function withVictim(
  ground: Ground,
  random: Random,
  kind: FleetKind,
  hit: (victim: FleetProcess) => Promise<Omit<Injection, 'target'>>,
): Promise<Injection> {
  const alive = ground.fleet.pids(kind).filter(({ pid }) => !isGone(pid))
  if (alive.length === 0) return missed(kind)
  const victim = random.pick(alive)
  return { target: victim.name, ...(await hit(victim)) }
}

/** Waits until the fleet has as many processes of a kind as before, none of them one of those that went. */
async function replaced(
  { fleet }: Ground,
  kind: FleetKind,
  gone: readonly FleetProcess[],
  count: number,
): Promise<string> {
  const alive = (): readonly FleetProcess[] =>
    fleet.pids(kind).filter(({ pid }) => !isGone(pid) && gone.every(each => each.pid !== pid))
  const isWhole = (): boolean => alive().length >= count
  await waitUntil(isWhole, { what: `the fleet to have ${count} of ${kind} again`, deadlineMs: REPLACED_MS_MAX })
  return `${kind} processes are ${alive()
    .map(({ name, pid }) => `${name} (pid ${pid})`)
    .join(', ')}`
}
