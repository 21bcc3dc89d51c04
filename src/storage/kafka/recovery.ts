// What happens when Redis turns out to be empty (new, flushed, or restarted without its data): nothing is claimed until one
// process has told it what the logs still know, namely which attempts have ended lately and what is scheduled. A generation
// key says that this was done; the claim script looks for it.

import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import { RECOVERY_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import type { SideStore } from '../redis/side-store.ts'
import { readPages } from './log-pages.ts'
import { outcomesOf, replayOutcomes } from './outcome-replay.ts'
import type { Scheduling } from './scheduling.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/**
 * How far back outcomes are read, or as far as attempts hold up what is finished behind them. A record is delivered again when
 * its offset was finished less than a commit interval ago, or stands behind one that is not finished; what of that fits into the
 * commit's metadata is known without.
 */
const WINDOW_MS_MIN = 300_000
/** Record times are their writers' clocks. */
const SKEW_MS = 120_000
/** While another process is at it, and to follow it should it die. */
const LOOK_MS = 100

/** Restores what an emptied Redis must know before claims go on. */
export class Recovery {
  readonly #store: SideStore
  readonly #scheduling: Scheduling
  readonly #catalog: TopicCatalog
  readonly #admin: TopicAdmin
  readonly #reader: LogReader
  readonly #windowMs: number
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  #restoring: Promise<void> | undefined

  constructor(parts: {
    store: SideStore
    scheduling: Scheduling
    catalog: TopicCatalog
    admin: TopicAdmin
    reader: LogReader
    rehomeAfterMs: number
    clock: Clock
    logger: Logger
  }) {
    this.#store = parts.store
    this.#scheduling = parts.scheduling
    this.#catalog = parts.catalog
    this.#admin = parts.admin
    this.#reader = parts.reader
    this.#windowMs = Math.max(WINDOW_MS_MIN, parts.rehomeAfterMs) + SKEW_MS
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  /** Resolves once Redis knows what the logs know; at once when it does already. One round trip in that case. */
  ensure(): Promise<void> {
    this.#restoring ??= this.#ensure().finally(() => {
      this.#restoring = undefined
    })
    return this.#restoring
  }

  async #ensure(): Promise<void> {
    while (!(await this.#store.hasGeneration())) {
      const done = await this.#scheduling.alone(() => this.#restore())
      if (!done) await this.#clock.sleep(LOOK_MS, { signal: this.#stopping.signal })
    }
  }

  async #restore(): Promise<void> {
    const token = await crossing('restore.begun', () => this.#store.beginRestore())
    // Markers first: the schedule is not restored where a marker says that an attempt is over.
    const markers = await this.#restoreMarkers()
    const scheduled = await this.#scheduling.restore()
    await crossing('restore.generation', () => this.#store.endRestore(token))
    if (markers + scheduled > 0) {
      this.#logger.warn('Redis was emptied or started anew: told from the logs', { markers, scheduled })
    }
  }

  async #restoreMarkers(): Promise<number> {
    const { outcomes: topic } = this.#catalog.shared()
    const bounds = await this.#reader.bounds(topic)
    if (bounds.every(({ low, high }) => low === high)) return 0
    const starts = await this.#admin.offsetsAtTime(topic, (await this.#store.nowMs()) - this.#windowMs)
    let written = 0
    for (const { partition, low, high } of bounds) {
      const start = starts.find(each => each.partition === partition)?.offset ?? low
      const stretch = { topic, partition, from: Math.max(low, start, high - RECOVERY_LIMITS.outcomesMax), to: high }
      for await (const page of readPages(this.#reader, stretch, this.#stopping.signal)) {
        written += (await replayOutcomes(this.#store, outcomesOf(page).outcomes)).markers
      }
    }
    return written
  }

  close(): void {
    this.#stopping.abort()
  }
}
