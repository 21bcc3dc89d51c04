// Scheduled attempts of types that have no lanes: they could never be made ready, so they are set aside as poison.
//
//   noticed ──no lanes──▶ waits ──still none──▶ DLQ ▸ tombstone ▸ forgotten
//      └──lanes, or some──▶ left where it is ◀──lanes──┘
//
// Looked for twice: a broker may learn late of topics that another one has made, and what was accepted must not go.

import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import { ErrandError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { laneTopics } from '../../core/topics.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { forget } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import { StandingDelays } from './delay-log.ts'
import { poisonOf } from './lanes.ts'
import type { Publisher } from './publisher.ts'

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
   * the storage was closed before. Never rejects.
   */
  async judge(strangers: readonly Stranger[]): Promise<boolean> {
    const fresh = strangers.filter(({ member }) => !this.#underWay.has(member))
    if (fresh.length > 0) {
      const judging = this.#untilJudged(fresh).finally(() => fresh.forEach(each => this.#underWay.delete(each.member)))
      for (const { member } of fresh) this.#underWay.set(member, judging)
    }
    const judged = await Promise.all(strangers.map(({ member }) => this.#underWay.get(member)))
    return judged.every(isDone => isDone !== false)
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

  // The tombstone behind the letter: whoever dies in between leaves the record for the next, and the DLQ has it twice.
  async #setAside(strangers: readonly Stranger[]): Promise<void> {
    const { publisher, store, clock, logger } = this.#parts
    const found = await this.#withRecords(strangers)
    const poison = found.flatMap(({ record, type }) =>
      record === null ? [] : [poisonOf(record, noLanes(type), clock.nowMs())],
    )
    for (const { source, reason } of poison) logger.warn('poison record', { ...source, reason })
    if (poison.length > 0) await publisher.writePoison(poison)
    const tombstones = strangers.map(({ member, partition }) => publisher.tombstone(member, partition))
    await crossing('schedule.tombstoned', () => publisher.writeAll(tombstones))
    const over = strangers.map(({ member }) => ({ member, activity: null }))
    await crossing('schedule.forgotten', () => forget(store, over))
  }

  /** Looks in the log for what only the index told of. What has its tombstone there has been set aside by another. */
  async #withRecords(strangers: readonly Stranger[]): Promise<Stranger[]> {
    const { reader, delayTopic } = this.#parts
    const wanted = strangers.filter(({ record }) => record === null)
    if (wanted.length === 0) return [...strangers]
    const members = new Set(wanted.map(({ member }) => member))
    const partitions = new Set(wanted.map(({ partition }) => partition))
    const standing = new StandingDelays(members)
    for (const { partition, low, high } of await reader.bounds(delayTopic)) {
      if (!partitions.has(partition)) continue
      const onRecord = (record: LogRecord): void => standing.add(record)
      await reader.scan({ topic: delayTopic, partition, from: low, to: high, maxRecords: high - low, onRecord })
    }
    return strangers.map(each => ({ ...each, record: each.record ?? standing.get(each.member) ?? null }))
  }
}

function noLanes(type: string): ErrandError {
  return new ErrandError('serialization', `type '${type}' has no lanes: nobody has declared it.`, {
    details: { reason: 'unknown_type' },
  })
}
