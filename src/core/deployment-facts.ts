// What was seen of a deployment: Kafka, Redis, the clocks and the settings. The words that whoever looks (producer, consumer,
// storage) shares with whoever judges (doctor). What could not be seen is left out, and `unseen` says why.

/** A server that was asked, and whether it answered. */
export interface ServerReach {
  /** The addresses as they were given, without credentials. */
  readonly addresses: readonly string[]
  readonly isEncrypted: boolean
  /** What went wrong; left out when the server answered. */
  readonly failure?: ReachFailure
}

/** Why a server did not let anybody in. `refused`: it is there, and said no. */
export interface ReachFailure {
  readonly kind: 'unreachable' | 'refused'
  readonly says: string
}

/** Something that could not be looked at. */
export interface Unseen {
  readonly server: 'kafka' | 'redis'
  /** What, as the object of a sentence: `the settings of broker 1`. */
  readonly what: string
  readonly says: string
  /** `denied`: a right is missing. `failed`: no answer. `untold`: nobody can be asked. */
  readonly kind: 'denied' | 'failed' | 'untold'
  /** The right that is missing, in the words of the server; with `denied` only. */
  readonly right?: string
  /** False: only whoever looks needs it. @defaultValue true */
  readonly isNeeded?: boolean
}

/** A request of Kafka's protocol that Errand needs, in the versions of both sides. */
export interface ProtocolFact {
  readonly name: string
  readonly client: VersionRange
  /** Left out: the broker has no such request. */
  readonly broker?: VersionRange
}

/** Both ends are included. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** What a topic is for. */
export type TopicRole = 'lane' | 'delay' | 'outcomes' | 'dlq'

/** A topic as it should be and as it is. */
export interface TopicFact {
  readonly topic: string
  readonly role: TopicRole
  /** Of a lane. */
  readonly type?: string
  /** Settings that Errand's guarantees rest on, in Kafka's names and texts. */
  readonly wanted: Readonly<Record<string, string>>
  /** False when there is no such topic; what follows is left out then. */
  readonly isThere: boolean
  readonly partitions?: readonly PartitionFact[]
  /** Every setting, the broker's defaults included. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The copies of a partition. */
export interface PartitionFact {
  readonly partition: number
  /** Left out: nobody leads it. */
  readonly leader?: number
  readonly replicas: number
  readonly inSync: number
}

/** A consumer group. */
export interface GroupFact {
  readonly groupId: string
  /** Of a type's workers; left out for the schedulers. */
  readonly type?: string
  /** Kafka's word: `Stable`, `Empty`, `Dead`, `PreparingRebalance`, … */
  readonly state: string
  readonly members: number
  /** True when it was in the middle of a rebalance at the first look and at the second. */
  readonly isStuck: boolean
}

/** How far a group has come in one partition. */
export interface FrontierFact {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** First and next offset of the partition. */
  readonly low: number
  readonly high: number
  /** -1: never; another negative one: reset to the log start. */
  readonly committed: number
  /** Records above the committed offset that are finished already. */
  readonly finishedAhead: number
  /** True when the oldest unfinished record is older than {@link KafkaFacts.stillMs} and the offset did not move between two looks. */
  readonly standsStill: boolean
}

/** What was seen of Kafka. */
export interface KafkaFacts extends ServerReach {
  /** Ids of the brokers that the cluster has. */
  readonly brokers?: readonly number[]
  readonly protocol?: readonly ProtocolFact[]
  /** The release that the broker's protocol tells of, at least: `4.1`. Left out when it tells of none that is known. */
  readonly release?: string
  /** Settings of each broker by its id. */
  readonly brokerSettings?: ReadonlyMap<number, Readonly<Record<string, string>>>
  readonly topics?: readonly TopicFact[]
  readonly groups?: readonly GroupFact[]
  readonly frontiers?: readonly FrontierFact[]
  /** How old an unfinished record must be for its frontier to count as standing still. Unit: ms. */
  readonly stillMs: number
}

/** What was seen of Redis. */
export interface RedisFacts extends ServerReach {
  readonly server?: 'redis' | 'valkey'
  /** Of that server. */
  readonly version?: string
  readonly evictionPolicy?: string
  readonly usedBytes?: number
  /** 0: no limit. */
  readonly maxBytes?: number
  readonly isAppendOnly?: boolean
  /** Whether snapshots are made by themselves; left out when nobody may ask. */
  readonly hasSnapshots?: boolean
  /** The last write of the append-only file or of a snapshot failed. */
  readonly isPersistenceFailing?: boolean
  readonly role?: string
  readonly isCluster?: boolean
  /** Redis's time less this process's. Unit: ms. */
  readonly aheadMs?: number
  /** Within which `aheadMs` is known: half of the time that the answer took. Unit: ms. */
  readonly aheadWithinMs?: number
}

/** Settings of Errand that can be wrong together. Unit: ms. */
export interface SettingFacts {
  readonly leaseMs: number
  readonly sessionTimeoutMs: number
  readonly graceMs: number
  readonly rehomeAfterMs: number
  readonly markerMs: number
  readonly resultMs: number
  readonly keyMs: number
  /** Left out: nobody has asked for a number. */
  readonly partitions?: number
}

/** All that was seen of a deployment. */
export interface DeploymentFacts {
  readonly namespace: string
  /** The types that were looked at, in order. */
  readonly types: readonly string[]
  readonly settings: SettingFacts
  readonly kafka: KafkaFacts
  readonly redis: RedisFacts
  readonly unseen: readonly Unseen[]
}
