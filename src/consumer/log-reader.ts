// Reads any record of the log by topic, partition and offset: for pages, dead letters, timelines and redrive. The log is
// the index, so a look-up is one fetch from the partition's leader. No consumer group: nothing to join, nothing to seek,
// nothing to leave behind. Each read is a fetch of its own; equal ones under way are one.

import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { withDeadline } from '../core/clock.ts'
import type { ErrorCode } from '../core/errors.ts'
import { ErrandError, isErrandError } from '../core/errors.ts'
import { READING_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { fromKafka, kafkaErrorType } from '../producer/kafka-client.ts'
import type { LogRecord } from './fetched-record.ts'
import type { LogPage, PageRequest } from './log-page.ts'
import { fetchBounds, fetchPage } from './log-page.ts'
import type { RawCluster } from './raw-cluster.ts'
import { openRawCluster } from './raw-cluster.ts'
import type { TopicPartition } from './topic-partition.ts'
import { partitionKey } from './topic-partition.ts'

export type { LogRecord } from './fetched-record.ts'

export interface LogReaderOptions {
  readonly settings: KafkaSettings
  readonly namespace: string
  readonly clock: Clock
  readonly logger: Logger
}

/** What a {@link LogReader.read} found. */
export interface LogSlice {
  readonly records: readonly LogRecord[]
  /** The first offset that the partition holds. */
  readonly low: number
  /** One above the last. */
  readonly high: number
  /** The record at the offset asked for was trimmed or compacted away; `records` begins with what is left above it. */
  readonly gone: boolean
  /** Where to read on. */
  readonly nextOffset: number
}

export interface ScanRequest extends TopicPartition {
  /** First offset. */
  readonly from: number
  /** One above the last offset. */
  readonly to: number
  /** Called for each record in order; false ends the scan behind it. */
  readonly onRecord: (record: LogRecord) => boolean | void
  readonly maxRecords: number
  readonly signal?: AbortSignal
}

/** How a scan ended. */
export interface ScanReport {
  /** Records that `onRecord` was given. */
  readonly scanned: number
  /** True when everything up to `to` (or the log's end) was seen. */
  readonly complete: boolean
  readonly nextOffset: number
}

const RECORDS_DEFAULT = 100
const RECORD_BYTES_GUESS = 2 * 1024
const TRY_MS_MAX = 3_000
const CLOSE_MS_MAX = 5_000
/** What another try can help. */
const TRIES_MAX: Partial<Readonly<Record<ErrorCode, number>>> = { unavailable: 3, not_found: 2 }
const RETRY_PAUSE_MS = 100

/** Reads the log at random. Connects at the first read. */
export class LogReader {
  readonly #options: LogReaderOptions
  readonly #stopping = new AbortController()
  #cluster: Promise<RawCluster> | undefined
  /** Those that a failed read has given up, with what calls their closing off: others may still read with them. */
  readonly #discarded = new Map<Promise<RawCluster>, () => void>()
  /** Equal reads that are under way, by partition, offset and size. */
  readonly #underWay = new Map<string, Promise<LogPage>>()
  #running = 0
  readonly #queue: (() => void)[] = []

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  /**
   * Reads at most `maxRecords` (100) records from `offset` on; fewer when the log ends or one fetch (1 MiB) does not hold
   * them. At or beyond the end: no records. Rejects with `not_found` for an unknown topic or partition, `unavailable`
   * when the leader does not answer.
   */
  async read(request: TopicPartition & { readonly offset: number; readonly maxRecords?: number }): Promise<LogSlice> {
    const { topic, partition, offset, maxRecords = RECORDS_DEFAULT } = request
    const { fetchBytesMin, fetchBytesMax } = READING_LIMITS
    const bytesMax = Math.min(fetchBytesMax, Math.max(fetchBytesMin, maxRecords * RECORD_BYTES_GUESS))
    let at = Math.max(0, offset)
    for (;;) {
      let page: LogPage
      try {
        page = await this.#page({ topic, partition, offset: at, bytesMax })
      } catch (error) {
        if (!isOutOfRange(error)) throw error
        const { low, high } = await this.#boundsOf({ topic, partition })
        if (at >= high) return { records: [], low, high, gone: false, nextOffset: high }
        at = Math.max(low, at + 1) // trimmed meanwhile
        continue
      }
      const { records, low, high } = page
      if (records.length > 0 || page.nextOffset >= high || page.nextOffset <= at) {
        const taken = records.slice(0, maxRecords)
        const nextOffset = taken.length < records.length ? (taken.at(-1)?.offset ?? at) + 1 : page.nextOffset
        const gone = offset < high && taken[0]?.offset !== offset
        return { records: taken, low, high, gone, nextOffset }
      }
      at = page.nextOffset
    }
  }

  /** What each partition of a topic holds: from `low` up to, not including, `high`. */
  async bounds(topic: string): Promise<{ partition: number; low: number; high: number }[]> {
    return this.#tried(`reading the bounds of '${topic}'`, topic, cluster => fetchBounds(cluster, topic))
  }

  /** Reads from `from` up to `to` in order, until `onRecord` says false, `maxRecords` were seen, or the signal aborts. */
  async scan(request: ScanRequest): Promise<ScanReport> {
    const { topic, partition, from, to, onRecord, maxRecords, signal } = request
    let scanned = 0
    let nextOffset = from
    while (nextOffset < to) {
      if (scanned >= maxRecords || signal?.aborted === true) return { scanned, complete: false, nextOffset }
      const wanted = Math.min(maxRecords - scanned, to - nextOffset)
      const slice = await this.read({ topic, partition, offset: nextOffset, maxRecords: wanted })
      for (const record of slice.records) {
        if (record.offset >= to) return { scanned, complete: true, nextOffset: to }
        scanned += 1
        if (onRecord(record) === false) return { scanned, complete: false, nextOffset: record.offset + 1 }
      }
      if (slice.nextOffset >= slice.high) return { scanned, complete: true, nextOffset: Math.min(to, slice.high) }
      nextOffset = slice.nextOffset
    }
    return { scanned, complete: true, nextOffset }
  }

  /** Closes the connections; reads under way fail, later ones too. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const open = [...this.#discarded.keys(), ...(this.#cluster === undefined ? [] : [this.#cluster])]
    for (const cancel of this.#discarded.values()) cancel()
    this.#discarded.clear()
    this.#cluster = undefined
    await Promise.all(open.map(opening => this.#close(opening)))
  }

  /** Never rejects: whoever was reading has the error of the opening. What hangs is given up. */
  async #close(opening: Promise<RawCluster>): Promise<void> {
    const { clock, logger } = this.#options
    const late = (): Error => new ErrandError('timeout', `closing took more than ${CLOSE_MS_MAX} ms`)
    const closing = opening.then(cluster => cluster.close())
    await withDeadline(clock, closing, CLOSE_MS_MAX, late).catch((error: unknown) =>
      logger.debug('a reader was not closed', { error: String(error) }),
    )
    opening.then(
      cluster => cluster.destroy(),
      () => undefined, // it has closed what it had opened
    )
  }

  #page(request: PageRequest): Promise<LogPage> {
    const key = `${partitionKey(request)}:${request.offset}:${request.bytesMax}`
    const same = this.#underWay.get(key)
    if (same !== undefined) return same
    const { topic, partition, offset } = request
    const page = this.#slot(() =>
      this.#tried(`reading offset ${offset} of partition ${partition} of '${topic}'`, topic, cluster =>
        fetchPage(cluster, request),
      ),
    ).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, page)
    return page
  }

  async #boundsOf({ topic, partition }: TopicPartition): Promise<{ low: number; high: number }> {
    const found = (await this.bounds(topic)).find(each => each.partition === partition)
    if (found !== undefined) return found
    throw new ErrandError('not_found', `topic '${topic}' has no partition ${partition}`, {
      details: { topic, partition },
    })
  }

  /** Tries a few times with fresh metadata: a leader may have moved, a broker gone, a partition been added. */
  async #tried<T>(doing: string, topic: string, call: (cluster: RawCluster) => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options
    const late = (): Error => new ErrandError('unavailable', `${doing} took more than ${TRY_MS_MAX} ms`)
    for (let attempt = 1; ; attempt += 1) {
      const opening = this.#connected()
      try {
        return await withDeadline(clock, opening.then(call), TRY_MS_MAX, late)
      } catch (error) {
        const failure = fromKafka(error, doing, { topic })
        const triesMax = TRIES_MAX[failure.code] ?? 1
        if (attempt >= triesMax || this.#stopping.signal.aborted) throw failure
        logger.debug('a read of the log is tried again', { reason: failure.message, attempt })
        this.#discard(opening) // a topic that was deleted poisons all that this cluster does
        if (failure.code === 'unavailable') await clock.sleep(RETRY_PAUSE_MS, { signal: this.#stopping.signal })
      }
    }
  }

  #connected(): Promise<RawCluster> {
    const { settings, namespace } = this.#options
    if (this.#stopping.signal.aborted) return Promise.reject(new ErrandError('conflict', 'the log reader was stopped'))
    this.#cluster ??= openRawCluster(settings, `${namespace}.reader.${randomUUID()}`)
    return this.#cluster
  }

  /** Lets the next try connect anew; the old connections are closed when the reads that use them have had their time. */
  #discard(failed: Promise<RawCluster>): void {
    if (this.#cluster !== failed) return // somebody else's read has done it
    this.#cluster = undefined
    const cancel = this.#options.clock.after(TRY_MS_MAX, () => {
      this.#discarded.delete(failed)
      void this.#close(failed)
    })
    this.#discarded.set(failed, cancel)
  }

  /** At most so many fetches at once: each may bring a megabyte. */
  async #slot<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running >= READING_LIMITS.fetchesAtOnceMax) await new Promise<void>(resolve => this.#queue.push(resolve))
    else this.#running += 1
    try {
      return await call()
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#running -= 1
      else next() // the slot is passed on
    }
  }
}

function isOutOfRange(error: unknown): boolean {
  return isErrandError(error) && kafkaErrorType(error.cause) === 'OFFSET_OUT_OF_RANGE'
}
