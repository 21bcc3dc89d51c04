// Looking without touching: counts, pages, one activity, its timeline. Redis knows what runs, is scheduled and has just
// ended; Kafka knows what is pending and what became of every attempt.

import type { Activity, OutcomeRecord, Status, TerminalStatus } from '../../core/activity.ts'
import { STATUSES } from '../../core/activity.ts'
import { ErrandError } from '../../core/errors.ts'
import { READING_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader } from '../../consumer/log-reader.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { decodeDlq } from '../../wire/dead-letter-record.ts'
import { decodeOutcome } from '../../wire/outcome-record.ts'
import { readDealt } from '../redis/discards.ts'
import { readCounts, readMarkers, readStates, runningIds, scheduledMembers } from '../redis/markers.ts'
import { parseValue } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type {
  ActivitySummary,
  DeadLetterListParams,
  DeadLetterSummary,
  LaneFigures,
  ListParams,
  Page,
  StorageStats,
} from '../storage.ts'
import type { Attempts } from './attempts.ts'
import type { Dated, Stretch } from './backward-pager.ts'
import { backwardPage } from './backward-pager.ts'
import { isHome } from './delay-log.ts'
import { Figures } from './figures.ts'
import { laneDepths, ofPriority, waitingIn } from './lane-depths.ts'
import type { Lanes } from './lanes.ts'
import type { LogSearch } from './log-search.ts'
import { isWaitingState, outcomeSummary, summaryOf } from './summaries.ts'
import type { TopicCatalog } from './topic-catalog.ts'

type Counts = Record<Status, number>

/** What {@link Inspector} looks at. */
export interface InspectorParts {
  readonly namespace: string
  readonly store: SideStore
  readonly attempts: Attempts
  readonly lanes: Lanes
  readonly catalog: TopicCatalog
  readonly admin: TopicAdmin
  readonly reader: LogReader
  readonly search: Pick<LogSearch, 'noteDeadLetter'>
  readonly logger: Logger
}

/** Counts and pages. */
export class Inspector {
  readonly #parts: InspectorParts
  readonly #figures: Figures

  constructor(parts: InspectorParts) {
    this.#parts = parts
    this.#figures = new Figures(parts)
  }

  /** How each lane stands. */
  laneFigures(): Promise<readonly LaneFigures[]> {
    return this.#figures.look()
  }

  async stats(): Promise<StorageStats> {
    const { store, attempts, catalog } = this.#parts
    await attempts.lookAtHeld()
    const types = await catalog.allTypes()
    const [counts, depths] = await Promise.all([
      readCounts(store),
      Promise.all(types.map(type => laneDepths(this.#parts, type))),
    ])
    const total = noCounts()
    const byType: Record<string, Counts> = {}
    const byPriority: Record<Priority, Counts> = {
      critical: noCounts(),
      high: noCounts(),
      normal: noCounts(),
      low: noCounts(),
    }
    const add = (type: string, priority: Priority, status: Status, count: number): void => {
      for (const counted of [total, (byType[type] ??= noCounts()), byPriority[priority]]) counted[status] += count
    }
    types.forEach((type, at) => {
      byType[type] ??= noCounts()
      for (const priority of PRIORITIES) {
        const field = `${type}|${priority}`
        const lane = ofPriority(this.#parts.namespace, depths[at] ?? [], priority)
        add(type, priority, 'pending', waitingIn(lane, counts, { type, priority }))
        add(type, priority, 'running', counts.running.get(field) ?? 0)
        add(type, priority, 'scheduled', counts.scheduled.get(field) ?? 0)
      }
    })
    for (const [field, count] of counts.ended) {
      const [type = '', priority = 'normal', outcome] = field.split('|')
      add(type, priority as Priority, outcome as TerminalStatus, count)
    }
    return { ...total, byType, byPriority }
  }

  async list(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    const { status } = params
    switch (status) {
      case 'pending':
        return this.#pending(params)
      case 'scheduled':
        return this.#scheduled(params)
      case 'running':
        return this.#running(params)
      case 'completed':
      case 'failed':
      case 'cancelled':
      case 'dead_letter':
        return this.#ended(params, status)
    }
  }

  async #pending(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    const { store, catalog } = this.#parts
    const types = (await catalog.allTypes()).filter(type => params.type === undefined || type === params.type)
    const stretches = (await Promise.all(types.map(type => laneDepths(this.#parts, type)))).flat()
    // A record may be there twice (an enqueue that was repeated); one page shows each activity once.
    const seen = new Set<string>()
    return this.#page<ActivitySummary>(params, stretches, async records => {
      const activities = records.map(record => decoded(() => decodeActivity(record.value)))
      const states = await readStates(
        store,
        activities.map(activity => activity?.id ?? ''),
      )
      return activities.map((activity, at) => {
        const state = states[at] ?? null
        if (activity === null || !isWaitingState(state, activity.attempt) || seen.has(activity.id)) return null
        seen.add(activity.id)
        return { atMs: activity.createdAtMs, item: summaryOf(activity, 'pending') }
      })
    })
  }

  async #scheduled(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    const read = async (from: number, count: number): Promise<(ActivitySummary | null)[]> =>
      (await scheduledMembers(this.#parts.store, from, count)).map(({ member, value, dueAtMs }) => {
        const activity = decoded(() => decodeActivity(parseValue(member, value).envelope))
        return activity === null || isHome(member)
          ? null
          : { ...summaryOf(activity, 'scheduled'), scheduledAtMs: activity.scheduledAtMs ?? dueAtMs }
      })
    return rankedPage(params, read)
  }

  async #running(params: Readonly<ListParams>): Promise<Page<ActivitySummary>> {
    const { store } = this.#parts
    const read = async (from: number, count: number): Promise<(ActivitySummary | null)[]> => {
      const markers = await readMarkers(store, await runningIds(store, from, count))
      return markers.map(marker => {
        if (marker === null || marker.envelope === null) return null
        const activity = decoded(() => decodeActivity(marker.envelope))
        return activity === null
          ? null
          : { ...summaryOf(activity, 'running'), startedAtMs: marker.startedAtMs, worker: marker.worker }
      })
    }
    return rankedPage(params, read)
  }

  async #ended(params: Readonly<ListParams>, status: TerminalStatus): Promise<Page<ActivitySummary>> {
    const { outcomes } = this.#parts.catalog.shared()
    const seen = new Set<string>()
    return this.#page<ActivitySummary>(params, await this.#wholeTopic(outcomes), async records =>
      records
        .map(record => decoded(() => decodeOutcome(record.value ?? new Uint8Array())))
        .map(outcome => {
          if (outcome?.outcome !== status || (params.type !== undefined && outcome.type !== params.type)) return null
          // Copies of an outcome are legal; one page shows each activity once.
          if (seen.has(outcome.id)) return null
          seen.add(outcome.id)
          return { atMs: outcome.endedAtMs, item: outcomeSummary(outcome) }
        }),
    )
  }

  async listDeadLetters(params: Readonly<DeadLetterListParams>): Promise<Page<DeadLetterSummary>> {
    const { dlq } = this.#parts.catalog.shared()
    const seen = new Set<string>()
    return this.#page<DeadLetterSummary>(params, await this.#wholeTopic(dlq), async records => {
      const letters = records.map(record => decoded(() => decodeDlq(record.value, record.headers)))
      const ids = letters.map(letter => (letter?.kind === 'dead_letter' ? letter.record.activity.id : ''))
      const dealt = await readDealt(this.#parts.store, ids)
      return letters.map((letter, at): Dated<DeadLetterSummary> | null => {
        if (letter?.kind !== 'dead_letter') return null
        const { activity, error, attempts, failedAtMs, fingerprint, worker } = letter.record
        if (seen.has(activity.id) || (params.type !== undefined && activity.type !== params.type)) return null
        const { redrivenAs = null, discarded = null } = dealt[at] ?? {}
        if (discarded !== null && params.includeDiscarded !== true) return null
        seen.add(activity.id)
        const record = records[at]
        if (record !== undefined) this.#parts.search.noteDeadLetter(activity.id, record)
        return {
          atMs: failedAtMs,
          item: {
            ...summaryOf(activity, 'dead_letter'),
            endedAtMs: failedAtMs,
            worker,
            error,
            attempts,
            failedAtMs,
            fingerprint,
            redrivenAs,
            discarded,
            ...(params.withActivity === true ? { activity } : {}),
          },
        }
      })
    })
  }

  async #wholeTopic(topic: string): Promise<Stretch[]> {
    return (await this.#parts.reader.bounds(topic)).map(bounds => ({ topic, ...bounds }))
  }

  #page<T>(
    params: Readonly<Omit<ListParams, 'status'>>,
    stretches: readonly Stretch[],
    select: (records: readonly LogRecord[]) => Promise<readonly (Dated<T> | null)[]>,
  ): Promise<Page<T>> {
    return backwardPage(this.#parts.reader, {
      stretches,
      cursor: params.cursor ?? null,
      limit: params.limit ?? DEFAULT_PAGE,
      select,
    })
  }
}

const DEFAULT_PAGE = 50

async function rankedPage(
  params: Readonly<ListParams>,
  read: (from: number, count: number) => Promise<(ActivitySummary | null)[]>,
): Promise<Page<ActivitySummary>> {
  const limit = params.limit ?? DEFAULT_PAGE
  const start = rankOf(params.cursor ?? null)
  const items: ActivitySummary[] = []
  let from = start
  while (items.length < limit && from - start < READING_LIMITS.rankedEntriesMax) {
    const page = await read(from, limit)
    for (const summary of page) {
      if (items.length === limit) return { items, cursor: String(from) }
      from += 1
      if (summary !== null && (params.type === undefined || summary.type === params.type)) items.push(summary)
    }
    if (page.length < limit) return { items, cursor: null }
  }
  return { items, cursor: String(from) }
}

function rankOf(cursor: string | null): number {
  if (cursor === null) return 0
  if (/^[0-9]{1,12}$/.test(cursor)) return Number(cursor)
  throw new ErrandError('invalid_argument', 'cursor is not one that a page gave; leave it out to begin at the first.', {
    details: { field: 'cursor' },
  })
}

function noCounts(): Counts {
  return Object.fromEntries(STATUSES.map(status => [status, 0])) as Counts
}

/** Poison is passed over in pages: it has its place in the DLQ. */
function decoded<T extends Activity | OutcomeRecord | ReturnType<typeof decodeDlq>>(decode: () => T): T | null {
  try {
    return decode()
  } catch {
    return null
  }
}
