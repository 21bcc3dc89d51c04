// What a rebuild says of itself while it works.

import type { Clock } from '../../core/clock.ts'

/**
 * The phases, in order: what ended lately, of what ended earlier as much as still counts, what is scheduled, what waits, and
 * what ended meanwhile. Nothing is missed: an activity moves from the schedule to a lane and from there to the outcomes.
 */
export const REBUILD_PHASES = ['outcomes', 'older outcomes', 'schedule', 'lanes', 'new outcomes'] as const
/** One of {@link REBUILD_PHASES}. */
export type RebuildPhase = (typeof REBUILD_PHASES)[number]

/** How far a rebuild is. */
export interface RebuildProgress {
  readonly phase: RebuildPhase
  /** Offsets of this phase that are behind it, those of an earlier call that was stopped included. */
  readonly done: number
  /** Offsets of this phase. Compacted and trimmed ones count too. */
  readonly total: number
  /** Since this call came to the phase. */
  readonly perSecond: number
}

/** Counts one phase. */
export class PhaseProgress {
  readonly #phase: RebuildPhase
  readonly #clock: Clock
  readonly #tell: (progress: RebuildProgress) => void
  readonly #total: number
  readonly #startedMs: number
  readonly #doneAtStart: number
  #done: number

  constructor(params: {
    phase: RebuildPhase
    done: number
    total: number
    clock: Clock
    tell: (progress: RebuildProgress) => void
  }) {
    this.#phase = params.phase
    this.#clock = params.clock
    this.#tell = params.tell
    this.#total = params.total
    this.#done = params.done
    this.#doneAtStart = params.done
    this.#startedMs = params.clock.monotonicMs()
    this.advance(0)
  }

  /** So many offsets more are behind it. */
  advance(offsets: number): void {
    this.#done += offsets
    const seconds = (this.#clock.monotonicMs() - this.#startedMs) / 1_000
    const perSecond = seconds <= 0 ? 0 : Math.round((this.#done - this.#doneAtStart) / seconds)
    this.#tell({ phase: this.#phase, done: this.#done, total: this.#total, perSecond })
  }
}
