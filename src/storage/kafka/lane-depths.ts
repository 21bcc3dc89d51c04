// How much of each lane is not finished: end offset − frontier − finished beyond the frontier, per partition. For the
// partitions assigned here the ledger knows; for the others what their owners committed, at most a second old.

import { laneTopics, workersGroup } from '../../core/topics.ts'
import { decodeFinishedAhead } from '../../consumer/commit-metadata.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import type { Stretch } from './backward-pager.ts'
import type { Lanes } from './lanes.ts'

/** The unfinished part of a lane's partition. */
export interface Depth extends Stretch {
  /** Records in it that are finished already. */
  readonly finishedAhead: number
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
      const finishedAhead = place?.finishedAhead ?? countFinished(other?.metadata ?? null, frontier)
      return { topic, partition, low: Math.min(high, Math.max(low, frontier)), high, finishedAhead }
    }),
  )
}

function countFinished(metadata: string | null, frontier: number): number {
  if (metadata === null || frontier < 0) return 0
  return decodeFinishedAhead(frontier, metadata).reduce((sum, run) => sum + run.to - run.from, 0)
}
