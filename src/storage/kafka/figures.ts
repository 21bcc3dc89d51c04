// How each lane stands, for gauges: offsets and what is committed say how much waits, Redis how much runs, and the log itself
// since when. It needs no worker: that nobody works is what it has to show.

import { FIGURES_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import { workersGroup } from '../../core/topics.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import { partitionKey } from '../../consumer/topic-partition.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { countField } from '../redis/attempts.ts'
import type { Counts } from '../redis/markers.ts'
import { readCounts, readStates } from '../redis/markers.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { LaneFigures } from '../storage.ts'
import type { Attempts } from './attempts.ts'
import { FrontierWatch } from './frontier-watch.ts'
import { inParallel } from './in-parallel.ts'
import type { Depth } from './lane-depths.ts'
import { laneDepths, ofPriority, unfinishedIn, waitingIn } from './lane-depths.ts'
import type { Lanes } from './lanes.ts'
import type { Head } from './oldest-waiting.ts'
import { OldestWaiting } from './oldest-waiting.ts'
import { isWaitingState } from './summaries.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** What {@link Figures} looks at. */
export interface FiguresParts {
  readonly namespace: string
  readonly store: SideStore
  readonly attempts: Attempts
  readonly lanes: Lanes
  readonly catalog: TopicCatalog
  readonly admin: TopicAdmin
  readonly reader: LogReader
  readonly logger: Logger
}

/** A lane with what is known of it so far. */
interface Lane {
  readonly type: string
  readonly priority: Priority
  readonly depths: readonly Depth[]
  readonly pending: number
}

/** Looks at lanes, and remembers between two looks what has to be remembered. */
export class Figures {
  readonly #parts: FiguresParts
  readonly #oldest: OldestWaiting
  readonly #frontiers: FrontierWatch
  /** One look at a time: those who ask meanwhile get the same one. */
  #looking: Promise<readonly LaneFigures[]> | undefined

  constructor(parts: FiguresParts) {
    this.#parts = parts
    this.#frontiers = new FrontierWatch(parts.store.clock)
    this.#oldest = new OldestWaiting({
      read: request => parts.reader.read(request),
      standings: heads => this.#standings(heads),
    })
  }

  /** How each lane stands. */
  look(): Promise<readonly LaneFigures[]> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<readonly LaneFigures[]> {
    const { store, attempts, catalog, namespace } = this.#parts
    await attempts.lookAtHeld()
    const types = await catalog.allTypes()
    const [counts, depthsOf, consumersOf] = await Promise.all([
      readCounts(store),
      this.#depthsOf(types),
      this.#consumersOf(types),
    ])
    const lanes = types.flatMap(type =>
      PRIORITIES.map((priority): Lane => {
        const depths = ofPriority(namespace, depthsOf.get(type) ?? [], priority)
        return { type, priority, depths, pending: waitingIn(depths, counts, { type, priority }) }
      }),
    )
    const stood = this.#frontiers.look(lanes.flatMap(({ depths }) => depths))
    // Where everything that is unfinished runs, there is nothing to look for.
    const waiting = lanes.filter(({ pending }) => pending > 0).flatMap(({ depths }) => depths)
    const since = await this.#oldest.look(waiting.filter(depth => unfinishedIn(depth) > 0))
    return lanes.map(lane => figuresOf(lane, { counts, stood, since, consumers: consumersOf?.get(lane.type) ?? null }))
  }

  async #depthsOf(types: readonly string[]): Promise<ReadonlyMap<string, readonly Depth[]>> {
    const depthsOf = new Map<string, readonly Depth[]>()
    await inParallel(types, FIGURES_LIMITS.typesAtOnceMax, new AbortController().signal, async type => {
      depthsOf.set(type, await laneDepths(this.#parts, type))
    })
    return depthsOf
  }

  /** Undefined when the group coordinator does not tell: the other figures are worth having without it. */
  async #consumersOf(types: readonly string[]): Promise<ReadonlyMap<string, number> | undefined> {
    const { admin, namespace, logger } = this.#parts
    try {
      const members = await admin.groupSizes(types.map(type => workersGroup(namespace, type)))
      return new Map(
        types.flatMap(type => {
          const size = members.get(workersGroup(namespace, type))
          return size === undefined ? [] : [[type, size]]
        }),
      )
    } catch (error) {
      logger.debug('the members of groups are not known', { error: String(error) })
      return undefined
    }
  }

  async #standings(heads: readonly Head[]): Promise<readonly boolean[]> {
    const states = await readStates(
      this.#parts.store,
      heads.map(({ id }) => id),
    )
    return heads.map(({ attempt }, at) => isWaitingState(states[at] ?? null, attempt))
  }
}

function figuresOf(
  { type, priority, depths, pending }: Lane,
  known: {
    readonly counts: Counts
    readonly stood: ReadonlyMap<string, number>
    readonly since: ReadonlyMap<string, number>
    readonly consumers: number | null
  },
): LaneFigures {
  const field = countField({ type, priority })
  const keys = depths.map(partitionKey)
  const since = keys.flatMap(key => known.since.get(key) ?? [])
  return {
    type,
    priority,
    pending,
    oldestPendingAtMs: since.length === 0 ? null : Math.min(...since),
    running: known.counts.running.get(field) ?? 0,
    scheduled: known.counts.scheduled.get(field) ?? 0,
    deadLetters: known.counts.ended.get(`${field}|dead_letter`) ?? 0,
    finishedAhead: depths.reduce((sum, { finishedAhead }) => sum + finishedAhead, 0),
    frontierStuckMs: Math.max(0, ...keys.map(key => known.stood.get(key) ?? 0)),
    consumers: known.consumers,
  }
}
