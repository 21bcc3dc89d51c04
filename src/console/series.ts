// What the charts show: for each type a ring of minutes. Counts come from events, depths from looks at the lanes; both only since
// this process began, which the answer says. A minute in which events were missed says so, instead of showing too few.

import type { Clock } from '../core/clock.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { ActivityEvent, EventType, LaneFigures } from '../storage/storage.ts'

const MINUTE_MS = 60_000

type Counted = 'enqueued' | 'completed' | 'failed' | 'deadLetter' | 'cancelled' | 'retrying' | 'leaseExpired'

const COUNTED: Partial<Readonly<Record<EventType, Counted>>> = {
  enqueued: 'enqueued',
  completed: 'completed',
  failed: 'failed',
  dead_letter: 'deadLetter',
  cancelled: 'cancelled',
  retrying: 'retrying',
  lease_expired: 'leaseExpired',
}

interface Depths {
  readonly pending: number
  readonly running: number
  readonly scheduled: number
  readonly oldestPendingAgeMs: number | null
}

interface Bucket {
  readonly counts: Record<Counted, number>
  depths: Depths | null
}

/** One minute of one type. */
export interface SeriesBucket extends Readonly<Record<Exclude<Counted, 'enqueued'>, number>> {
  readonly atMs: number
  /** Null: this storage does not tell of enqueues. */
  readonly enqueued: number | null
  readonly pending: number | null
  readonly running: number | null
  readonly scheduled: number | null
  readonly oldestPendingAgeMs: number | null
  /** Events were missed in it: counts are too low. */
  readonly hasGap: boolean
  /** It is not over. */
  readonly isPartial: boolean
}

/** Series of all types, or of one. */
export interface Series {
  readonly bucketMs: number
  /** Since when this process counts. */
  readonly sinceMs: number
  readonly series: readonly { readonly type: string; readonly buckets: readonly SeriesBucket[] }[]
}

/** The rings. */
export class SeriesBook {
  readonly #clock: Clock
  readonly #sinceMs: number
  readonly #types = new Map<string, Map<number, Bucket>>()
  /** The minute in which something was last heard of a type, or stood in its lanes. */
  readonly #heard = new Map<string, number>()
  readonly #gaps = new Set<number>()
  #tellsEnqueues = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.nowMs()
  }

  /** Counts an event in the minute in which it is heard of. */
  count({ activityType, type }: ActivityEvent): void {
    const counted = COUNTED[type]
    if (counted === undefined) return
    if (counted === 'enqueued') this.#tellsEnqueues = true
    const bucket = this.#bucket(activityType, true)
    if (bucket !== undefined) bucket.counts[counted] += 1
  }

  /** Events were missed. */
  gap(): void {
    this.#gaps.add(minuteOf(this.#clock.nowMs()))
    this.#trim(this.#gaps)
  }

  /** Notes how the lanes stand. */
  sample(lanes: readonly LaneFigures[]): void {
    const nowMs = this.#clock.nowMs()
    for (const [type, ofType] of Map.groupBy(lanes, lane => lane.type)) {
      const depths = depthsOf(ofType, nowMs)
      const bucket = this.#bucket(type, depths.pending + depths.running + depths.scheduled > 0)
      if (bucket !== undefined) bucket.depths = depths
    }
  }

  /** The last minutes, the newest last. */
  shown({ type, minutes }: { readonly type?: string | undefined; readonly minutes: number }): Series {
    const now = minuteOf(this.#clock.nowMs())
    const first = Math.max(minuteOf(this.#sinceMs), now - minutes + 1)
    const types = type === undefined ? [...this.#types.keys()].toSorted() : [type]
    const series = types.map(each => {
      const buckets: SeriesBucket[] = []
      for (let minute = first; minute <= now; minute++) buckets.push(this.#shown(each, minute, minute === now))
      return { type: each, buckets }
    })
    return { bucketMs: MINUTE_MS, sinceMs: this.#sinceMs, series }
  }

  #shown(type: string, minute: number, isPartial: boolean): SeriesBucket {
    const { counts, depths } = this.#types.get(type)?.get(minute) ?? { counts: noCounts(), depths: null }
    return {
      atMs: minute * MINUTE_MS,
      ...counts,
      enqueued: this.#tellsEnqueues ? counts.enqueued : null,
      pending: depths?.pending ?? null,
      running: depths?.running ?? null,
      scheduled: depths?.scheduled ?? null,
      oldestPendingAgeMs: depths?.oldestPendingAgeMs ?? null,
      hasGap: this.#gaps.has(minute),
      isPartial,
    }
  }

  /** Undefined: there is no room for the type. */
  #bucket(type: string, isHeard: boolean): Bucket | undefined {
    const minute = minuteOf(this.#clock.nowMs())
    let ring = this.#types.get(type)
    if (ring === undefined) {
      if (this.#types.size >= CONSOLE_LIMITS.seriesTypesMax && !(isHeard && this.#forgetSilent(minute)))
        return undefined
      ring = new Map()
      this.#types.set(type, ring)
    }
    if (isHeard) this.#heard.set(type, minute)
    let bucket = ring.get(minute)
    if (bucket === undefined) {
      bucket = { counts: noCounts(), depths: null }
      ring.set(minute, bucket)
      this.#trim(ring)
    }
    return bucket
  }

  /** Forgets the type that is silent for longest. False: all were heard of in this minute. */
  #forgetSilent(minute: number): boolean {
    const silence = [...this.#types.keys()].map(type => [this.#heard.get(type) ?? 0, type] as const)
    const [heard, type] = silence.reduce((oldest, each) => (each[0] < oldest[0] ? each : oldest))
    if (heard >= minute) return false
    this.#types.delete(type)
    this.#heard.delete(type)
    return true
  }

  #trim(minutes: Map<number, unknown> | Set<number>): void {
    const oldest = minuteOf(this.#clock.nowMs()) - CONSOLE_LIMITS.seriesMinutesMax
    for (const minute of minutes.keys()) if (minute <= oldest) minutes.delete(minute)
  }
}

function depthsOf(lanes: readonly LaneFigures[], nowMs: number): Depths {
  const sum = (of: 'pending' | 'running' | 'scheduled'): number => lanes.reduce((total, lane) => total + lane[of], 0)
  const oldest = lanes.flatMap(({ oldestPendingAtMs }) => (oldestPendingAtMs === null ? [] : [oldestPendingAtMs]))
  return {
    pending: sum('pending'),
    running: sum('running'),
    scheduled: sum('scheduled'),
    oldestPendingAgeMs: oldest.length === 0 ? null : Math.max(0, nowMs - Math.min(...oldest)),
  }
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS)
}

function noCounts(): Record<Counted, number> {
  return { enqueued: 0, completed: 0, failed: 0, deadLetter: 0, cancelled: 0, retrying: 0, leaseExpired: 0 }
}
