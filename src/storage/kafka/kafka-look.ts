// Looks at Kafka for `gatherFacts`: one thing after the other, so that what fails or is denied hides nothing else, and all within
// one deadline.

import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/clock.ts'
import type { FrontierFact, GroupFact, KafkaFacts, TopicFact, Unseen } from '../../core/deployment-facts.ts'
import { ErrandError, saidBy } from '../../core/errors.ts'
import { reachFailure } from '../../core/reach-failure.ts'
import { laneTopics, parseLaneTopic, schedulerGroup, workersGroup } from '../../core/topics.ts'
import { decodeFinishedAhead } from '../../consumer/commit-metadata.ts'
import { readBrokerProtocol } from '../../consumer/broker-protocol.ts'
import { deniedGroups } from '../../consumer/group-access.ts'
import { ClusterFacts } from '../../producer/cluster-facts.ts'
import { kafkaErrorType } from '../../producer/kafka-client.ts'
import { TopicAdmin } from '../../producer/topic-admin.ts'
import { inParallel } from './in-parallel.ts'
import type { ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import { topicsOfNamespace } from './topic-plan.ts'

/** How long a frontier may stand beyond the time after which long attempts let go of it. */
const STILL_MARGIN_MS = 60_000
/** Between two looks at what seems to stand: longer than a commit takes by default, and than a rebalance of few. */
const LOOK_AGAIN_MS = 3_000
/** Topics or groups that are asked about at the same time. */
const AT_ONCE = 8

/** What was seen of Kafka. */
export interface KafkaSeen {
  readonly types: readonly string[]
  readonly kafka: KafkaFacts
  readonly unseen: readonly Unseen[]
}

/** One look at Kafka. */
export class KafkaLook {
  readonly #options: ResolvedKafkaStorageOptions
  readonly #clock: Clock
  readonly #untilMs: number
  readonly #stillMs: number
  readonly #unseen: Unseen[] = []

  constructor(options: ResolvedKafkaStorageOptions, untilMs: number) {
    this.#options = options
    this.#clock = options.clock
    this.#untilMs = untilMs
    this.#stillMs = options.rehomeAfterMs + STILL_MARGIN_MS
  }

  /** Looks. Without types: at those that have topics. Never rejects. */
  async look(given: readonly string[] | undefined): Promise<KafkaSeen> {
    const { kafka: settings, clock, logger } = this.#options
    const { ssl } = settings
    const base = {
      addresses: settings.brokers,
      isEncrypted: ssl !== undefined && ssl !== false,
      stillMs: this.#stillMs,
    }
    const cluster = new ClusterFacts(settings, clock, logger)
    const admin = new TopicAdmin({ settings, clock, logger })
    try {
      await this.#inTime(cluster.open())
      const ids = await this.#inTime(cluster.brokers())
      await this.#inTime(admin.start())
      const brokers = await this.#brokers(cluster, ids)
      const types = await this.#types(cluster, given)
      const topics = await this.#topics(cluster, types)
      const groups = await this.#groups(cluster, types)
      const frontiers = await this.#frontiers(admin, types, topics, groups)
      const [stuck, still] = await this.#secondLook({ cluster, admin, groups, frontiers })
      const facts = { ...base, ...brokers, topics, groups: stuck, frontiers: still }
      return { types, kafka: facts, unseen: this.#unseen }
    } catch (error) {
      return { types: given ?? [], kafka: { ...base, failure: reachFailure(error) }, unseen: this.#unseen }
    } finally {
      // Whoever hangs on is left behind: it was only looked at.
      await this.#inTime(Promise.all([cluster.close(), admin.stop()]), 1_000).catch(() => undefined)
    }
  }

  async #brokers(cluster: ClusterFacts, brokers: readonly number[]): Promise<Partial<KafkaFacts>> {
    const { kafka: settings } = this.#options
    const spoken = await this.#at('the protocol of the brokers', 'ApiVersions', () => readBrokerProtocol(settings))
    const brokerSettings = new Map<number, Record<string, string>>()
    for (const id of brokers) {
      const right = 'DescribeConfigs on the cluster, which only `errand doctor` needs'
      const found = await this.#at(`the settings of broker ${id}`, right, () => cluster.brokerSettings(id), false)
      if (found !== undefined) brokerSettings.set(id, found)
    }
    this.#unseen.push({
      ...{ server: 'kafka', kind: 'untold', what: 'the clocks of the brokers' },
      says: 'Kafka tells no client its time; records carry that of their writers.',
    })
    return {
      brokers,
      ...(spoken === undefined ? {} : { protocol: spoken.protocol }),
      ...(spoken?.release === undefined ? {} : { release: spoken.release }),
      brokerSettings,
    }
  }

  async #types(cluster: ClusterFacts, given: readonly string[] | undefined): Promise<readonly string[]> {
    if (given !== undefined) return [...new Set(given)]
    const { namespace } = this.#options
    const topics = await this.#at('the topics of the namespace', `Describe on topics ${namespace}.*`, () =>
      cluster.topics(),
    )
    const found = (topics ?? []).map(topic => parseLaneTopic(namespace, topic)?.type).filter(type => type !== undefined)
    return [...new Set(found)].toSorted()
  }

  async #topics(cluster: ClusterFacts, types: readonly string[]): Promise<TopicFact[]> {
    const facts = await gathered(topicsOfNamespace(this.#options, types), async ({ spec, role, type }) => {
      const { topic, config: wanted } = spec
      const base = { topic, role, wanted, ...(type === undefined ? {} : { type }) }
      const right = `Describe and DescribeConfigs on topic ${topic}`
      const seen = await this.#at(`the topic ${topic}`, right, async () => ({
        partitions: await cluster.partitions(topic),
      }))
      if (seen === undefined) return []
      const { partitions } = seen
      if (partitions === undefined) return [{ ...base, isThere: false }]
      const settings = await this.#at(`the settings of ${topic}`, `DescribeConfigs on topic ${topic}`, () =>
        cluster.topicSettings(topic),
      )
      const plain = settings === undefined ? {} : { settings: valuesOf(settings) }
      return [{ ...base, isThere: true, partitions, ...plain }]
    })
    return facts
  }

  async #groups(cluster: ClusterFacts, types: readonly string[]): Promise<GroupFact[]> {
    const { namespace, kafka: settings } = this.#options
    const wanted = [
      ...types.map(type => ({ groupId: workersGroup(namespace, type), type })),
      { groupId: schedulerGroup(namespace) },
    ]
    const denied = await this.#at('the groups of the namespace', 'Describe', () =>
      deniedGroups(
        settings,
        wanted.map(({ groupId }) => groupId),
      ),
    )
    const facts = await gathered(wanted, async ({ groupId, ...rest }) => {
      const refusal = denied?.get(groupId)
      const ask = refusal === undefined ? () => cluster.group(groupId) : () => Promise.reject(refusal)
      const group = await this.#at(`the group ${groupId}`, `Describe on group ${groupId}`, ask)
      return group === undefined ? [] : [{ ...group, ...rest, isStuck: false }]
    })
    return facts
  }

  async #frontiers(
    admin: TopicAdmin,
    types: readonly string[],
    topics: readonly TopicFact[],
    groups: readonly GroupFact[],
  ): Promise<FrontierFact[]> {
    const { namespace } = this.#options
    const there = new Set(topics.filter(({ isThere }) => isThere).map(({ topic }) => topic))
    const delay = topics.find(({ role }) => role === 'delay')?.topic
    const wanted = [
      ...types.map(type => ({ groupId: workersGroup(namespace, type), names: laneTopics(namespace, type) })),
      { groupId: schedulerGroup(namespace), names: delay === undefined ? [] : [delay] },
    ].map(({ groupId, names }) => ({ groupId, names: names.filter(name => there.has(name)) }))
    const seen = new Set(groups.map(({ groupId }) => groupId))
    const facts = await gathered(wanted, async ({ groupId, names }) => {
      if (names.length === 0 || !seen.has(groupId)) return []
      const right = `Describe on group ${groupId} and on its topics`
      const read = (): Promise<FrontierFact[]> => readFrontiers(admin, groupId, names)
      const frontiers = (await this.#at(`the offsets of group ${groupId}`, right, read)) ?? []
      const hasMembers = groups.some(group => group.groupId === groupId && group.members > 0)
      return hasMembers ? await this.#withAge(admin, frontiers) : frontiers
    })
    return facts
  }

  /** Marks those whose oldest unfinished record is old; whether they move is seen at the second look. */
  async #withAge(admin: TopicAdmin, frontiers: readonly FrontierFact[]): Promise<FrontierFact[]> {
    const atMs = this.#clock.nowMs() - this.#stillMs
    const busy = [...new Set(frontiers.filter(hasWork).map(({ topic }) => topic))]
    const ages = await gathered(busy, async topic => {
      const offsets = await this.#at(`the age of records in ${topic}`, `Describe on topic ${topic}`, () =>
        admin.offsetsAtTime(topic, atMs),
      )
      return (offsets ?? []).map(({ partition, offset }) => [`${topic}/${partition}`, offset] as const)
    })
    const youngFrom = new Map(ages)
    return frontiers.map(frontier => {
      const { topic, partition, low, committed } = frontier
      const from = youngFrom.get(`${topic}/${partition}`) ?? 0
      return { ...frontier, standsStill: hasWork(frontier) && Math.max(low, committed) < from }
    })
  }

  /** A rebalance passes, and a frontier moves on: what seems to be stuck is looked at once more. */
  async #secondLook(seen: {
    readonly cluster: ClusterFacts
    readonly admin: TopicAdmin
    readonly groups: readonly GroupFact[]
    readonly frontiers: readonly FrontierFact[]
  }): Promise<[GroupFact[], FrontierFact[]]> {
    const { cluster, admin, groups, frontiers } = seen
    const joining = groups.filter(isRebalancing)
    const still = Map.groupBy(
      frontiers.filter(({ standsStill }) => standsStill),
      ({ groupId }) => groupId,
    )
    const isInTime = this.#clock.monotonicMs() + LOOK_AGAIN_MS < this.#untilMs
    if ((joining.length === 0 && still.size === 0) || !isInTime) {
      return [[...groups], frontiers.map(frontier => ({ ...frontier, standsStill: false }))]
    }
    await this.#clock.sleep(LOOK_AGAIN_MS)
    const stuck = new Set<string>()
    for (const { groupId } of joining) {
      const group = await this.#at(`the group ${groupId}`, 'Describe', () => cluster.group(groupId))
      if (group !== undefined && isRebalancing(group)) stuck.add(groupId)
    }
    const again = new Map<string, number>()
    for (const [groupId, of] of still) {
      const topics = [...new Set(of.map(({ topic }) => topic))]
      const now = await this.#at(`the offsets of ${groupId}`, 'Describe', () => admin.committed(groupId, topics))
      for (const { topic, partition, offset } of now ?? []) again.set(`${groupId} ${topic}/${partition}`, offset)
    }
    const hasStood = ({ groupId, topic, partition, committed, standsStill }: FrontierFact): boolean =>
      standsStill && again.get(`${groupId} ${topic}/${partition}`) === committed
    return [
      groups.map(group => ({ ...group, isStuck: stuck.has(group.groupId) })),
      frontiers.map(frontier => ({ ...frontier, standsStill: hasStood(frontier) })),
    ]
  }

  /** Asks one thing; what fails is noted, and undefined. `isNeeded`: whether Errand needs the right too. */
  async #at<T>(what: string, right: string, ask: () => Promise<T>, isNeeded = true): Promise<T | undefined> {
    try {
      return await this.#inTime(ask())
    } catch (error) {
      const says = saidBy(error)
      const isDenied = kafkaErrorType(error).endsWith('AUTHORIZATION_FAILED')
      const kind = isDenied ? ({ kind: 'denied', right, isNeeded } as const) : ({ kind: 'failed' } as const)
      this.#unseen.push({ server: 'kafka', what, says, ...kind })
      return undefined
    }
  }

  #inTime<T>(work: Promise<T>, msMin = 1): Promise<T> {
    const leftMs = Math.max(msMin, this.#untilMs - this.#clock.monotonicMs())
    const late = (): Error => new ErrandError('timeout', 'Kafka took longer than there was time for.')
    return withDeadline(this.#clock, work, leftMs, late)
  }
}

/** What the work on each item gives, in order. */
async function gathered<T, R>(items: readonly T[], work: (item: T) => Promise<readonly R[]>): Promise<R[]> {
  const answers = items.map((): readonly R[] => [])
  await inParallel([...items.entries()], AT_ONCE, new AbortController().signal, async ([at, item]) => {
    answers[at] = await work(item)
  })
  return answers.flat()
}

async function readFrontiers(admin: TopicAdmin, groupId: string, topics: readonly string[]): Promise<FrontierFact[]> {
  const [bounds, committed] = await Promise.all([admin.offsetsMany(topics), admin.committed(groupId, topics)])
  return committed.flatMap(({ topic, partition, offset, metadata }) => {
    const bound = bounds.get(topic)?.find(each => each.partition === partition)
    if (bound === undefined) return []
    const ahead = decodeFinishedAhead(offset, metadata).reduce((sum, { from, to }) => sum + to - from, 0)
    const { low, high } = bound
    return [{ groupId, topic, partition, low, high, committed: offset, finishedAhead: ahead, standsStill: false }]
  })
}

function hasWork({ low, high, committed }: FrontierFact): boolean {
  return high > Math.max(low, committed)
}

function isRebalancing({ state }: Pick<GroupFact, 'state'>): boolean {
  return state === 'PreparingRebalance' || state === 'CompletingRebalance'
}

function valuesOf(settings: ReadonlyMap<string, { readonly value: string }>): Record<string, string> {
  return Object.fromEntries([...settings].map(([name, { value }]) => [name, value]))
}
