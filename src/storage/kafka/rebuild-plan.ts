// What a rebuild reads, phase by phase: which stretch of which partition.

import { decodeFinishedAhead } from '../../consumer/commit-metadata.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { OffsetRun } from '../../consumer/offset-ledger.ts'
import type { Clock } from '../../core/clock.ts'
import { laneTopics, parseLaneTopic, workersGroup } from '../../core/topics.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { longestLifeMs } from '../redis/restore.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { LogStretch } from './log-pages.ts'
import type { RebuildPhase } from './rebuild-progress.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** Times of records are their writers', so what is looked for by time is looked for so much earlier. */
const SKEW_MS = 120_000
/** What was seen is published once more before its offset is finished, and the commit takes its time. */
const COMMIT_MS = 1_000

/** What to read of a partition. */
export interface PlannedStretch extends LogStretch {
  /** For lanes: what is finished beyond the frontier. */
  readonly finishedAhead: readonly OffsetRun[]
}

/** Finds out what there is to read. */
export class RebuildPlan {
  readonly #parts: PlanParts

  constructor(parts: PlanParts) {
    this.#parts = parts
  }

  async stretches(phase: RebuildPhase): Promise<PlannedStretch[]> {
    switch (phase) {
      case 'outcomes':
      case 'new outcomes':
        return (await this.#outcomes()).map(({ start, ...stretch }) => ({ ...stretch, from: start }))
      case 'older outcomes':
        return (await this.#outcomes()).map(({ start, ...stretch }) => ({ ...stretch, to: start }))
      case 'schedule':
        return this.#whole(this.#parts.catalog.shared().delay)
      case 'lanes':
        return this.#lanes()
    }
  }

  /** `start`: older outcomes tell of no more markers, but of what was redriven, and who was cancelled and may still wait. */
  async #outcomes(): Promise<(PlannedStretch & { readonly start: number })[]> {
    const { store, admin, catalog } = this.#parts
    const { outcomes } = catalog.shared()
    const sinceMs = (await store.nowMs()) - longestLifeMs(store) - SKEW_MS
    const whole = await this.#whole(outcomes)
    const starts = await admin.offsetsAtTime(outcomes, Math.max(0, sinceMs))
    return whole.map(stretch => {
      const start = starts.find(({ partition }) => partition === stretch.partition)?.offset ?? stretch.from
      return { ...stretch, start: Math.min(stretch.to, Math.max(stretch.from, start)) }
    })
  }

  async #whole(topic: string): Promise<PlannedStretch[]> {
    const bounds = await this.#parts.reader.bounds(topic)
    return bounds.map(({ partition, low, high }) => ({ topic, partition, from: low, to: high, finishedAhead: [] }))
  }

  /**
   * What is not finished of a lane by a commit that tells of all that had been seen when the lanes were planned; null when the
   * lane is gone. Waits until there was time for that commit.
   */
  async laneAgain({ topic, partition }: PlannedStretch, signal: AbortSignal): Promise<PlannedStretch | null> {
    const { namespace, clock, commitIntervalMs } = this.#parts
    const leftMs = this.#lanesPlannedMs + commitIntervalMs + COMMIT_MS - clock.monotonicMs()
    if (leftMs > 0) await clock.sleep(leftMs, { signal })
    const type = parseLaneTopic(namespace, topic)?.type
    const stretches = type === undefined ? [] : await this.#lanesOf(type, [topic])
    return stretches.find(each => each.partition === partition) ?? null
  }
  #lanesPlannedMs = Number.NEGATIVE_INFINITY

  /** What is not finished of every lane there is, also of types that nobody here has declared. */
  async #lanes(): Promise<PlannedStretch[]> {
    const { namespace, catalog, clock } = this.#parts
    this.#lanesPlannedMs = clock.monotonicMs()
    const stretches: PlannedStretch[] = []
    for (const type of await catalog.allTypes()) {
      stretches.push(...(await this.#lanesOf(type, laneTopics(namespace, type))))
    }
    return stretches
  }

  async #lanesOf(type: string, topics: readonly string[]): Promise<PlannedStretch[]> {
    const { namespace, admin } = this.#parts
    const stretches: PlannedStretch[] = []
    // The frontiers first: what is finished in between is only looked at once too often.
    const committed = await admin.committed(workersGroup(namespace, type), topics)
    for (const [topic, bounds] of await admin.offsetsMany(topics)) {
      for (const { partition, low, high } of bounds) {
        const place = committed.find(each => each.topic === topic && each.partition === partition)
        const frontier = place?.offset ?? -1
        // Beyond the end: the lane was made anew, and the offset is that of another log.
        const isOfThisLog = frontier >= 0 && frontier <= high
        stretches.push({
          topic,
          partition,
          from: isOfThisLog ? Math.max(low, frontier) : low,
          to: high,
          finishedAhead: isOfThisLog ? decodeFinishedAhead(frontier, place?.metadata) : [],
        })
      }
    }
    return stretches
  }
}

interface PlanParts {
  readonly namespace: string
  readonly store: SideStore
  readonly catalog: TopicCatalog
  readonly admin: TopicAdmin
  readonly reader: LogReader
  readonly clock: Clock
  /** Unit: ms. How often the workers commit. */
  readonly commitIntervalMs: number
}
