// What a broker's protocol can do, beside what the Kafka client can: kafkajs takes the highest version that it knows and does
// not look at the broker's lowest, so a broker that is too new refuses it in the middle of something.

import { createRequire } from 'node:module'
import type { ProtocolFact, VersionRange } from '../core/deployment-facts.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { openRawCluster } from './raw-cluster.ts'

/** What the broker has, by the key of the request. */
export type BrokerVersions = Readonly<Record<string, { readonly minVersion: number; readonly maxVersion: number }>>

/** Requests that Errand cannot do without: kafkajs's name, the protocol's key, the first version that will do. */
const NEEDED: readonly (readonly [name: string, key: number, first: number])[] = [
  ['Produce', 0, 3], // record batches with headers
  ['Fetch', 1, 4],
  ['ListOffsets', 2, 1],
  ['Metadata', 3, 0],
  ['OffsetCommit', 8, 0],
  ['OffsetFetch', 9, 1],
  ['GroupCoordinator', 10, 0],
  ['JoinGroup', 11, 0],
  ['Heartbeat', 12, 0],
  ['LeaveGroup', 13, 0],
  ['SyncGroup', 14, 0],
  ['DescribeGroups', 15, 0],
  ['CreateTopics', 19, 0],
  ['DeleteRecords', 21, 0],
  ['DescribeConfigs', 32, 0],
  ['AlterConfigs', 33, 0],
  ['CreatePartitions', 37, 0],
]

const FETCH = 1
/** By what a release is known, newest first: what its Fetch can do, or the key of a request that came with it. */
const RELEASES: readonly (readonly [release: string, is: (versions: BrokerVersions) => boolean])[] = [
  ['4.1', versions => highest(versions, FETCH) >= 18],
  ['4.0', versions => highest(versions, FETCH) >= 17 && (versions[FETCH]?.minVersion ?? 0) >= 4],
  ['3.9', versions => highest(versions, FETCH) >= 17],
  ['3.7', versions => highest(versions, FETCH) >= 16],
  ['3.5', versions => highest(versions, FETCH) >= 15],
  ['3.1', versions => highest(versions, FETCH) >= 13],
  ['2.7', versions => highest(versions, FETCH) >= 12],
  ['2.4', versions => 47 in versions],
  ['2.3', versions => 44 in versions],
  ['1.1', versions => 42 in versions],
  ['0.11', versions => highest(versions, FETCH) >= 4],
]

/** Asks a broker for its protocol. Rejects with `unavailable` when none answers. */
export async function readBrokerProtocol(
  settings: KafkaSettings,
): Promise<{ readonly protocol: ProtocolFact[]; readonly release: string | undefined }> {
  // Connecting is what makes kafkajs ask; it keeps the answer in its pool of brokers.
  const raw = await openRawCluster(settings, 'errand-doctor')
  try {
    const { brokerPool } = raw.cluster as unknown as { brokerPool: { versions: BrokerVersions | null } }
    const versions = brokerPool.versions ?? {}
    return { protocol: protocolFacts(versions, clientVersions()), release: releaseOf(versions) }
  } finally {
    await raw.close().finally(() => raw.destroy())
  }
}

/** Both sides of every request that Errand needs. `client`: kafkajs's versions by name. */
export function protocolFacts(broker: BrokerVersions, client: ReadonlyMap<string, readonly number[]>): ProtocolFact[] {
  return NEEDED.map(([name, key, first]): ProtocolFact => {
    const own = client.get(name) ?? []
    const theirs = broker[key]
    const range: VersionRange = { min: Math.max(first, Math.min(...own)), max: Math.max(...own) }
    return {
      name,
      client: range,
      ...(theirs === undefined ? {} : { broker: { min: theirs.minVersion, max: theirs.maxVersion } }),
    }
  })
}

/** The newest release whose protocol this is, at least; undefined when it is that of none. */
export function releaseOf(versions: BrokerVersions): string | undefined {
  return RELEASES.find(([, is]) => is(versions))?.[0]
}

/** The versions that kafkajs has of each request, by its name. */
export function clientVersions(): Map<string, number[]> {
  const load = createRequire(import.meta.url)
  const { requests }: { requests: Record<string, { versions: readonly string[] }> } = load(
    'kafkajs/src/protocol/requests',
  )
  return new Map(Object.entries(requests).map(([name, { versions }]) => [name, versions.map(Number)]))
}

function highest(versions: BrokerVersions, key: number): number {
  return versions[key]?.maxVersion ?? -1
}
