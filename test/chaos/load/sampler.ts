// Where the groups of a namespace stand, once a second, by a Kafka client that is not Errand's: first offset, committed offset,
// next offset, read in this order, so that what moves meanwhile never makes a sound system look wrong. Outages cost samples.

import { Admin, ListOffsetTimestamps } from '@platformatic/kafka'
import { systemClock } from '../../../src/core/clock.ts'
import { isErrandError } from '../../../src/core/errors.ts'
import { delayTopic, laneTopics, schedulerGroup, workersGroup } from '../../../src/core/topics.ts'
import type { OffsetSample } from '../evidence.ts'
import { mono } from '../evidence.ts'
import { LOAD_TYPES } from './child-config.ts'
import { LineFile, offsetsPath } from './evidence-file.ts'

const SAMPLE_INTERVAL_MS = 1_000
const REQUEST_MS_MAX = 3_000

/** What a sampler looks at. */
export interface SamplerOptions {
  readonly namespace: string
  /** Reached directly, not through what breaks connections. */
  readonly brokers: readonly string[]
  readonly partitions: number
  /** Where `offsets.jsonl` goes. */
  readonly dir: string
}

/** Takes samples until it is stopped. */
export class OffsetSampler implements AsyncDisposable {
  readonly #options: SamplerOptions
  readonly #file: LineFile<OffsetSample>
  readonly #stopping = new AbortController()
  readonly #loop: Promise<void>
  #admin: Admin | undefined
  #looks = 0
  #failures = 0
  #lastError: string | null = null

  constructor(options: SamplerOptions) {
    this.#options = options
    this.#file = new LineFile(offsetsPath(options.dir))
    this.#loop = this.#run()
  }

  /** Looks that were written down, looks that failed, and why the last of these did. */
  get report(): { readonly looks: number; readonly failures: number; readonly lastError: string | null } {
    return { looks: this.#looks, failures: this.#failures, lastError: this.#lastError }
  }

  /** Ends the loop after the look under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    await this.#close()
    this.#file.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const startedMono = mono()
      await this.#look()
      try {
        await systemClock.sleep(SAMPLE_INTERVAL_MS - (mono() - startedMono), { signal })
      } catch (error) {
        if (!isErrandError(error, 'cancelled')) throw error // cancelled: it is to stop
      }
    }
  }

  async #look(): Promise<void> {
    try {
      const samples = await this.#samples()
      this.#file.append(samples)
      this.#looks += 1
    } catch (error) {
      this.#failures += 1
      this.#lastError = String(error)
      await this.#close() // a client that has lost its brokers is made anew
    }
  }

  async #samples(): Promise<OffsetSample[]> {
    const { namespace } = this.#options
    const groups = [
      ...LOAD_TYPES.map(type => ({ group: workersGroup(namespace, type), topics: laneTopics(namespace, type) })),
      { group: schedulerGroup(namespace), topics: [delayTopic(namespace)] },
    ]
    const topics = groups.flatMap(each => each.topics)
    const low = await this.#offsets(topics, ListOffsetTimestamps.EARLIEST)
    const committed = await this.#committed(groups)
    const high = await this.#offsets(topics, ListOffsetTimestamps.LATEST)
    const now = mono()
    return groups.flatMap(({ group, topics: consumed }) =>
      consumed.flatMap(topic =>
        this.#partitions.map(partition => {
          const of = (offsets: ReadonlyMap<string, number>): number => offsets.get(`${topic}:${partition}`) ?? -1
          return { mono: now, group, topic, partition, committed: of(committed), low: of(low), high: of(high) }
        }),
      ),
    )
  }

  get #partitions(): number[] {
    return Array.from({ length: this.#options.partitions }, (_, partition) => partition)
  }

  async #offsets(topics: readonly string[], timestamp: bigint): Promise<Map<string, number>> {
    const listed = await this.#client().listOffsets({
      topics: topics.map(name => ({
        name,
        partitions: this.#partitions.map(partitionIndex => ({ partitionIndex, timestamp })),
      })),
    })
    return new Map(
      listed.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, offset }) => [`${name}:${partitionIndex}`, Number(offset)] as const),
      ),
    )
  }

  async #committed(groups: readonly { group: string; topics: readonly string[] }[]): Promise<Map<string, number>> {
    const listed = await this.#client().listConsumerGroupOffsets({
      groups: groups.map(({ group, topics }) => ({
        groupId: group,
        topics: topics.map(name => ({ name, partitionIndexes: this.#partitions })),
      })),
    })
    return new Map(
      listed.flatMap(({ topics }) =>
        topics.flatMap(({ name, partitions }) =>
          partitions.map(
            ({ partitionIndex, committedOffset }) => [`${name}:${partitionIndex}`, Number(committedOffset)] as const,
          ),
        ),
      ),
    )
  }

  #client(): Admin {
    this.#admin ??= new Admin({
      clientId: 'offset-sampler',
      bootstrapBrokers: [...this.#options.brokers],
      ...{ timeout: REQUEST_MS_MAX, connectTimeout: REQUEST_MS_MAX, retries: 0 },
    })
    return this.#admin
  }

  async #close(): Promise<void> {
    const admin = this.#admin
    this.#admin = undefined
    await admin?.close().catch(() => undefined) // it may have lost what it would close
  }
}
