// What faults stand on, and what each of them is: the servers and processes that can be hit, and one injection with its
// proofs. A fault that cannot be proven did not happen, and one whose end cannot be proven is not over.

import type { Clock } from '../../../src/core/clock.ts'
import type { FaultLine } from '../evidence.ts'
import { mono } from '../evidence.ts'
import type { SeededRandom } from '../random.ts'
import type { ProxiedStack } from './proxied-stack.ts'

/** Where a fault gets its chance from: the part of {@link SeededRandom} that is needed. */
export type Random = Pick<SeededRandom, 'next' | 'between' | 'integer' | 'pick'>

/** What a process of the fleet is for. */
export type FleetKind = 'worker' | 'reaper' | 'producer'

/** A process of the fleet. */
export interface FleetProcess {
  readonly name: string
  readonly pid: number
  /** The file that moves its wall clock, if it was started with `movableClock`; null: it was not. */
  readonly clockFile: string | null
}

/** A worker beyond those that the fleet keeps; it is not replaced when it ends. */
export interface SpareWorker extends FleetProcess {
  /** Waits until it claims. Rejects when it ends before. */
  ready(): Promise<void>
  /** Ends it in order and waits until it is gone. */
  stop(): Promise<void>
}

/** The processes that run Errand. One that dies is replaced by the fleet itself, under a new name. */
export interface Fleet {
  /** Those that run now, stopped ones among them, and work. */
  pids(kind: FleetKind): readonly FleetProcess[]
  spawnWorker(): SpareWorker
}

/** All that a fault can get at. */
export interface Ground {
  readonly stack: ProxiedStack
  readonly fleet: Fleet
  readonly clock: Clock
  readonly leaseMs: number
  /** Topics whose partitions' leaders are worth a kill, and which must have all replicas in sync again after a fault. */
  readonly topics: readonly string[]
  /** Consumer groups whose coordinator is worth a kill, and whose members are counted in a storm. */
  readonly groups: readonly string[]
  /** Called after every fault that `losesRedis`, once Redis answers again. */
  afterRedisLoss(): Promise<void>
}

/** What an injection has come to. Proofs are null where there is none: see {@link FaultLine}. */
export interface Injection {
  readonly target: string
  readonly proof: string | null
  readonly cure: string | null
}

/** One kind of fault. */
export interface Fault {
  readonly name: string
  /** Server faults come one after another, and so do those of processes; the two kinds overlap. */
  readonly lane: 'servers' | 'processes'
  /** About how long one injection takes until it is proven gone, on three brokers where it needs them. */
  readonly seconds: number
  readonly needs?: { readonly brokers?: 3; readonly platform?: NodeJS.Platform }
  /** Whether Redis may know less afterwards than it was told. */
  readonly losesRedis: boolean
  /** Hits, lasts for a bounded time, heals, and looks at both. Rejects when what was broken does not come back. */
  inject(ground: Ground, random: Random): Promise<Injection>
}

/** Injects a fault and gives its line for the fault log. `outstanding`: activities accepted and not ended, asked at once. */
export async function injectFault(
  fault: Fault,
  { ground, random, outstanding }: { ground: Ground; random: Random; outstanding: () => number },
): Promise<FaultLine> {
  const before = { fromMono: mono(), outstanding: outstanding() }
  const injection = await fault.inject(ground, random)
  const line = { fault: fault.name, ...injection, ...before, toMono: mono(), losesRedis: fault.losesRedis }
  if (fault.losesRedis) await ground.afterRedisLoss()
  return line
}

/** Nothing was there to hit. */
export function missed(target: string): Injection {
  return { target, proof: null, cure: null }
}
