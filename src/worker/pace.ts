// How fast one type may be claimed, judged by how its attempts end. Pure: times are handed in.
//
//             failures in a row
//   flowing ────────────────────▶ paused ──over──▶ one attempt at a time, the probe ──failed──▶ paused, twice as long
//      ▲                            ▲                              │
//      │ as many as at full pace    │ down to none                 │ succeeded
//      └─────────────────────── recovering ◀───────────────────────┘
//                               a success: twice as many at once · a failure: half as many
//
// Only attempts that were begun since the last pause began are listened to: what was under way before it says what is known.

import { withJitter } from '../core/retry-policy.ts'

/** Failures without a success in between that stop a type: what calls a healthy service hardly ever fails so often in a row. */
export const FAILURES_IN_A_ROW = 20
/** First pause. */
const PAUSE_MS_MIN = 1_000
/** Workers that paused together do not probe together. */
const PAUSE_JITTER = 0.5

/** `paused` includes the probe that follows a pause. */
export type PacePhase = 'flowing' | 'paused' | 'recovering'

/** What a pace is made from. */
export interface PaceParts {
  /** Attempts at once, at full pace. */
  readonly limit: number
  /** Longest pause. Unit: ms. */
  readonly pauseMsMax: number
  /** A number in [0, 1). */
  readonly random: () => number
}

/** A failure, as a pace sees it. */
export interface PaceFailure {
  /** The handler chose the delay itself: it is well, and says nothing about what it calls. */
  readonly isDeliberate: boolean
  /** So many failures in a row are enough. */
  readonly enough: number
}

/** The pace of one type. */
export class Pace {
  readonly #parts: PaceParts
  #phase: PacePhase = 'flowing'
  /** Of flowing: failures since the last success. */
  #failuresInARow = 0
  /** Since it last flowed. */
  #pauses = 0
  #pausedUntilMs = 0
  /** Of recovering: attempts at once. */
  #allowed = 1
  /** Attempts of this round that have not ended. */
  #underWay = 0
  #round = 0

  constructor(parts: PaceParts) {
    this.#parts = parts
  }

  get phase(): PacePhase {
    return this.#phase
  }

  /** Length of what is left of a pause; 0 outside one. Unit: ms. */
  pauseLeftMs(nowMs: number): number {
    return this.#phase === 'paused' ? Math.max(0, this.#pausedUntilMs - nowMs) : 0
  }

  /** How many more attempts may begin now; Infinity while it flows. */
  allowance(nowMs: number): number {
    switch (this.#phase) {
      case 'flowing':
        return Number.POSITIVE_INFINITY
      case 'paused':
        return this.pauseLeftMs(nowMs) > 0 ? 0 : Math.max(0, 1 - this.#underWay)
      case 'recovering':
        return Math.max(0, this.#allowed - this.#underWay)
    }
  }

  /** An attempt begins. Gives the round that its end is told with. */
  begin(): number {
    this.#underWay += 1
    return this.#round
  }

  /** It ended in a way that says nothing: given back, lost, or failed by its own fault. */
  leave(round: number): void {
    if (round === this.#round) this.#underWay -= 1
  }

  /** It succeeded. */
  succeed(round: number): void {
    if (round !== this.#round) return
    this.#underWay -= 1
    this.#failuresInARow = 0
    if (this.#phase === 'flowing') return
    this.#allowed = this.#phase === 'paused' ? 2 : this.#allowed * 2
    this.#phase = 'recovering'
    if (this.#allowed < this.#parts.limit) return
    this.#phase = 'flowing'
    this.#pauses = 0
  }

  /** It failed, and another run might not. */
  fail(round: number, { isDeliberate, enough }: PaceFailure, nowMs: number): void {
    if (round !== this.#round) return
    this.#underWay -= 1
    switch (this.#phase) {
      case 'flowing':
        if (isDeliberate) return
        this.#failuresInARow += 1
        if (this.#failuresInARow >= enough) this.#pause(nowMs)
        return
      case 'paused':
        return this.#pause(nowMs)
      case 'recovering':
        this.#allowed = Math.floor(this.#allowed / 2)
        if (this.#allowed === 0) this.#pause(nowMs)
    }
  }

  #pause(nowMs: number): void {
    const { pauseMsMax, random } = this.#parts
    const pauseMs = Math.min(pauseMsMax, PAUSE_MS_MIN * 2 ** Math.min(this.#pauses, 30))
    this.#pausedUntilMs = nowMs + withJitter(pauseMs, PAUSE_JITTER, random())
    this.#phase = 'paused'
    this.#pauses += 1
    this.#failuresInARow = 0
    this.#underWay = 0
    this.#round += 1
  }
}
