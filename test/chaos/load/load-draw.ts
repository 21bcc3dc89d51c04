// What producers enqueue, drawn from the seed: types, priorities, plans, delays, keys that others use at the same time, and
// what is done to some of them afterwards. Shares are those of a load in which every outcome and every path occurs.

import { randomFillSync } from 'node:crypto'
import type { Activity, DuplicateBehavior } from '../../../src/core/activity.ts'
import { DUPLICATE_BEHAVIORS } from '../../../src/core/activity.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { IdSource } from '../../../src/core/ids.ts'
import { uuidv7Source } from '../../../src/core/ids.ts'
import { newActivity } from '../../../src/core/new-activity.ts'
import { PRIORITIES } from '../../../src/core/priority.ts'
import type { Plan } from '../evidence.ts'
import { mono } from '../evidence.ts'
import { SeededRandom } from '../random.ts'
import { LOAD_TYPES } from './child-config.ts'

const BATCH_MAX = 20
/** Shares of the plans; the rest completes at once. */
const SHARES = {
  flaky: 0.12,
  slow: 0.08,
  doomed: 0.05,
  refuse: 0.05,
  delayed: 0.15,
  keyed: 0.2,
  cancelled: 0.03,
} as const
const WATCHED_SHARE = 0.05
const REDRIVEN_SHARE = 0.2
const LARGE_SHARE = 0.005
const LARGE_PAD_CHARS = 50_000
/** Keys that are in use in one window of time. Few, so that producers meet, and meet again. */
const KEYS_PER_WINDOW = 8
const WINDOW_MS = 2_000
/** A key of up to so many windows ago, whose activity may have ended. */
const WINDOWS_BACK_MAX = 6
const OLD_KEY_SHARE = 0.3

/** What is done to an activity once it is accepted. */
export interface Aftermath {
  /** Cancelled so many ms later; null: not. */
  readonly cancelAfterMs: number | null
  /** Its result is looked for a few times. */
  readonly isWatched: boolean
  /** It is redriven once it has ended without success. */
  readonly isRedriven: boolean
}

/** An activity to enqueue. */
export interface Drawn {
  readonly activity: Activity
  readonly aftermath: Aftermath
}

/** A producer's draws. */
export class LoadDraw {
  readonly #random: SeededRandom
  readonly #seed: number
  readonly #ids: IdSource = uuidv7Source({ nowMs: () => systemClock.nowMs(), randomBytes: randomFillSync })
  #drawn = 0

  /** `seed`: the run's, which gives the keys that all share · `name`: the producer's, which gives the rest. */
  constructor(seed: number, name: string) {
    this.#seed = seed
    this.#random = new SeededRandom(seed, name)
  }

  /** 1 to 20 activities. */
  batch(): Drawn[] {
    return Array.from({ length: this.#random.integer(1, BATCH_MAX) }, () => this.#one())
  }

  #one(): Drawn {
    const random = this.#random
    const plan = this.#plan()
    const cancelAfterMs = random.next() < SHARES.cancelled ? random.integer(0, 3_000) : null
    // Half of those that will be cancelled wait until then, so that not only what runs is cancelled.
    const waitsForCancel = cancelAfterMs !== null && random.next() < 0.5
    const isDelayed = waitsForCancel || random.next() < SHARES.delayed
    const delayMs = isDelayed ? random.integer(200, 8_000) + (waitsForCancel ? cancelAfterMs : 0) : undefined
    const type = random.pick(LOAD_TYPES)
    const activity = newActivity(
      {
        ...{ type, priority: random.pick(PRIORITIES), payload: this.#payload(plan) },
        ...{ maxAttempts: this.#maxAttempts(plan), delayMs },
        ...{ retryDelayMs: random.integer(100, 500), retryDelayMaxMs: 2_000 },
        ...(random.next() < SHARES.keyed ? this.#key() : {}),
      },
      { ids: this.#ids, nowMs: systemClock.nowMs() },
    )
    const mayFail = plan.kind === 'doomed' || plan.kind === 'refuse'
    const isRedriven = mayFail && random.next() < REDRIVEN_SHARE
    return { activity, aftermath: { cancelAfterMs, isRedriven, isWatched: random.next() < WATCHED_SHARE } }
  }

  #plan(): Plan {
    const random = this.#random
    let drawn = random.next()
    const isWithin = (share: number): boolean => (drawn -= share) < 0
    if (isWithin(SHARES.flaky)) return { kind: 'flaky', ms: 0, failures: random.integer(1, 2) }
    if (isWithin(SHARES.slow)) return { kind: 'slow', ms: random.integer(200, 3_000), failures: 0 }
    if (isWithin(SHARES.doomed)) return { kind: 'doomed', ms: 0, failures: 0 }
    if (isWithin(SHARES.refuse)) return { kind: 'refuse', ms: 0, failures: 0 }
    return { kind: 'complete', ms: 0, failures: 0 }
  }

  // Leases that expire count as failed attempts, so there are some more than the plan needs.
  #maxAttempts(plan: Plan): number {
    return plan.kind === 'doomed' ? this.#random.integer(2, 3) : plan.failures + 4
  }

  #payload(plan: Plan): { plan: Plan; n: number; pad: string } {
    const random = this.#random
    const chars = random.next() < LARGE_SHARE ? LARGE_PAD_CHARS : random.integer(30, 520)
    return { plan, n: (this.#drawn += 1), pad: 'x'.repeat(chars) }
  }

  // By the clock that all processes share, so that producers use a key at the same time. Half of the keys keep their behaviour,
  // which is the plainest to judge; the others are used with all of them.
  #key(): { key: string; onDuplicate: DuplicateBehavior } {
    const random = this.#random
    const back = random.next() < OLD_KEY_SHARE ? random.integer(1, WINDOWS_BACK_MAX) : 0
    const window = Math.floor(mono() / WINDOW_MS) - back
    const which = random.integer(0, KEYS_PER_WINDOW - 1)
    const onDuplicate = DUPLICATE_BEHAVIORS[which] ?? random.pick(DUPLICATE_BEHAVIORS)
    return { key: `k${this.#seed}-${window}-${which}`, onDuplicate }
  }
}
