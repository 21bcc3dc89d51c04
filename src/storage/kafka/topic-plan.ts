// What a namespace's topics should be, what they are, and making them so: created where they are missing, altered where a setting
// does not do, never made smaller. Nothing is deleted, and nothing that an operator has set for more is set for less.

import { systemClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import type { PartitionFact, TopicRole } from '../../core/deployment-facts.ts'
import { checkType } from '../../core/names.ts'
import { laneTopics, parseLaneTopic, workersGroup } from '../../core/topics.ts'
import { unfitSettings } from '../../core/topic-settings.ts'
import { commitFirstOffsets } from '../../consumer/first-offsets.ts'
import { ClusterFacts } from '../../producer/cluster-facts.ts'
import { TopicAdmin } from '../../producer/topic-admin.ts'
import type { TopicOptions, TopicSpec } from '../../producer/topic-specs.ts'
import { delaySpec, dlqSpec, laneSpecs, outcomesSpec } from '../../producer/topic-specs.ts'
import type { KafkaStorageOptions, ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import { resolveKafkaStorageOptions } from './kafka-storage-options.ts'

/** Options of {@link planTopics}, {@link applyTopics} and {@link verifyTopics}: those of the storage but Redis's, which has no part in it. */
export interface TopicPlanOptions extends Omit<KafkaStorageOptions, RedisOption> {
  /** Types whose lanes there should be. @defaultValue those that have a topic in the namespace */
  readonly types?: readonly string[]
  /** Give topics that have fewer partitions than `partitions`, or than the type's other lanes, more. @defaultValue false */
  readonly addPartitions?: boolean
}

/** `create`: it is missing. `differs`: it can be made right. `cannot_fix`: not by this. `ok`: nothing to do. */
export type TopicAction = 'create' | 'differs' | 'cannot_fix' | 'ok'

/** Something that is not as it should be: a setting in Kafka's name, `partitions` or `replication.factor`. */
export interface TopicDifference {
  readonly setting: string
  readonly wanted: string
  /** null: nothing. */
  readonly have: string | null
}

/** A topic and what is to be done about it. */
export interface PlannedTopic {
  readonly topic: string
  readonly role: TopicRole
  /** Of a lane, else null. */
  readonly type: string | null
  readonly action: TopicAction
  /** What it would be created with, or what differs. */
  readonly differences: readonly TopicDifference[]
  /** Why it cannot be fixed, and how it can be otherwise; else null. */
  readonly reason: string | null
}

/** What {@link applyTopics} did. */
export interface AppliedTopics {
  /** Every topic, as it was planned; those that could be fixed are. */
  readonly topics: readonly PlannedTopic[]
  /** Groups that had never committed and now have a first offset, so that whoever scales by lag wakes them from zero. */
  readonly firstOffsets: readonly string[]
}

/** A topic of a namespace, and what it is for. */
export interface NamespaceTopic {
  readonly spec: TopicSpec
  readonly role: TopicRole
  readonly type?: string
}

type RedisOption = 'redisUrl' | 'redisUsername' | 'redisPassword' | 'redisTls' | 'redisProtocol'

const APPLIED_MS_MAX = 10_000
const LOOK_MS = 100

/** Every topic that there should be for these types. */
export function topicsOfNamespace(
  options: TopicOptions & { readonly namespace: string },
  types: readonly string[],
): NamespaceTopic[] {
  const { namespace } = options
  return [
    ...types.flatMap(type => laneSpecs(namespace, type, options).map(spec => ({ spec, role: 'lane' as const, type }))),
    { spec: delaySpec(namespace, options), role: 'delay' },
    { spec: outcomesSpec(namespace, options), role: 'outcomes' },
    { spec: dlqSpec(namespace, options), role: 'dlq' },
  ]
}

/** Says what {@link applyTopics} would do. Changes nothing. Throws as it does. */
export function planTopics(options: TopicPlanOptions): Promise<PlannedTopic[]> {
  return withTopics(options, topics => topics.plan())
}

/**
 * Creates what is missing and alters what does not do; adds partitions when asked to. Commits a first offset for the workers'
 * groups that never had any and have no members. May be repeated at any time, also while workers run.
 *
 * Throws `invalid_argument` for bad options, `unavailable` when Kafka does not answer, `configuration` when a right is missing
 * or the cluster refuses what is wanted.
 */
export function applyTopics(options: TopicPlanOptions): Promise<AppliedTopics> {
  return withTopics(options, topics => topics.apply())
}

/** The topics that are not as they should be; none: all is well. Changes nothing. Throws as {@link applyTopics}. */
export async function verifyTopics(options: TopicPlanOptions): Promise<PlannedTopic[]> {
  return (await planTopics(options)).filter(({ action }) => action !== 'ok')
}

async function withTopics<T>(given: TopicPlanOptions, work: (topics: Topics) => Promise<T>): Promise<T> {
  const { types, addPartitions = false, ...storage } = given
  for (const type of types ?? []) checkType(type)
  // The options of the storage want a Redis.
  const options = resolveKafkaStorageOptions({ ...storage, redisUrl: 'redis://localhost' })
  const { kafka: settings, clock, logger } = options
  const admin = new TopicAdmin({ settings, clock, logger })
  const cluster = new ClusterFacts(settings, clock, logger)
  try {
    // One after the other: what fails leaves nothing behind that is still connecting.
    await admin.start()
    await cluster.open()
    const topics = new Topics({ options, admin, cluster, types, addPartitions, partitionsAsked: given.partitions })
    return await work(topics)
  } finally {
    await Promise.all([admin.stop(), cluster.close()])
  }
}

/** What there is of a topic. */
interface Standing {
  readonly partitions: readonly PartitionFact[]
  readonly settings: Readonly<Record<string, string>>
}

class Topics {
  readonly #options: ResolvedKafkaStorageOptions
  readonly #admin: TopicAdmin
  readonly #cluster: ClusterFacts
  readonly #givenTypes: readonly string[] | undefined
  readonly #addPartitions: boolean
  readonly #partitionsAsked: number | undefined
  readonly #clock: Clock

  constructor(parts: {
    readonly options: ResolvedKafkaStorageOptions
    readonly admin: TopicAdmin
    readonly cluster: ClusterFacts
    readonly types: readonly string[] | undefined
    readonly addPartitions: boolean
    readonly partitionsAsked: number | undefined
  }) {
    this.#options = parts.options
    this.#admin = parts.admin
    this.#cluster = parts.cluster
    this.#givenTypes = parts.types
    this.#addPartitions = parts.addPartitions
    this.#partitionsAsked = parts.partitionsAsked
    this.#clock = parts.options.clock ?? systemClock
  }

  async plan(): Promise<PlannedTopic[]> {
    const wanted = topicsOfNamespace(this.#options, await this.#types())
    const standing = new Map<string, Standing>()
    for (const { spec } of wanted) {
      const partitions = await this.#cluster.partitions(spec.topic)
      if (partitions === undefined) continue
      standing.set(spec.topic, { partitions, settings: await this.#settings(spec.topic) })
    }
    return wanted.map(each => this.#planned(each, standing))
  }

  async apply(): Promise<AppliedTopics> {
    const topics = await this.plan()
    const types = [...new Set(topics.map(({ type }) => type).filter(type => type !== null))]
    const specs = new Map(topicsOfNamespace(this.#options, types).map(({ spec }) => [spec.topic, spec]))
    const missing = topics.flatMap(({ topic, action, differences }) => {
      const spec = specs.get(topic)
      return action === 'create' && spec !== undefined ? [{ ...spec, partitions: partitionsIn(differences) }] : []
    })
    await this.#admin.provision(missing)
    for (const { topic, action, differences } of topics) {
      if (action !== 'differs' && action !== 'cannot_fix') continue
      const changes = differences.filter(({ setting }) => setting !== PARTITIONS && setting !== REPLICATION)
      const settings = Object.fromEntries(changes.map(({ setting, wanted }) => [setting, wanted]))
      if (changes.length > 0) await this.#alter(topic, settings)
      const partitions = partitionsIn(differences)
      if (partitions > 0 && this.#addPartitions) await this.#admin.addPartitions(topic, partitions)
    }
    return { topics, firstOffsets: await this.#commitFirst(types) }
  }

  async #types(): Promise<readonly string[]> {
    if (this.#givenTypes !== undefined) return [...new Set(this.#givenTypes)]
    const lanes = (await this.#admin.listTopics()).map(topic => parseLaneTopic(this.#options.namespace, topic)?.type)
    return [...new Set(lanes.filter(type => type !== undefined))].toSorted()
  }

  #planned({ spec, role, type }: NamespaceTopic, standing: ReadonlyMap<string, Standing>): PlannedTopic {
    const { topic } = spec
    const base = { topic, role, type: type ?? null }
    const is = standing.get(topic)
    if (is === undefined) {
      const partitions = this.#partitionsWanted(spec, type, standing)
      return { ...base, action: 'create', differences: createdWith({ ...spec, partitions }), reason: null }
    }
    const differences: TopicDifference[] = unfitSettings(spec.config, is.settings).map(setting => ({
      setting,
      wanted: spec.config[setting] ?? '',
      have: is.settings[setting] ?? null,
    }))
    const reasons: string[] = []
    const partitions = this.#partitionsWanted(spec, type, standing)
    if (is.partitions.length < partitions) {
      differences.push({ setting: PARTITIONS, wanted: String(partitions), have: String(is.partitions.length) })
      if (!this.#addPartitions) reasons.push('partitions are added only with --add-partitions (addPartitions)')
    }
    const copies = Math.min(...is.partitions.map(({ replicas }) => replicas))
    if (spec.replicationFactor !== undefined && copies !== spec.replicationFactor) {
      differences.push({ setting: REPLICATION, wanted: String(spec.replicationFactor), have: String(copies) })
      reasons.push('copies are moved by `kafka-reassign-partitions.sh`, since that takes long and fills networks')
    }
    const action = differences.length === 0 ? 'ok' : reasons.length > 0 ? 'cannot_fix' : 'differs'
    return { ...base, action, differences, reason: reasons.length === 0 ? null : `${reasons.join('; ')}.` }
  }

  /**
   * As many as were asked for, at least as many as the type's other lanes have; of one that is there, never fewer than it has. What
   * all types share keeps what it was made with: outcomes and dead letters are found by the partition that their id falls into.
   */
  #partitionsWanted(
    { topic, partitions }: TopicSpec,
    type: string | undefined,
    standing: ReadonlyMap<string, Standing>,
  ): number {
    if (type === undefined) return standing.get(topic)?.partitions.length ?? partitions
    const siblings = laneTopics(this.#options.namespace, type)
    const most = Math.max(0, ...siblings.map(name => standing.get(name)?.partitions.length ?? 0))
    return most === 0 ? partitions : Math.max(most, this.#partitionsAsked ?? 0)
  }

  async #settings(topic: string): Promise<Record<string, string>> {
    const settings = await this.#cluster.topicSettings(topic)
    return Object.fromEntries([...settings].map(([name, { value }]) => [name, value]))
  }

  /** Waits until the broker shows it. */
  async #alter(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const own = [...(await this.#cluster.topicSettings(topic))].filter(([, { isOwn }]) => isOwn)
    const kept = Object.fromEntries(own.map(([name, { value }]) => [name, value]))
    await this.#admin.replaceSettings(topic, { ...kept, ...settings })
    const untilMs = this.#clock.monotonicMs() + APPLIED_MS_MAX
    while (unfitSettings(settings, await this.#settings(topic)).length > 0 && this.#clock.monotonicMs() < untilMs) {
      await this.#clock.sleep(LOOK_MS)
    }
  }

  async #commitFirst(types: readonly string[]): Promise<string[]> {
    const committed: string[] = []
    for (const type of types) {
      const groupId = workersGroup(this.#options.namespace, type)
      if ((await this.#cluster.group(groupId)).members > 0) continue
      const lanes = laneTopics(this.#options.namespace, type)
      const [offsets, bounds] = await Promise.all([
        this.#admin.committed(groupId, lanes),
        this.#admin.offsetsMany(lanes),
      ])
      const first = offsets
        .filter(({ offset }) => offset < 0)
        .map(({ topic, partition }) => ({
          topic,
          partition,
          offset: bounds.get(topic)?.find(bound => bound.partition === partition)?.low ?? 0,
        }))
      if (first.length === 0) continue
      const { kafka: settings } = this.#options
      if (await commitFirstOffsets({ settings, clock: this.#clock, groupId, offsets: first })) committed.push(groupId)
    }
    return committed
  }
}

const PARTITIONS = 'partitions'
const REPLICATION = 'replication.factor'

/** The partitions that are wanted; 0: it has as many. */
function partitionsIn(differences: readonly TopicDifference[]): number {
  return Number(differences.find(({ setting }) => setting === PARTITIONS)?.wanted ?? 0)
}

function createdWith({ partitions, replicationFactor, config }: TopicSpec): TopicDifference[] {
  const wanted = {
    [PARTITIONS]: String(partitions),
    ...(replicationFactor === undefined ? {} : { [REPLICATION]: String(replicationFactor) }),
    ...config,
  }
  return Object.entries(wanted).map(([setting, value]) => ({ setting, wanted: value, have: null }))
}
