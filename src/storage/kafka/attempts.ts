// Attempts of this process: claimed out of the lane buffers, held ones looked at again, settled, released.

import { randomUUID } from 'node:crypto'
import type { Activity, ClaimedAttempt } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import type { Logger } from '../../core/logger.ts'
import { CONSUMER_LIMITS, LIMITS } from '../../core/limits.ts'
import { isTerminal } from '../../core/activity.ts'
import type { Status } from '../../core/activity.ts'
import type { ClaimAnswer } from '../redis/attempts.ts'
import { claim, release } from '../redis/attempts.ts'
import { readMarkers, readStates } from '../redis/markers.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { LaneEntry } from './lane-buffers.ts'
import type { Lanes } from './lanes.ts'
import { coordinatesOf } from './lanes.ts'
import type { Publisher } from './publisher.ts'
import type { Rehoming } from './rehoming.ts'
import { settlementOf } from './settled.ts'

/** An attempt that this process has claimed. */
export interface RunningAttempt {
  readonly entry: LaneEntry
  readonly leaseId: string
  readonly worker: string
  readonly startedAtMs: number
  /** By this process's monotonic clock: from when on its marker is looked at, since others may reap, settle or release it. */
  doubtAtMs: number
}

/** What is to be claimed, and for whom. */
export interface ClaimParams {
  readonly types: readonly string[]
  readonly limit: number
  readonly leaseMs: number
  readonly worker: string
}

/** Claims, and keeps what was claimed. */
export class Attempts {
  readonly #store: SideStore
  readonly #lanes: Lanes
  readonly #publisher: Publisher
  readonly #rehoming: Rehoming
  readonly #restore: () => Promise<void>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #running = new Map<string, RunningAttempt>()
  readonly #held = new Map<LaneEntry, number>()
  /** Their claims may have been made: each is claimed again under the same lease id, or that lease is given back. */
  readonly #unanswered = new Set<LaneEntry>()
  #looking: Promise<void> | undefined
  #cancelLook: (() => void) | undefined
  #isClosed = false

  constructor(parts: {
    store: SideStore
    lanes: Lanes
    publisher: Publisher
    rehoming: Rehoming
    restore: () => Promise<void>
    clock: Clock
    logger: Logger
  }) {
    this.#restore = parts.restore
    this.#store = parts.store
    this.#lanes = parts.lanes
    this.#publisher = parts.publisher
    this.#rehoming = parts.rehoming
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  running(leaseId: string): RunningAttempt | undefined {
    return this.#running.get(leaseId)
  }

  /** Claims up to `limit` attempts that are fetched and waiting; none when there are none. */
  async claimWaiting(params: ClaimParams): Promise<ClaimedAttempt[]> {
    const entries = this.#lanes.buffers.take(params.types, params.limit)
    if (entries.length === 0) return []
    const requests = entries.map(entry => ({
      activity: entry.activity,
      envelope: entry.envelope,
      leaseId: (entry.leaseId ??= randomUUID()),
    }))
    const answers = await crossing('claim.leased', () =>
      claim(this.#store, { requests, leaseMs: params.leaseMs, worker: params.worker }),
    ).catch((error: unknown) => {
      // The outcome is unknown: the same lease ids are used again, so that a claim which was made is found again.
      this.#claimAgain(entries)
      throw error
    })
    for (const entry of entries) this.#unanswered.delete(entry)
    if (answers.some(answer => answer.verdict === 'unrestored')) return this.#restoreFirst(entries)
    return this.#take(entries, answers, params)
  }

  // Claims that were made before Redis was emptied in their middle are gone with it; all are made again, under their lease ids.
  async #restoreFirst(entries: readonly LaneEntry[]): Promise<ClaimedAttempt[]> {
    this.#claimAgain(entries)
    await this.#restore()
    return []
  }

  #claimAgain(entries: readonly LaneEntry[]): void {
    for (const entry of entries) {
      this.#unanswered.add(entry)
      this.#lanes.buffers.push(entry)
    }
    this.#scheduleLook()
  }

  #take(entries: readonly LaneEntry[], answers: readonly ClaimAnswer[], params: ClaimParams): ClaimedAttempt[] {
    const claimed: ClaimedAttempt[] = []
    const done: LaneEntry[] = []
    entries.forEach((entry, at) => {
      const answer = answers[at]
      if (answer?.verdict === 'claimed') claimed.push(this.#keep(entry, params, answer))
      else if (answer?.verdict === 'done') done.push(entry)
      else this.#hold(entry)
    })
    if (done.length > 0) this.#finishDone(done).catch((error: unknown) => this.#later(done, error))
    return claimed
  }

  #keep(
    entry: LaneEntry,
    params: ClaimParams,
    answer: { readonly deadlineMs: number; readonly startedAtMs: number },
  ): ClaimedAttempt {
    const leaseId = entry.leaseId ?? ''
    entry.heldLooks = 0
    this.#running.set(leaseId, {
      entry,
      leaseId,
      worker: params.worker,
      startedAtMs: answer.startedAtMs,
      doubtAtMs: this.#clock.monotonicMs() + CONSUMER_LIMITS.heldRecheckMsMax / 2,
    })
    this.#scheduleLook()
    return {
      activity: entry.activity,
      attempt: entry.activity.attempt,
      leaseId,
      deadlineMs: answer.deadlineMs,
      startedAtMs: answer.startedAtMs,
      coordinates: coordinatesOf(entry.record),
    }
  }

  /** The attempt was settled and Kafka remembers it: its record is finished. */
  finished(leaseId: string): void {
    const attempt = this.#running.get(leaseId)
    if (attempt === undefined) return
    this.#running.delete(leaseId)
    this.#held.delete(attempt.entry)
    this.#lanes.finish([attempt.entry])
  }

  /** The lease turned out to be somebody else's: what became of the record shows when it is looked at again. */
  lost(leaseId: string): void {
    const attempt = this.#running.get(leaseId)
    if (attempt === undefined) return
    this.#running.delete(leaseId)
    this.#hold(attempt.entry)
  }

  /** These activities' attempts were reaped: should they run here, their records are looked at again. */
  doubt(ids: readonly string[]): void {
    if (this.#running.size === 0) return
    const reaped = new Set(ids)
    for (const attempt of this.#running.values()) {
      if (reaped.has(attempt.entry.activity.id)) attempt.doubtAtMs = Number.NEGATIVE_INFINITY
    }
  }

  /** The attempt was given back: its record waits again, here, as long as its partition is ours. Its home, if it has one, is due. */
  released(leaseId: string): void {
    const attempt = this.#running.get(leaseId)
    if (attempt === undefined) return
    this.#running.delete(leaseId)
    this.#held.delete(attempt.entry)
    attempt.entry.leaseId = null
    this.#offer(attempt.entry)
  }

  // What has a home has no record here any more: it comes back to its lane from there.
  #offer(entry: LaneEntry): void {
    if (!this.#rehoming.has(entry)) this.#lanes.offer(entry)
  }

  /** Leases of attempts that run here, and those that may have been made without an answer. */
  leases(): { readonly id: string; readonly leaseId: string }[] {
    return [...[...this.#running.values()].map(({ entry }) => entry), ...this.#unanswered].map(leaseOf)
  }

  /** Looks at all held records now, and at those that run here. */
  async lookAtHeld(): Promise<void> {
    await this.#looking?.catch(() => undefined) // it may have passed over what is to be looked at now; its caller has the error
    for (const entry of this.#held.keys()) this.#held.set(entry, 0)
    for (const attempt of this.#running.values()) attempt.doubtAtMs = Number.NEGATIVE_INFINITY
    await this.#look()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelLook?.()
  }

  #hold(entry: LaneEntry): void {
    const wait = Math.min(
      CONSUMER_LIMITS.heldRecheckMs * 2 ** Math.min(entry.heldLooks, 8),
      CONSUMER_LIMITS.heldRecheckMsMax,
    )
    entry.heldLooks += 1
    if (!this.#runsHere(entry)) {
      entry.leaseId = null
      if (this.#rehoming.has(entry)) return void this.#held.delete(entry)
    }
    this.#held.set(entry, this.#clock.monotonicMs() + wait)
    this.#scheduleLook()
  }

  #scheduleLook(): void {
    if (this.#isClosed || this.#cancelLook !== undefined) return
    const waitMs = this.#held.size > 0 ? CONSUMER_LIMITS.heldRecheckMs : CONSUMER_LIMITS.heldRecheckMsMax / 2
    this.#cancelLook = this.#clock.after(waitMs, () => {
      this.#cancelLook = undefined
      this.#look()
        .catch((error: unknown) => this.#logger.debug('held records could not be looked at', { error: String(error) }))
        .finally(() => {
          if (this.#held.size > 0 || this.#running.size > 0 || this.#unanswered.size > 0) this.#scheduleLook()
        })
    })
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  // An offset is finished once its attempt has a home; what stands behind it may be what holds the frontier then.
  async #rehome(): Promise<void> {
    const running = [...this.#running.values()].map(({ entry }) => entry)
    const homed = await this.#rehoming.rehome({ running, held: this.#held.keys() })
    if (homed.length === 0) return
    for (const entry of homed) if (!this.#runsHere(entry)) this.#held.delete(entry)
    this.#lanes.finish(homed)
    if (!this.#isClosed) void this.#rehome()
  }

  async #lookOnce(): Promise<void> {
    void this.#rehome()
    const nowMs = this.#clock.monotonicMs()
    // A lease that should be over may have been reaped while its worker sleeps: its record is looked at like a held one.
    for (const attempt of this.#running.values()) {
      if (attempt.doubtAtMs <= nowMs && !this.#held.has(attempt.entry)) this.#held.set(attempt.entry, 0)
    }
    await this.#giveBackUnanswered()
    const due: LaneEntry[] = []
    for (const [entry, atMs] of this.#held) {
      if (!entry.record.epoch.isOpen) this.#held.delete(entry)
      else if (atMs <= nowMs) due.push(entry)
    }
    for (let at = 0; at < due.length; at += LIMITS.scriptBatchMax)
      await this.#lookAt(due.slice(at, at + LIMITS.scriptBatchMax))
  }

  // Their partitions are others' now, who would find the attempts held until the leases expire, and count that as a failure.
  async #giveBackUnanswered(): Promise<void> {
    const gone = [...this.#unanswered].filter(entry => !entry.record.epoch.isOpen)
    if (gone.length === 0) return
    await crossing('claim.returned', () => release(this.#store, gone.map(leaseOf)))
    for (const entry of gone) this.#unanswered.delete(entry)
  }

  async #lookAt(entries: readonly LaneEntry[]): Promise<void> {
    const states = await readStates(
      this.#store,
      entries.map(entry => entry.activity.id),
    )
    const done: LaneEntry[] = []
    entries.forEach((entry, at) => {
      if (!this.#held.has(entry)) return
      const state = states[at]
      if (state !== null && state !== undefined && isOver(state, entry.activity)) {
        done.push(entry)
      } else if (state?.status === 'running' || state?.status === 'reaping') {
        this.#hold(entry)
      } else if (!this.#runsHere(entry) || (state !== null && state !== undefined)) {
        // Nobody runs it; were it claimed here, somebody else gave it back in the name of its lease.
        if (entry.leaseId !== null) this.#running.delete(entry.leaseId)
        entry.leaseId = null
        this.#held.delete(entry)
        this.#offer(entry)
      } else {
        // No marker, yet it runs here: Redis has lost it, and its settlement will count as ours.
        this.#hold(entry)
      }
    })
    if (done.length === 0) return
    // Claiming what is over claims nothing, and lets the markers of what was cancelled unseen go.
    const requests = done.map(({ activity, envelope }) => ({ activity, envelope, leaseId: randomUUID() }))
    await crossing('done.claimed', () => claim(this.#store, { requests, leaseMs: LIMITS.leaseMsMin, worker: '' }))
    await this.#finishDone(done).catch((error: unknown) => this.#later(done, error))
  }

  #runsHere(entry: LaneEntry): boolean {
    return entry.leaseId !== null && this.#running.has(entry.leaseId)
  }

  // Rule for `done` records: before the offset is finished, what Redis says comes next is published again. This closes
  // every window between Redis and Kafka.
  async #finishDone(entries: readonly LaneEntry[]): Promise<void> {
    const markers = await readMarkers(
      this.#store,
      entries.map(entry => entry.activity.id),
    )
    const known = entries.flatMap((entry, at) => {
      const marker = markers[at] ?? null
      // Redis was emptied just now: nobody knows what comes next, so it is looked at again like any other.
      if (marker === null) this.#hold(entry)
      return marker === null ? [] : [{ entry, marker }]
    })
    const records = known.map(({ entry, marker }) => {
      const settlement = settlementOf(entry.activity, coordinatesOf(entry.record), marker)
      return settlement === null ? [] : this.#publisher.settlement(settlement)
    })
    const errors = await crossing('done.published', () => this.#publisher.writeEach(records))
    known.forEach(({ entry }, at) => {
      const error = errors[at]
      if (error !== undefined) return this.#later([entry], error)
      this.#held.delete(entry)
      if (entry.leaseId !== null) this.#running.delete(entry.leaseId)
      this.#lanes.finish([entry])
    })
  }

  #later(entries: readonly LaneEntry[], error: unknown): void {
    this.#logger.warn('what became of done records could not be published; trying again', { error: String(error) })
    for (const entry of entries) this.#hold(entry)
  }
}

function leaseOf({ activity, leaseId }: LaneEntry): { readonly id: string; readonly leaseId: string } {
  return { id: activity.id, leaseId: leaseId ?? '' }
}

function isOver(state: { readonly status: string; readonly attempt: number }, activity: Activity): boolean {
  if (state.attempt > activity.attempt) return true
  return isTerminal(state.status as Status) && state.attempt >= activity.attempt
}
