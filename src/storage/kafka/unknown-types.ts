// Scheduled attempts of types that have no lanes: they could never be made ready, so they are set aside as poison.
//
//   noticed ──no lanes──▶ waits ──still none──▶ DLQ ▸ tombstone ▸ forgotten
//      └──lanes, or some──▶ left where it is ◀──lanes──┘
//
// Looked for twice: a broker may learn late of topics that another one has made, and what was accepted must not go.

import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import { ErrandError } from '../../core/errors.ts'
import { SCHEDULE_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import { laneTopics } from '../../core/topics.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { forget } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import { memberOf } from './delay-log.ts'
import { poisonOf } from './lanes.ts'
import type { Publisher } from './publisher.ts'
import { standingOf, standingRecords } from './standing-records.ts'

/** Between the two looks. In a cluster the brokers have the same picture within milliseconds. */
const SECOND_LOOK_MS = 2_000

/** A scheduled attempt whose type nobody here knows. */
export interface Stranger {
  readonly member: string
  readonly type: string
  readonly partition: number
  /** Its delay record; null when only the index told of it. */
  readonly record: LogRecord | null
}

/** What {@link UnknownTypes} needs. */
export interface UnknownTypesParts {
  readonly namespace: string
  readonly store: SideStore
  readonly publisher: Publisher
  readonly admin: TopicAdmin
  readonly reader: LogReader
  readonly delayTopic: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Sets aside what has no lanes to go to. */
export class UnknownTypes {
  readonly #parts: UnknownTypesParts
  readonly #closed = new AbortController()
  readonly #underWay = new Map<string, Promise<boolean>>()

  constructor(parts: UnknownTypesParts) {
    this.#parts = parts
  }

  /**
   * Judges strangers, in the background of whoever noticed them. True once each is set aside or left for its lanes; false when
   * the storage was closed before, or when some were passed over. That happens to those that only the index told of while
   * `strangersMax` are being judged, as they pile up while Kafka is away; they are due again. Never rejects.
   */
  async judge(strangers: readonly Stranger[]): Promise<boolean> {
    const fresh = this.#withinBounds(strangers.filter(({ member }) => !this.#underWay.has(member)))
    if (fresh.length > 0) {
      const judging = this.#untilJudged(fresh).finally(() => fresh.forEach(each => this.#underWay.delete(each.member)))
      for (const { member } of fresh) this.#underWay.set(member, judging)
    }
    const judged = await Promise.all(strangers.map(({ member }) => this.#underWay.get(member) ?? false))
    return judged.every(Boolean)
  }

  // Those with their records are bounded by whoever fetched them: their offsets wait, and no more is fetched.
  #withinBounds(fresh: readonly Stranger[]): readonly Stranger[] {
    let room = SCHEDULE_LIMITS.strangersMax - this.#underWay.size
    return fresh.filter(({ record }) => record !== null || room-- > 0)
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all(this.#underWay.values())
  }

  async #untilJudged(strangers: readonly Stranger[]): Promise<boolean> {
    for (;;) {
      try {
        await this.#judge(strangers)
        return true
      } catch (error) {
        if (this.#closed.signal.aborted) return false
        this.#parts.logger.warn('a type without lanes could not be looked into; trying again', { error: String(error) })
      }
      if (!(await this.#paused())) return false
    }
  }

  async #judge(strangers: readonly Stranger[]): Promise<void> {
    const suspects = await this.#withoutLanes(strangers)
    if (suspects.length === 0) return
    await this.#parts.clock.sleep(SECOND_LOOK_MS, { signal: this.#closed.signal })
    const unknown = await this.#withoutLanes(suspects)
    if (unknown.length > 0) await this.#setAside(unknown)
  }

  async #paused(): Promise<boolean> {
    const { clock } = this.#parts
    return clock.sleep(SECOND_LOOK_MS, { signal: this.#closed.signal }).then(
      () => true,
      () => false, // closed
    )
  }

  /** Those whose type has none of its four lanes. Rejects when Kafka does not say. */
  async #withoutLanes(strangers: readonly Stranger[]): Promise<Stranger[]> {
    const { admin, namespace } = this.#parts
    const types = [...new Set(strangers.map(({ type }) => type))]
    const found = await admin.partitionCounts(types.flatMap(type => laneTopics(namespace, type)))
    const unknown = new Set(types.filter(type => laneTopics(namespace, type).every(topic => !found.has(topic))))
    return strangers.filter(({ type }) => unknown.has(type))
  }

  async #setAside(strangers: readonly Stranger[]): Promise<void> {
    await this.#bury(strangers.filter(({ record }) => record !== null))
    const indexed = strangers.filter(({ record }) => record === null)
    for (const partition of new Set(indexed.map(each => each.partition))) {
      const members = new Map(indexed.filter(each => each.partition === partition).map(each => [each.member, each]))
      await this.#setAsideOf(partition, members)
    }
  }

  /** Looks in the log for what only the index told of. What has its tombstone there has been set aside by another. */
  async #setAsideOf(partition: number, waiting: Map<string, Stranger>): Promise<void> {
    const { reader, delayTopic: topic } = this.#parts
    const { signal } = this.#closed
    const bounds = (await reader.bounds(topic)).find(each => each.partition === partition)
    const stretch = { topic, partition, from: bounds?.low ?? 0, to: bounds?.high ?? 0 }
    const standing = await standingOf(reader, stretch, new Set(waiting.keys()), signal)
    for await (const records of standingRecords(reader, standing, signal)) {
      const found = records.flatMap(record => {
        const stranger = waiting.get(memberOf(record))
        return stranger === undefined ? [] : [{ ...stranger, record }]
      })
      await this.#bury(found)
      for (const { member } of found) waiting.delete(member)
    }
    const moved = [...waiting.keys()].find(member => standing.offsets.get(member) !== undefined)
    // Written once more meanwhile, and compacted: without its letter it must not go.
    if (moved !== undefined) throw new ErrandError('conflict', `the delay record ${moved} has moved while it was read`)
    await this.#bury([...waiting.values()])
  }

  // The tombstone behind the letter: whoever dies in between leaves the record for the next, and the DLQ has it twice.
  async #bury(strangers: readonly Stranger[]): Promise<void> {
    if (strangers.length === 0) return
    const { publisher, store, clock, logger } = this.#parts
    const poison = strangers.flatMap(({ record, type }) =>
      record === null ? [] : [poisonOf(record, noLanes(type), clock.nowMs())],
    )
    for (const { source, reason } of poison) logger.warn('poison record', { ...source, reason })
    if (poison.length > 0) await publisher.writePoison(poison)
    const tombstones = strangers.map(({ member, partition }) => publisher.tombstone(member, partition))
    await crossing('schedule.tombstoned', () => publisher.writeAll(tombstones))
    const over = strangers.map(({ member }) => ({ member, activity: null }))
    await crossing('schedule.forgotten', () => forget(store, over))
  }
}

function noLanes(type: string): ErrandError {
  return new ErrandError('serialization', `type '${type}' has no lanes: nobody has declared it.`, {
    details: { reason: 'unknown_type' },
  })
}
