// Topics as a look at the deployment saw them: partitions with copies, how far their group has come, and the settings that count.

import type { DeploymentFacts, FrontierFact, TopicFact } from '../core/deployment-facts.ts'

interface PartitionRow {
  readonly partition: number
  readonly leader: number | null
  readonly replicas: number
  readonly inSync: number
  readonly low: number | null
  readonly high: number | null
  /** The lowest offset that is not finished; null where no group reads the topic. */
  readonly frontier: number | null
  /** Unfinished records. */
  readonly lag: number | null
  readonly finishedAhead: number | null
  readonly standsStill: boolean
}

interface TopicRow {
  readonly topic: string
  readonly role: string
  readonly type: string | null
  readonly isThere: boolean
  /** As they are, of those that Errand's guarantees rest on. */
  readonly settings: Readonly<Record<string, string>>
  /** As they should be. */
  readonly wanted: Readonly<Record<string, string>>
  readonly partitions: readonly PartitionRow[]
}

interface GroupRow {
  readonly groupId: string
  readonly type: string | null
  readonly state: string
  readonly members: number
  readonly isStuck: boolean
}

/** Topics and groups. */
export interface TopicsView {
  readonly topics: readonly TopicRow[]
  readonly groups: readonly GroupRow[]
}

/** What the facts say of topics and groups. */
export function topicsView({ kafka }: DeploymentFacts): TopicsView {
  const frontiers = Map.groupBy(kafka.frontiers ?? [], ({ topic }) => topic)
  return {
    topics: (kafka.topics ?? []).map(fact => topicRow(fact, frontiers.get(fact.topic) ?? [])),
    groups: (kafka.groups ?? []).map(({ groupId, type = null, state, members, isStuck }) => ({
      ...{ groupId, type, state, members, isStuck },
    })),
  }
}

function topicRow(fact: TopicFact, frontiers: readonly FrontierFact[]): TopicRow {
  const { topic, role, type = null, isThere, wanted, settings = {}, partitions = [] } = fact
  const shown = Object.keys(wanted).flatMap(name =>
    settings[name] === undefined ? [] : [[name, settings[name]] as const],
  )
  return {
    ...{ topic, role, type, isThere, wanted },
    settings: Object.fromEntries(shown),
    partitions: partitions.map(({ partition, leader = null, replicas, inSync }) => ({
      ...{ partition, leader, replicas, inSync },
      ...frontierOf(frontiers.find(frontier => frontier.partition === partition)),
    })),
  }
}

type FrontierPart = Omit<PartitionRow, 'partition' | 'leader' | 'replicas' | 'inSync'>

function frontierOf(fact: FrontierFact | undefined): FrontierPart {
  if (fact === undefined) {
    return { low: null, high: null, frontier: null, lag: null, finishedAhead: null, standsStill: false }
  }
  const { low, high, committed, finishedAhead, standsStill } = fact
  // Never committed, or reset: it begins where the log does.
  const frontier = committed < 0 ? low : committed
  return { low, high, frontier, lag: Math.max(0, high - frontier - finishedAhead), finishedAhead, standsStill }
}
