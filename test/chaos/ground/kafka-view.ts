// The cluster as a fault sees it: who leads what, who is in sync, who coordinates a group. Asked on a new connection every
// time, past the proxies; an answer that cannot be had is no answer, and is asked for again by whoever needs it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Admin } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { brokerDir } from '../../../scripts/stack/kafka-config.ts'
import { brokersSeenBy } from '../../../scripts/stack/probe.ts'
import { waitUntil } from '../../../scripts/stack/wait.ts'
import type { Ground } from './ground.ts'
import type { ProxiedStack } from './proxied-stack.ts'

const ANSWER_MS_MAX = 3_000
/** A start with log recovery on a loaded machine, and the catching up after it. */
const RETURN_MS_MAX = 90_000
const OFFSETS_TOPIC = '__consumer_offsets'

/** The cluster that is asked: of a {@link ProxiedStack}, or any with addresses of its brokers themselves. */
export type Cluster = Pick<ProxiedStack, 'brokers' | 'dataDir'> & {
  readonly direct: Pick<ProxiedStack['direct'], 'kafkaBrokers'>
}

/** One partition: its leader, and those that have all that was acknowledged. */
export interface PartitionView {
  readonly topic: string
  readonly partition: number
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

/** The partitions of these topics as the live brokers see them; undefined when none answers, or one has no leader. */
export async function partitionsOf(
  cluster: Cluster,
  topics: readonly string[],
): Promise<readonly PartitionView[] | undefined> {
  const found = await ask(cluster, admin => admin.fetchTopicMetadata({ topics: [...topics] }))
  return found?.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionId, leader, replicas, isr }) => ({
      ...{ topic: name, partition: partitionId, leader, replicas, isr },
    })),
  )
}

/** The active controller, as the brokers have written it down; undefined during an election. */
export function controllerOf({ brokers, dataDir }: Cluster): number | undefined {
  // Kafka's metadata answer names any live broker as the controller, since brokers pass requests on.
  const votes = brokers.map(({ id }) => {
    const file = join(brokerDir(dataDir, id), 'data', '__cluster_metadata-0', 'quorum-state')
    return JSON.parse(readFileSync(file, 'utf8')) as { leaderId: number; leaderEpoch: number }
  })
  const last = votes.sort((one, other) => other.leaderEpoch - one.leaderEpoch)
  return last.find(({ leaderId, leaderEpoch }) => leaderId >= 0 && leaderEpoch === last[0]?.leaderEpoch)?.leaderId
}

/** The broker that coordinates a group: the leader of the partition that the group's name falls into. */
export async function coordinatorOf(cluster: Cluster, group: string): Promise<number | undefined> {
  const partitions = await partitionsOf(cluster, [OFFSETS_TOPIC])
  if (partitions === undefined || partitions.length === 0) return undefined
  const wanted = (javaHash(group) & 0x7fffffff) % partitions.length
  return partitions.find(({ partition }) => partition === wanted)?.leader
}

/** The member ids of a group, sorted; undefined when the coordinator does not answer. */
export async function membersOf(cluster: Cluster, group: string): Promise<readonly string[] | undefined> {
  const found = await ask(cluster, admin => admin.describeGroups([group]))
  return found?.groups[0]?.members.map(({ memberId }) => memberId).sort()
}

/**
 * Waits until clients find every broker by way of its proxy, and all replicas of the ground's topics are in sync: a broker
 * that is a member and still behind would make the next fault another one. Says so.
 */
export async function kafkaCure({ stack, topics }: Pick<Ground, 'stack' | 'topics'>): Promise<string> {
  let last = 'nothing was asked'
  const isWhole = async (): Promise<boolean> => {
    for (const address of stack.kafkaBrokers) {
      const seen = await brokersSeenBy([address])
      last = `${address} sees the brokers ${seen.join(', ') || 'none'}`
      if (seen.length < stack.brokers.length) return false
    }
    if (topics.length === 0) return true
    const partitions = await partitionsOf(stack, topics)
    const behind = partitions?.find(({ replicas, isr }) => isr.length < replicas.length)
    last = partitions === undefined ? 'a partition has no leader' : `behind: ${JSON.stringify(behind)}`
    return partitions !== undefined && behind === undefined
  }
  const what = 'every broker to be whole again'
  await waitUntil(isWhole, { what, deadlineMs: RETURN_MS_MAX, intervalMs: 100, explain: () => last })
  const ids = stack.brokers.map(({ id }) => id).join(', ')
  return `metadata by way of each proxy shows ${ids}${topics.length === 0 ? '' : '; all replicas in sync'}`
}

async function ask<T>({ direct }: Cluster, question: (admin: Admin) => Promise<T>): Promise<T | undefined> {
  const kafka = new Kafka({
    brokers: [...direct.kafkaBrokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: ANSWER_MS_MAX,
    requestTimeout: ANSWER_MS_MAX,
    // A coordinator whose address is not known yet is only found on the second try.
    retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 500 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await question(admin)
  } catch {
    return undefined // a broker that is away is what faults are about
  } finally {
    await admin.disconnect().catch(() => undefined) // never connected
  }
}

/** `String.hashCode` of Java. */
function javaHash(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}
