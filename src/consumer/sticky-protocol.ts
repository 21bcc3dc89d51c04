// The sticky assigner as kafkajs takes it. What a member has now travels as user data in its join; the leader decodes it,
// together with each member's own subscription, which kafkajs's assigner ignores.

import { AssignerProtocol, PartitionAssigners } from 'kafkajs'
import type { Assigner, Cluster, GroupMember, GroupMemberAssignment, PartitionAssigner } from 'kafkajs'
import { CONSUMER_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { AssignerMember } from './sticky-assigner.ts'
import { assignSticky } from './sticky-assigner.ts'

const NAME = 'ErrandSticky'
const VERSION = 1

/**
 * The assigners of a group consumer: sticky, and round robin for groups whose members do not all know it.
 *
 * `onCluster` is given the consumer's view of the cluster, which kafkajs shows to assigners only.
 */
export function partitionAssigners(
  owned: () => Readonly<Record<string, readonly number[]>>,
  logger: Logger,
  onCluster: (cluster: Cluster) => void = () => undefined,
): PartitionAssigner[] {
  const sticky: PartitionAssigner = ({ cluster }) => {
    onCluster(cluster)
    return stickyAssigner(cluster, owned, logger)
  }
  return [sticky, PartitionAssigners.roundRobin]
}

/** True for the assigner that only Errand's groups have. */
export function isErrandSticky({ name }: { readonly name: string }): boolean {
  return name === NAME
}

function stickyAssigner(
  cluster: Cluster,
  owned: () => Readonly<Record<string, readonly number[]>>,
  logger: Logger,
): Assigner {
  return {
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: encodeOwned(owned()) }),
    }),
    async assign({ members, topics }) {
      const decoded = members.map(decodeMember)
      const wanted = [...new Set([...topics, ...decoded.flatMap(member => member.topics)])]
      await loadMissing(cluster, topics, wanted, logger)
      const partitions = Object.fromEntries(wanted.map(topic => [topic, partitionsOf(cluster, topic)]))
      return encodeAssignment(assignSticky(decoded, partitions))
    },
  }
}

/** The leader knows only its own topics; another member's must be looked up, and may be gone. */
async function loadMissing(cluster: Cluster, own: string[], wanted: string[], logger: Logger): Promise<void> {
  for (const topic of wanted) {
    if (own.includes(topic)) continue
    try {
      await cluster.addTargetTopic(topic)
    } catch (error) {
      logger.warn('a member wants a topic that cannot be looked up; nobody gets its partitions', { topic, error })
    }
  }
}

function partitionsOf(cluster: Cluster, topic: string): number[] {
  return cluster.findTopicPartitionMetadata(topic).map(partition => partition.partitionId)
}

function encodeAssignment(assignment: Map<string, Map<string, number[]>>): GroupMemberAssignment[] {
  return [...assignment].map(([memberId, topics]) => ({
    memberId,
    memberAssignment: AssignerProtocol.MemberAssignment.encode({
      version: VERSION,
      assignment: Object.fromEntries(topics),
      userData: Buffer.alloc(0),
    }),
  }))
}

function decodeMember({ memberId, memberMetadata }: GroupMember): AssignerMember {
  const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata)
  return { memberId, topics: metadata?.topics ?? [], owned: decodeOwned(metadata?.userData) }
}

/** What a member has now, as user data. */
export function encodeOwned(owned: Readonly<Record<string, readonly number[]>>): Buffer {
  return Buffer.from(JSON.stringify(owned))
}

/** Reads user data. What is no such text means "nothing": then the member only keeps less. */
export function decodeOwned(userData: Uint8Array | null | undefined): Record<string, number[]> {
  if (userData === null || userData === undefined) return {}
  if (userData.length === 0 || userData.length > CONSUMER_LIMITS.ownedBytesMax) return {}
  const owned: Record<string, number[]> = Object.create(null)
  try {
    const value: unknown = JSON.parse(Buffer.from(userData).toString('utf8'))
    if (typeof value !== 'object' || value === null) return {}
    for (const [topic, list] of Object.entries(value)) {
      if (Array.isArray(list)) owned[topic] = list.filter(Number.isInteger)
    }
  } catch {
    return {} // another client's user data: not a fault of anybody
  }
  return owned
}
