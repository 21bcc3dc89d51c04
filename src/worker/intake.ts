// Claims attempts for one set of slots: never more than are free, in batches as large as that allows.
//
// As a rule one claim is made for all types and waits for the first attempt. While some types are limited (see
// `dead-letter-guard.ts`), each of them is looked at by itself first, then the others together, without waiting; when nothing
// is ready, a single attempt of any is waited for. So no more is claimed than may run, and nobody waits for a limited type.

import type { ClaimedAttempt } from '../core/activity.ts'
import { LIMITS } from '../core/limits.ts'
import type { ClaimPlan } from './dead-letter-guard.ts'
import { paused } from './repeat.ts'
import type { Slots } from './slots.ts'
import type { ResolvedWorkerOptions } from './worker-options.ts'
import type { WorkerEmitter } from './worker-events.ts'

/** First and longest pause after a claim that failed. */
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000

/** What an intake needs. */
export interface IntakeParts {
  readonly options: ResolvedWorkerOptions
  readonly types: readonly string[]
  readonly slots: Slots
  readonly events: WorkerEmitter
  /** Which types may be claimed now, and how many of each. */
  readonly plan: () => ClaimPlan
  /** How many more may be held, whatever is free: what waits to be settled counts, too. */
  readonly room: () => number
  readonly begin: (claimed: readonly ClaimedAttempt[], slots: Slots) => void
  /** For what was claimed while stopping. Must not reject. */
  readonly giveBack: (claimed: readonly ClaimedAttempt[]) => Promise<void>
}

interface Claim {
  readonly types: readonly string[]
  readonly limit: number
  readonly timeoutMs: number
}

/** The claim loop of one set of slots. */
export class Intake {
  readonly #parts: IntakeParts
  /** Aborted when the claim that waits is to be made anew. */
  #round = new AbortController()
  /** The plan has changed since it was asked for. */
  #isStale = false
  #wake: (() => void) | undefined

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** A slot or room became free, or the loop is to look whether it should end. */
  poke(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** The plan has changed: a claim that waits is made anew. */
  rethink(): void {
    this.#isStale = true
    this.#round.abort()
    this.poke()
  }

  /** Claims until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0
    const end = (): void => this.rethink()
    signal.addEventListener('abort', end)
    while (!signal.aborted) {
      if (this.#limit() === 0) await this.#poked(Number.POSITIVE_INFINITY)
      else if (await this.#claimByPlan(signal)) failures = 0
      else {
        const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** failures++)
        await paused({ clock: this.#parts.options.clock, abandon: signal }, pauseMs)
      }
      // A turn of the event loop: settlements go out, and slots that get free one by one are filled by one claim.
      await new Promise(resolve => setImmediate(resolve))
    }
    signal.removeEventListener('abort', end)
  }

  #limit(): number {
    const { slots, room } = this.#parts
    return Math.max(0, Math.min(slots.free, room(), LIMITS.dequeueBatchMax))
  }

  /** False when a claim failed. */
  async #claimByPlan(signal: AbortSignal): Promise<boolean> {
    const { types, plan, options } = this.#parts
    this.#isStale = false
    const { open, limited, changesInMs } = plan()
    const waitMs = Math.min(options.pollMs, Math.max(1, Math.ceil(changesInMs)))
    if (open.length === types.length) {
      return (await this.#claim({ types, limit: this.#limit(), timeoutMs: waitMs }, signal)) !== undefined
    }
    const looks = limited.map(({ type, limit }) => ({ types: [type], limit }))
    if (open.length > 0) looks.push({ types: [...open], limit: LIMITS.dequeueBatchMax })
    if (looks.length === 0) {
      await this.#poked(waitMs)
      return true
    }
    let found = 0
    for (const look of looks) {
      const limit = Math.min(look.limit, this.#limit())
      if (limit === 0 || this.#isStale) break
      const count = await this.#claim({ types: look.types, limit, timeoutMs: 0 }, signal)
      if (count === undefined) return false
      found += count
    }
    if (found > 0 || this.#isStale || this.#limit() === 0) return true
    const any = looks.flatMap(look => look.types)
    return (await this.#claim({ types: any, limit: 1, timeoutMs: waitMs }, signal)) !== undefined
  }

  /** One claim; how many there were, undefined when it failed. */
  async #claim({ types, limit, timeoutMs }: Claim, signal: AbortSignal): Promise<number | undefined> {
    const { options, slots, events, begin, giveBack } = this.#parts
    const { storage, workerId, leaseMs, telemetry } = options
    this.#round = new AbortController()
    try {
      const claimed = await storage.dequeue({
        ...{ workerId, types, limit, leaseMs, timeoutMs },
        signal: this.#round.signal,
      })
      if (claimed.length === 0) return 0
      telemetry.count('claimed', claimed.length, {})
      events.emit('claimed', () => ({ count: claimed.length }))
      if (signal.aborted) await giveBack(claimed)
      else begin(claimed, slots)
      return claimed.length
    } catch (error) {
      if (!signal.aborted) events.fail('claiming', error)
      return undefined
    }
  }

  /** Resolves when it is poked, or so many ms have passed. */
  #poked(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel =
        ms === Number.POSITIVE_INFINITY ? undefined : this.#parts.options.clock.after(ms, () => this.poke())
      this.#wake = () => {
        cancel?.()
        resolve()
      }
    })
  }
}
