// Which topics there are and how many partitions each has. Topics are provisioned explicitly; a type that nobody declared
// has no topics and never gets any by accident.

import { ErrandError } from '../../core/errors.ts'
import { partitionOf } from '../../core/murmur2.ts'
import { checkType } from '../../core/names.ts'
import { delayTopic, dlqTopic, laneTopic, outcomesTopic, parseLaneTopic } from '../../core/topics.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import type { TopicSpec } from '../../producer/topic-specs.ts'
import { delaySpec, dlqSpec, laneSpecs, outcomesSpec } from '../../producer/topic-specs.ts'
import type { ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'

/** Types found in the namespace are looked for again after so long. */
const TYPES_FRESH_MS = 5_000

/** Topics and their partitions. */
export class TopicCatalog {
  readonly #admin: TopicAdmin
  readonly #options: ResolvedKafkaStorageOptions
  readonly #partitions = new Map<string, number>()
  readonly #declaring = new Map<string, Promise<void>>()
  #shared: Promise<void> | undefined
  #types: { readonly atMs: number; readonly names: readonly string[] } | undefined

  constructor(admin: TopicAdmin, options: ResolvedKafkaStorageOptions) {
    this.#admin = admin
    this.#options = options
  }

  /** Makes sure that the topics which all types share are there. */
  async declareShared(): Promise<void> {
    const { namespace } = this.#options
    this.#shared ??= this.#ensure([
      delaySpec(namespace, this.#options),
      outcomesSpec(namespace, this.#options),
      dlqSpec(namespace, this.#options),
    ])
    await this.#shared.catch(error => {
      this.#shared = undefined
      throw error
    })
  }

  /** Makes types known. A failure is not remembered. */
  async declare(types: readonly string[]): Promise<void> {
    const fresh = types.filter(type => !this.#declaring.has(checkType(type)))
    if (fresh.length > 0) {
      const declaring = this.#ensure(fresh.flatMap(type => laneSpecs(this.#options.namespace, type, this.#options)))
      for (const type of fresh) {
        this.#declaring.set(type, declaring)
        declaring.catch(() => this.#declaring.delete(type))
      }
    }
    await Promise.all(types.map(type => this.#declaring.get(type)))
  }

  /**
   * Learns of the types that records name, each for itself: one without topics holds up no other. Gives those that have them.
   * None are made: anybody can write a record, and a type exists once somebody declared it.
   */
  async declareEach(types: readonly string[]): Promise<ReadonlySet<string>> {
    const known = new Set(types)
    const declaring = [...known].map(async type => {
      try {
        await (this.#declaring.get(checkType(type)) ?? this.#learn(type))
      } catch (error) {
        known.delete(type)
        this.#options.logger.error('a type has work and no topics', { type, error: String(error) })
      }
    })
    await Promise.all(declaring)
    return known
  }

  async #learn(type: string): Promise<void> {
    await this.#ensure(laneSpecs(this.#options.namespace, type, this.#options), false)
    this.#declaring.set(type, Promise.resolve())
  }

  /** True once a type was declared here and its topics are there. */
  isDeclared(type: string): boolean {
    return this.#partitions.has(laneTopic(this.#options.namespace, type, 'normal'))
  }

  /** The partition of an id in a topic: the same for every writer. */
  partitionFor(topic: string, id: string): number {
    return partitionOf(id, this.partitions(topic))
  }

  partitions(topic: string): number {
    const partitions = this.#partitions.get(topic)
    if (partitions !== undefined) return partitions
    throw new ErrandError('invalid_argument', `topic ${topic} is not known here; declare its type first.`, {
      details: { field: 'type', topic },
    })
  }

  /** All types of the namespace, also those that only others declared. */
  async allTypes(): Promise<readonly string[]> {
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#types !== undefined && nowMs - this.#types.atMs < TYPES_FRESH_MS) return this.#types.names
    const names = new Set<string>()
    const lanes: string[] = []
    for (const topic of await this.#admin.listTopics()) {
      const lane = parseLaneTopic(this.#options.namespace, topic)
      if (lane === undefined) continue
      names.add(lane.type)
      if (!this.#partitions.has(topic)) lanes.push(topic)
    }
    if (lanes.length > 0) {
      for (const [topic, count] of await this.#admin.partitionCounts(lanes)) this.#partitions.set(topic, count)
    }
    this.#types = { atMs: nowMs, names: [...names].sort() }
    return this.#types.names
  }

  /** The topics of the namespace beside the lanes. */
  shared(): { readonly delay: string; readonly outcomes: string; readonly dlq: string } {
    const { namespace } = this.#options
    return { delay: delayTopic(namespace), outcomes: outcomesTopic(namespace), dlq: dlqTopic(namespace) }
  }

  async #ensure(specs: readonly TopicSpec[], mayProvision: boolean = this.#options.provision): Promise<void> {
    const topics = specs.map(spec => spec.topic)
    let counts = await this.#admin.partitionCounts(topics)
    const missing = specs.filter(spec => !counts.has(spec.topic))
    if (missing.length > 0) {
      if (!mayProvision) throw missingTopics(missing)
      await this.#admin.provision(missing)
      // Metadata names leaders before they answer; a produce in between is retried, and leaves copies behind.
      await this.#admin.offsetsMany(missing.map(spec => spec.topic))
      counts = await this.#admin.partitionCounts(topics)
    }
    for (const topic of topics) {
      const count = counts.get(topic)
      if (count === undefined)
        throw new ErrandError('unavailable', `topic ${topic} was created but cannot be seen yet; try again.`)
      this.#partitions.set(topic, count)
    }
    this.#types = undefined
  }
}

function missingTopics(missing: readonly TopicSpec[]): ErrandError {
  const names = missing.map(spec => spec.topic).join(', ')
  return new ErrandError(
    'configuration',
    `these topics are missing and are not made here: ${names}. Declare the type where provisioning is on, or create them.`,
    {
      details: { setting: 'provision', topics: names },
    },
  )
}
