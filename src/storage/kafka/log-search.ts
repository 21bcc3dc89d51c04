// Looking an activity up in the log. A bare id that is a UUIDv7 tells its time, and its hash the partition, so only a few
// partitions have to be read from that time on. The log is the index.

import type { Activity, Coordinates, DeadLetterRecord, OutcomeRecord } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { uuidv7TimeMs } from '../../core/ids.ts'
import { READING_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { laneTopics } from '../../core/topics.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { decodeDlq } from '../../wire/dead-letter-record.ts'
import { decodeOutcome } from '../../wire/outcome-record.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** Record times are the producer's clock: look-ups by time start so much earlier. */
const SKEW_MS = 120_000

/** An activity record with where it stands. */
export interface FoundActivity {
  readonly activity: Activity
  readonly coordinates: Coordinates
}

type LetterPlace = Pick<LogRecord, 'partition' | 'offset'>

/** Finds records by activity id. */
export class LogSearch {
  readonly #namespace: string
  readonly #catalog: TopicCatalog
  readonly #admin: TopicAdmin
  readonly #reader: LogReader
  readonly #clock: Clock
  readonly #logger: Logger
  /** Where lists have come upon dead letters, the latest: whoever redrives what was listed need not look for it. */
  readonly #letterPlaces = new Map<string, LetterPlace>()

  constructor(parts: {
    namespace: string
    catalog: TopicCatalog
    admin: TopicAdmin
    reader: LogReader
    clock: Clock
    logger: Logger
  }) {
    this.#namespace = parts.namespace
    this.#catalog = parts.catalog
    this.#admin = parts.admin
    this.#reader = parts.reader
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  /**
   * The lane record of the highest attempt, of one type or of all; null when no lane holds one (any more). `everywhere`: where it
   * is not in the partition that its id falls into now, also in the others, because partitions may have been added since.
   */
  async laneRecord(
    id: string,
    { type, everywhere = true }: { readonly type?: string | undefined; readonly everywhere?: boolean } = {},
  ): Promise<FoundActivity | null> {
    // Whoever asks may never have enqueued or run this type.
    const types = type === undefined ? await this.#catalog.allTypes() : [...(await this.#catalog.declareEach([type]))]
    const lanes = types.flatMap(each => laneTopics(this.#namespace, each))
    const inLanes = async (where: 'own' | 'others'): Promise<FoundActivity[]> =>
      (await Promise.all(lanes.map(topic => this.#inLane(topic, id, where)))).flat()
    let found = await inLanes('own')
    if (found.length === 0 && everywhere) found = await inLanes('others')
    return found.reduce<FoundActivity | null>(
      (best, each) => (best === null || each.activity.attempt > best.activity.attempt ? each : best),
      null,
    )
  }

  async #inLane(topic: string, id: string, where: 'own' | 'others'): Promise<FoundActivity[]> {
    const found: FoundActivity[] = []
    const own = this.#catalog.partitionFor(topic, id)
    const take = (record: LogRecord): void => {
      const activity = this.#tryDecode(() => decodeActivity(record.value))
      if (activity?.id !== id) return
      found.push({ activity, coordinates: { topic, partition: record.partition, offset: String(record.offset) } })
    }
    await this.#scan(topic, id, undefined, take, partition => (partition === own) === (where === 'own'))
    return found
  }

  /** All outcomes of an activity that the topic still holds, oldest first, one per attempt. */
  async outcomes(id: string, sinceMs?: number): Promise<OutcomeRecord[]> {
    const byAttempt = new Map<number, OutcomeRecord>()
    await this.#scan(this.#catalog.shared().outcomes, id, sinceMs, record => {
      const outcome = this.#tryDecode(() => decodeOutcome(record.value ?? new Uint8Array()))
      if (outcome?.id === id && !byAttempt.has(outcome.attempt)) byAttempt.set(outcome.attempt, outcome)
    })
    return [...byAttempt.values()].sort((a, b) => a.attempt - b.attempt)
  }

  /** The outcome that ended an activity, or null. */
  async terminalOutcome(id: string, sinceMs?: number): Promise<OutcomeRecord | null> {
    return (await this.outcomes(id, sinceMs)).find(outcome => isTerminal(outcome.outcome)) ?? null
  }

  /** The dead letter of an activity, or null. */
  async deadLetter(id: string, sinceMs?: number): Promise<DeadLetterRecord | null> {
    const { dlq } = this.#catalog.shared()
    let found: DeadLetterRecord | null = null
    const take = ({ value, headers }: LogRecord): boolean => {
      const letter = this.#tryDecode(() => decodeDlq(value, headers))
      if (letter?.kind === 'dead_letter' && letter.record.activity.id === id) found = letter.record
      return found === null // copies are alike: the first will do
    }
    const place = this.#letterPlaces.get(id)
    if (place !== undefined) {
      const { partition, offset } = place
      await this.#reader.scan({ topic: dlq, partition, from: offset, to: offset + 1, maxRecords: 1, onRecord: take })
    }
    if (found === null) await this.#scan(dlq, id, sinceMs, take)
    return found
  }

  /** Remembers where a dead letter stands. */
  noteDeadLetter(id: string, { partition, offset }: LetterPlace): void {
    this.#letterPlaces.delete(id) // so that it stands last
    this.#letterPlaces.set(id, { partition, offset })
    if (this.#letterPlaces.size <= READING_LIMITS.letterPlacesMax) return
    for (const oldest of this.#letterPlaces.keys()) {
      this.#letterPlaces.delete(oldest)
      return
    }
  }

  /** Reads what has this id as its key, by default in the partition that it falls into, from about the id's time on. */
  async #scan(
    topic: string,
    id: string,
    sinceMs: number | undefined,
    onRecord: (record: LogRecord) => boolean | void,
    isAsked: (partition: number) => boolean = partition => partition === this.#catalog.partitionFor(topic, id),
  ): Promise<void> {
    const bounds = (await this.#reader.bounds(topic)).filter(each => isAsked(each.partition) && each.high > each.low)
    if (bounds.length === 0) return
    const starts = await this.#startsOf(topic, sinceMs ?? uuidv7TimeMs(id))
    const scans = bounds.map(async ({ partition, low, high }) => {
      const from = Math.max(low, starts?.get(partition) ?? low)
      if (from >= high) return
      const maxRecords = READING_LIMITS.lookupRecordsMax
      await this.#reader.scan({
        ...{ topic, partition, from, to: high, maxRecords },
        onRecord: record => {
          if (Buffer.from(record.key ?? []).toString('utf8') === id) return onRecord(record)
        },
      })
    })
    await Promise.all(scans)
  }

  async #startsOf(topic: string, timeMs: number | undefined): Promise<ReadonlyMap<number, number> | undefined> {
    if (timeMs === undefined || timeMs - SKEW_MS > this.#clock.nowMs()) return undefined
    const offsets = await this.#admin.offsetsAtTime(topic, Math.max(0, timeMs - SKEW_MS))
    return new Map(offsets.map(({ partition, offset }) => [partition, offset]))
  }

  #tryDecode<T>(decode: () => T): T | undefined {
    try {
      return decode()
    } catch (error) {
      this.#logger.debug('a record was passed over in a look-up', { error: String(error) })
      return undefined
    }
  }
}
