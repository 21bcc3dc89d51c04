// One activity in full: what it is now, what happened to it, and what happens from now on.

import type { Activity, Status } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { isErrandError } from '../../core/errors.ts'
import { READING_LIMITS } from '../../core/limits.ts'
import { delayKey } from '../../core/topics.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { decodeOutcome } from '../../wire/outcome-record.ts'
import { readDealt } from '../redis/discards.ts'
import { readMarkers } from '../redis/markers.ts'
import { indexed } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { ActivityEvent, ActivitySnapshot, EventGap } from '../storage.ts'
import type { FoundActivity, LogSearch } from './log-search.ts'
import { outcomeEvent, snapshotOf, timelineOf } from './summaries.ts'
import type { TopicCatalog } from './topic-catalog.ts'

const TAIL_MS = 200

/** Snapshots, timelines, the live stream. */
export class Timelines {
  readonly #store: SideStore
  readonly #search: LogSearch
  readonly #reader: LogReader
  readonly #catalog: TopicCatalog
  readonly #clock: Clock

  constructor(parts: { store: SideStore; search: LogSearch; reader: LogReader; catalog: TopicCatalog; clock: Clock }) {
    this.#store = parts.store
    this.#search = parts.search
    this.#reader = parts.reader
    this.#catalog = parts.catalog
    this.#clock = parts.clock
  }

  async snapshot(id: string): Promise<ActivitySnapshot | null> {
    const [marker = null] = await readMarkers(this.#store, [id])
    if (marker !== null && isTerminal(marker.status as Status)) return this.#endedSnapshot(id, marker)
    if (marker !== null && marker.envelope !== null) {
      const activity = decodeActivity(marker.envelope)
      return snapshotOf({ status: 'running', activity, outcome: null, marker, coordinates: null })
    }
    const scheduled = await indexed(this.#store, delayKey(id, marker?.attempt ?? 1))
    if (scheduled !== null) {
      const activity = decodeActivity(scheduled.entry.envelope)
      return snapshotOf({ status: 'scheduled', activity, outcome: null, marker, coordinates: null })
    }
    const home = marker === null || marker.home === null ? null : await indexed(this.#store, marker.home)
    if (home !== null) {
      // Given back after it had run for long, and on its way to its lane.
      const activity = decodeActivity(home.entry.envelope)
      return snapshotOf({ status: 'pending', activity, outcome: null, marker, coordinates: null })
    }
    if (marker === null) {
      // Nothing in Redis: pending, or ended longer ago than Redis remembers.
      const outcome = await this.#search.terminalOutcome(id)
      if (outcome !== null) {
        return snapshotOf({
          status: statusOf(outcome.outcome),
          activity: await this.#activityOf(id, outcome.type),
          outcome,
          marker,
          dealt: (await readDealt(this.#store, [id]))[0],
          coordinates: null,
        })
      }
    }
    const found = await this.#search.laneRecord(id, { type: marker?.type })
    return snapshotOf({
      status: 'pending',
      activity: found?.activity ?? null,
      outcome: null,
      marker,
      coordinates: found?.coordinates ?? null,
    })
  }

  async #endedSnapshot(
    id: string,
    marker: NonNullable<Awaited<ReturnType<typeof readMarkers>>[number]>,
  ): Promise<ActivitySnapshot | null> {
    const [found, outcome, [dealt]] = await Promise.all([
      this.#laneRecordOf(id, marker.type),
      this.#search.terminalOutcome(id, marker.settled?.endedAtMs),
      readDealt(this.#store, [id]),
    ])
    // The outcome's copy is of the attempt that ended; a lane may still hold an earlier one.
    const activity = (await this.#activityFrom(id, outcome?.envelope ?? null, marker.status)) ?? found?.activity ?? null
    return snapshotOf({
      status: statusOf(marker.status),
      activity,
      outcome,
      marker,
      dealt,
      coordinates: found?.coordinates ?? null,
    })
  }

  /** Of what has ended: its lane may be gone, and trimmed; the outcome tells the rest. */
  async #laneRecordOf(id: string, type: string): Promise<FoundActivity | null> {
    try {
      return await this.#search.laneRecord(id, { type, everywhere: false })
    } catch (error) {
      if (isErrandError(error, 'not_found')) return null
      throw error
    }
  }

  async #activityOf(id: string, type: string): Promise<Activity | null> {
    return (await this.#laneRecordOf(id, type))?.activity ?? null
  }

  async #activityFrom(id: string, envelope: string | null, status: string): Promise<Activity | null> {
    if (envelope !== null) return decodeActivity(envelope)
    return status === 'dead_letter' ? ((await this.#search.deadLetter(id))?.activity ?? null) : null
  }

  async events(id: string): Promise<readonly ActivityEvent[]> {
    const snapshot = await this.snapshot(id)
    if (snapshot === null) return []
    return timelineOf({ snapshot, outcomes: await this.#search.outcomes(id, snapshot.createdAtMs) })
  }

  /** What becomes of attempts from now on. */
  async *tail(signal: AbortSignal): AsyncIterable<ActivityEvent | EventGap> {
    const { outcomes } = this.#catalog.shared()
    const next = new Map((await this.#reader.bounds(outcomes)).map(({ partition, high }) => [partition, high]))
    while (!signal.aborted) {
      for (const { partition, high } of await this.#reader.bounds(outcomes)) {
        const from = next.get(partition) ?? 0
        next.set(partition, high)
        if (high - from > READING_LIMITS.tailBehindMax) yield { type: 'gap', atMs: this.#clock.nowMs() }
        yield* await this.#read(partition, Math.max(from, high - READING_LIMITS.tailBehindMax), high)
      }
      const isOver = await this.#clock.sleep(TAIL_MS, { signal }).then(
        () => false,
        (error: unknown) => {
          if (isErrandError(error, 'cancelled')) return true
          throw error
        },
      )
      if (isOver) return
    }
  }

  async #read(partition: number, from: number, to: number): Promise<ActivityEvent[]> {
    const events: ActivityEvent[] = []
    if (from >= to) return events
    await this.#reader.scan({
      topic: this.#catalog.shared().outcomes,
      partition,
      from,
      to,
      maxRecords: to - from,
      onRecord: record => {
        try {
          events.push(outcomeEvent(decodeOutcome(record.value ?? new Uint8Array())))
        } catch {
          // poison: its place is the DLQ, not the stream
        }
      },
    })
    return events
  }
}

function statusOf(word: string): Status {
  return isTerminal(word as Status) ? (word as Status) : 'scheduled'
}
