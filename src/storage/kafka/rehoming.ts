// Long attempts are re-homed: what runs for minutes, or holds its partition's frontier while thousands are finished behind it,
// gets a delay record of its own, its home, and its lane record is finished.
//
//   lane record ──home written ▸ indexed──▶ home ──the attempt ended, Kafka remembers how──▶ tombstone ▸ forgotten
//                                           │  ▲ └─given back, or lost by Redis──▶ lane record ▸ tombstone ▸ forgotten
//                                           └──┘ runs: looked at again
//
// Invariant: a home stands for the lane record that it was written for, until Kafka remembers how the attempt ended, or has a
// lane record of it again. Each home has a key that no other record ever has, so that no tombstone can be meant for another.
// Who has the lease does not matter for this, so nothing here is fenced: what has become of the attempt shows when its home is
// due, as it shows for a lane record when it is looked at.

import { randomUUID } from 'node:crypto'
import type { Activity } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import type { Logger } from '../../core/logger.ts'
import { REHOMING_LIMITS } from '../../core/limits.ts'
import { readMarkers } from '../redis/markers.ts'
import type { DueEntry } from '../redis/schedule.ts'
import { forget, index, lookAtHomes } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import { homeKey, isHome } from './delay-log.ts'
import type { LaneEntry } from './lane-buffers.ts'
import type { Lanes } from './lanes.ts'
import type { LongOnesParams } from './long-ones.ts'
import { LongOnes, placeOf } from './long-ones.ts'
import type { Publisher } from './publisher.ts'
import { settlementOf } from './settled.ts'

/** A delay record that is an attempt's home. */
type Home = Pick<DueEntry, 'member' | 'partition'>

/** What the schedule has taken as due. */
export interface DueAttempt {
  readonly activity: Activity
  readonly entry: DueEntry
}

/** Gives homes to long attempts, and sees to them when they are due. */
export class Rehoming {
  readonly #store: SideStore
  readonly #publisher: Publisher
  readonly #lanes: Lanes
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #longOnes: LongOnes
  readonly #homes = new WeakMap<LaneEntry, Home>()
  #isBusy = false
  #isUsed = false

  constructor(parts: {
    store: SideStore
    publisher: Publisher
    lanes: Lanes
    rehomeAfterMs: number
    clock: Clock
    logger: Logger
  }) {
    this.#store = parts.store
    this.#publisher = parts.publisher
    this.#lanes = parts.lanes
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#longOnes = new LongOnes(parts.rehomeAfterMs)
  }

  /** Whether an entry's attempt has a home: its lane record is finished, and must not be waited for. */
  has(entry: LaneEntry): boolean {
    return this.#homes.has(entry)
  }

  /**
   * Gives homes to the long ones among the entries that run here, or are held for others. Gives those whose lane records can be
   * finished, since Kafka has their homes and Redis knows. Never rejects; none while an earlier call is under way.
   */
  async rehome(entries: Pick<LongOnesParams, 'running' | 'held'>): Promise<readonly LaneEntry[]> {
    if (this.#isBusy) return []
    const chosen = this.#longOnes.choose({
      ...entries,
      isHomed: entry => this.has(entry),
      pressed: () => this.#pressed(),
      nowMs: this.#clock.monotonicMs(),
    })
    if (chosen.length === 0) return []
    this.#isBusy = true
    try {
      return await this.#giveHomes(chosen)
    } catch (error) {
      this.#longOnes.postpone(chosen, this.#clock.monotonicMs())
      this.#logger.warn('long attempts could not be re-homed; their offsets wait', { error: String(error) })
      return []
    } finally {
      this.#isBusy = false
    }
  }

  // Kafka first, then Redis, and only then is a lane record finished. Whoever dies in between leaves one record too many.
  async #giveHomes(entries: readonly LaneEntry[]): Promise<readonly LaneEntry[]> {
    const dueAtMs = this.#clock.nowMs() + REHOMING_LIMITS.lookMs
    const homes = entries.map(entry => {
      const member = homeKey(entry.activity, randomUUID())
      return { entry, member, record: { ...this.#publisher.delay(entry.activity, dueAtMs), key: member } }
    })
    const errors = await crossing('rehome.written', () => this.#publisher.writeEach(homes.map(each => [each.record])))
    const written = homes.filter((_, at) => errors[at] === undefined)
    const error = errors.find(each => each !== undefined)
    if (error !== undefined) {
      const refused = homes.filter(each => !written.includes(each)).map(({ entry }) => entry)
      this.#longOnes.postpone(refused, this.#clock.monotonicMs())
      this.#logger.warn('Kafka did not take the homes of long attempts', {
        count: refused.length,
        error: error.message,
      })
    }
    if (written.length === 0) return []
    const indexed = written.map(({ entry: { activity, envelope }, member }) => ({
      ...this.#publisher.indexEntry(activity, dueAtMs, envelope),
      home: member,
    }))
    await crossing('rehome.indexed', () => index(this.#store, indexed))
    written.forEach(({ entry, member }, at) => {
      this.#homes.set(entry, { member, partition: indexed[at]?.partition ?? 0 })
    })
    this.#isUsed = true
    return written.map(({ entry }) => entry)
  }

  /** Where frontiers stand that too much is finished behind. */
  #pressed(): ReadonlySet<string> {
    const assigned = this.#lanes.consumers().flatMap(consumer => consumer.assigned())
    const pressed = assigned.filter(
      ({ unfinished, finishedAhead }) => unfinished + finishedAhead > REHOMING_LIMITS.recordsBehindMax,
    )
    return new Set(pressed.map(({ topic, partition, frontier }) => placeOf({ topic, partition, offset: frontier })))
  }

  /** Kafka remembers how these attempts ended: takes away the homes that they have. Never rejects. */
  async settled(entries: () => readonly LaneEntry[]): Promise<void> {
    if (!this.#isUsed) return // most never run for long
    const homes = entries().flatMap(entry => this.#homes.get(entry) ?? [])
    await this.#bury(homes).catch((error: unknown) =>
      this.#logger.warn('homes of ended attempts are taken away later', { error: String(error) }),
    )
  }

  /**
   * Of what is due, what is to be made ready. Homes are passed on only when nobody runs their attempts; those of attempts that
   * run are put off, and those of ended ones are seen to their end.
   */
  async sift(due: readonly DueAttempt[]): Promise<readonly DueAttempt[]> {
    const homes = due.filter(({ entry }) => isHome(entry.member))
    if (homes.length === 0) return due
    const looks = homes.map(({ activity, entry: { member } }) => ({ activity, member }))
    const standings = await crossing('rehome.looked', () => lookAtHomes(this.#store, looks))
    const over = homes.filter((_, at) => standings[at] === 'over')
    // Beside the others, who wait for nobody's end; due again soon.
    await this.#end(over).catch((error: unknown) =>
      this.#logger.warn('homes of ended attempts could not be taken away; due again soon', { error: String(error) }),
    )
    const waiting = new Set(homes.filter((_, at) => standings[at] === 'waiting'))
    return due.filter(each => !isHome(each.entry.member) || waiting.has(each))
  }

  // The rule for `done` records: who ended the attempt may have died before Kafka was told.
  async #end(over: readonly DueAttempt[]): Promise<void> {
    if (over.length === 0) return
    const markers = await readMarkers(
      this.#store,
      over.map(({ activity }) => activity.id),
    )
    // Redis was emptied just now: nobody knows what comes next, so it is looked at again like any other.
    const known = over.filter((_, at) => markers[at] !== null)
    const records = over.flatMap(({ activity }, at) => {
      const marker = markers[at] ?? null
      const settlement = settlementOf(activity, null, marker)
      return marker === null ? [] : [settlement === null ? [] : this.#publisher.settlement(settlement)]
    })
    const errors = await crossing('rehome.ended', () => this.#publisher.writeEach(records))
    await this.#bury(known.filter((_, at) => errors[at] === undefined).map(({ entry }) => entry))
    const error = errors.find(each => each !== undefined)
    if (error !== undefined) throw error
  }

  // Tombstones before forgetting: a home that is forgotten first would come back with the next sweep.
  async #bury(homes: readonly Home[]): Promise<void> {
    if (homes.length === 0) return
    const tombstones = homes.map(({ member, partition }) => this.#publisher.tombstone(member, partition))
    await crossing('rehome.tombstoned', () => this.#publisher.writeAll(tombstones))
    const buried = homes.map(({ member }) => ({ member, activity: null }))
    await crossing('rehome.forgotten', () => forget(this.#store, buried))
  }
}
