// How much of each lane is not finished: end offset − frontier − finished beyond the frontier, per partition. For the
// partitions assigned here the ledger knows; for the others what their owners committed, at most a second old.

import type { Priority } from '../../core/priority.ts'
import { laneTopics, parseLaneTopic, workersGroup } from '../../core/topics.ts'
import { decodeFinishedAhead } from '../../consumer/commit-metadata.ts'
import type { OffsetRun } from '../../consumer/offset-ledger.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { countField } from '../redis/attempts.ts'
import type { Counts } from '../redis/markers.ts'
import { homeField } from '../redis/schedule.ts'
import type { Stretch } from './backward-pager.ts'
import type { Lanes } from './lanes.ts'

/** The unfinished part of a lane's partition. */
export interface Depth extends Stretch {
  /** Records in it that are finished already. */
  readonly finishedAhead: number
  /** Those of them that are committed, lowest first. */
  readonly finishedRuns: readonly OffsetRun[]
}

/** The unfinished parts of a type's lanes. */
export async function laneDepths(
  parts: { readonly namespace: string; readonly admin: TopicAdmin; readonly lanes: Lanes },
  type: string,
): Promise<Depth[]> {
  const topics = laneTopics(parts.namespace, type)
  const [ends, committed] = await Promise.all([
    parts.admin.offsetsMany(topics),
    parts.admin.committed(workersGroup(parts.namespace, type), topics),
  ])
  const own = new Map(
    (parts.lanes.consumer(type)?.assigned() ?? []).map(each => [`${each.topic}/${each.partition}`, each]),
  )
  return topics.flatMap(topic =>
    (ends.get(topic) ?? []).map(({ partition, low, high }): Depth => {
      const place = own.get(`${topic}/${partition}`)
      const other = committed.find(each => each.topic === topic && each.partition === partition)
      const frontier = place?.frontier ?? other?.offset ?? -1
      const finishedRuns = decodeFinishedAhead(other?.offset ?? -1, other?.metadata)
      const finishedAhead = place?.finishedAhead ?? countOf(finishedRuns)
      return { topic, partition, low: Math.min(high, Math.max(low, frontier)), high, finishedAhead, finishedRuns }
    }),
  )
}

function countOf(runs: readonly OffsetRun[]): number {
  return runs.reduce((sum, run) => sum + run.to - run.from, 0)
}

/** The lane of one priority among those of a type. */
export function ofPriority(namespace: string, depths: readonly Depth[], priority: Priority): Depth[] {
  return depths.filter(({ topic }) => parseLaneTopic(namespace, topic)?.priority === priority)
}

/** Records of a partition that are not finished. */
export function unfinishedIn({ low, high, finishedAhead }: Depth): number {
  return Math.max(0, high - low - finishedAhead)
}

/** How much of a lane is ready and not running. */
export function waitingIn(
  depths: readonly Depth[],
  counts: Counts,
  lane: { readonly type: string; readonly priority: Priority },
): number {
  const field = countField(lane)
  const unfinished = depths.reduce((sum, depth) => sum + depth.high - depth.low - depth.finishedAhead, 0)
  // What has a home runs, or waits to be made ready, without a lane record.
  const homes = counts.scheduled.get(homeField(lane)) ?? 0
  const waiting = unfinished + homes - (counts.running.get(field) ?? 0) - (counts.unseen.get(field) ?? 0)
  return Math.max(0, waiting)
}
