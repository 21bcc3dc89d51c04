// Waits until a system under load has come to rest: nothing waits, is scheduled or runs, by what the storage counts and by what
// Redis holds, a few looks in a row; and every activity that was accepted has ended. Says what is stuck when it does not.

import { Redis } from 'ioredis'
import { TERMINAL_STATUSES } from '../../../src/core/activity.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { ActivityEvent, Storage, StorageStats } from '../../../src/storage/storage.ts'
import { Keys } from '../../../src/storage/redis/keys.ts'
import type { RestStats } from '../evidence.ts'
import { mono } from '../evidence.ts'
import type { Progress } from './progress.ts'

const LOOK_MS = 250
/** Looks in a row that must find nothing left: a commit, or a record on its way, may come in between. */
const STEADY_LOOKS = 3
/** Ends that nobody saw are asked for, so many in one look: results first, then timelines, which cost a read of the log each. */
const RESULTS_PER_LOOK = 500
const TIMELINES_PER_LOOK = 20
const STUCK_SHOWN = 20
const TERMINAL: ReadonlySet<string> = new Set(TERMINAL_STATUSES)

/** What {@link comeToRest} looks at. Servers should be reached directly, not through what breaks connections. */
export interface RestParts {
  readonly storage: Storage
  readonly redisUrl: string
  readonly namespace: string
  readonly progress: Progress
  /** How long it may take. Unit: ms. */
  readonly withinMs: number
}

/** What there was left at the last look. */
export interface Leftovers {
  /** By the storage's counts; null: it could not be asked. */
  readonly stats: RestStats | null
  readonly leases: number
  readonly due: number
  readonly delayed: number
  readonly reservations: number
  /** Accepted, and not known to have ended. */
  readonly open: number
}

/** An activity that has not ended, with all that is known of it. */
export interface Stuck {
  readonly id: string
  readonly events: readonly ActivityEvent[]
  /** Why its timeline could not be read; null: it could. */
  readonly error: string | null
}

/** How waiting for rest ended. */
export interface RestReport {
  readonly isAtRest: boolean
  /** When nothing was left for the first time; null: something is. */
  readonly restedMono: number | null
  readonly left: Leftovers
  /** The first few that are stuck; none when it is at rest. */
  readonly stuck: readonly Stuck[]
  /** The last error of a look; looks that fail are made again. */
  readonly error: string | null
}

/** Looks every 250 ms until nothing is left, or the time is over. */
export async function comeToRest(parts: RestParts): Promise<RestReport> {
  const redis = new Redis(parts.redisUrl, { maxRetriesPerRequest: 1 })
  redis.on('error', () => undefined) // every look says what failed
  try {
    return await look(parts, redis)
  } finally {
    redis.disconnect()
  }
}

async function look(parts: RestParts, redis: Redis): Promise<RestReport> {
  const untilMono = mono() + parts.withinMs
  let left: Leftovers = { stats: null, leases: 0, due: 0, delayed: 0, reservations: 0, open: 0 }
  let error: string | null = null
  let steady: number[] = []
  for (;;) {
    const lookedMono = mono()
    try {
      left = await leftovers(parts, redis)
      if (isNothing(left)) {
        await learnEnds(parts)
        left = { ...left, open: parts.progress.outstanding() }
      }
      error = null
      steady = isNothing(left) && left.open === 0 ? [...steady, lookedMono] : []
    } catch (thrown) {
      error = String(thrown)
      steady = []
    }
    const [restedMono] = steady
    if (restedMono !== undefined && steady.length >= STEADY_LOOKS)
      return { isAtRest: true, restedMono, left, stuck: [], error }
    if (mono() > untilMono) return { isAtRest: false, restedMono: null, left, stuck: await stuckOf(parts), error }
    await systemClock.sleep(LOOK_MS)
  }
}

async function leftovers({ storage, namespace, progress }: RestParts, redis: Redis): Promise<Leftovers> {
  const keys = new Keys(namespace)
  const [stats, leases, due, delayed, reservations] = await Promise.all([
    storage.stats(),
    redis.zcard(keys.leases),
    redis.zcard(keys.due),
    redis.hlen(keys.delayed),
    redis.zcard(keys.reservations),
  ])
  return { stats: countsOf(stats), leases, due, delayed, reservations, open: progress.outstanding() }
}

function countsOf(stats: StorageStats): RestStats {
  const { pending, scheduled, running, completed, failed, dead_letter, cancelled } = stats
  return { pending, scheduled, running, completed, failed, dead_letter, cancelled }
}

function isNothing({ stats, leases, due, delayed, reservations }: Leftovers): boolean {
  if (stats === null) return false
  return stats.pending + stats.scheduled + stats.running + leases + due + delayed + reservations === 0
}

/** Asks for ends that no process saw. */
async function learnEnds({ storage, progress }: RestParts): Promise<void> {
  const ids = progress.openIds().slice(0, RESULTS_PER_LOOK)
  const results = await Promise.all(ids.map(id => storage.getResult({ id })))
  ids.forEach((id, at) => {
    if (results[at] !== null) progress.markEnded(id)
  })
  const silent = ids.filter((_, at) => results[at] === null).slice(0, TIMELINES_PER_LOOK)
  for (const id of silent) {
    const events = await storage.getEvents({ id })
    if (events.some(({ type }) => TERMINAL.has(type))) progress.markEnded(id)
  }
}

async function stuckOf({ storage, progress }: RestParts): Promise<Stuck[]> {
  const ids = new Set(progress.openIds().slice(0, STUCK_SHOWN))
  for (const status of ['pending', 'scheduled', 'running'] as const) {
    if (ids.size >= STUCK_SHOWN) break
    // What cannot be listed is shown by its counts.
    const page = await storage.list({ status, limit: STUCK_SHOWN }).catch(() => null)
    for (const { id } of page?.items ?? []) ids.add(id)
  }
  return Promise.all(
    [...ids].slice(0, STUCK_SHOWN).map(async (id): Promise<Stuck> => {
      try {
        return { id, events: await storage.getEvents({ id }), error: null }
      } catch (error) {
        return { id, events: [], error: String(error) }
      }
    }),
  )
}
