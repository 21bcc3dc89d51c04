// Rebuilding: everything that Redis should know, told to it from the logs, while workers run. Results, markers, counts, keys,
// the schedule, redrives. What Redis knows already stays: every write compares, so that any number may do this at once, stop
// anywhere and begin anew. How far it has come is kept in Redis, and gone with its data.
//
//   outcomes ──▶ older outcomes ──▶ schedule ──▶ lanes ──▶ new outcomes        each by partitions, page by page
//
// Markers come first, because keys and schedule go by them: what has ended is not scheduled, and its key says so. Of records
// two pages for each partition that is being read are held, of the schedule's members some more (`REBUILD_LIMITS`).

import type { LogReader } from '../../consumer/log-reader.ts'
import type { OutcomeRecord } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import { crossing } from '../../core/crash-point.ts'
import { REBUILD_LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import { RebuildJournal, isLost } from '../redis/rebuild-journal.ts'
import { isRemembered } from '../redis/restore.ts'
import type { SideStore } from '../redis/side-store.ts'
import { inParallel } from './in-parallel.ts'
import { readPages } from './log-pages.ts'
import type { LogPage } from './log-pages.ts'
import { outcomesOf, replayOutcomes } from './outcome-replay.ts'
import type { PlannedStretch } from './rebuild-plan.ts'
import { RebuildPlan } from './rebuild-plan.ts'
import type { RebuildPhase, RebuildProgress } from './rebuild-progress.ts'
import { PhaseProgress, REBUILD_PHASES } from './rebuild-progress.ts'
import { restoreLanePage, restoreSchedule } from './rebuild-waiting.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** How a rebuild is done. */
export interface RebuildParams {
  /** Told at the beginning of each phase, and after every page of a partition. */
  readonly onProgress?: (progress: RebuildProgress) => void
  /** Stops it at the next page; what is done stays done, and the next rebuild continues from there. */
  readonly signal?: AbortSignal
  /** Begins anew, also where one that was stopped could be continued. @defaultValue false */
  readonly restart?: boolean
}

/** What a rebuild has read and written. Only this call's part of one that was continued. */
export interface RebuildReport {
  /** Outcome records read. */
  readonly outcomes: number
  /** Records of activities in the schedule and the lanes read. */
  readonly activities: number
  /** Records that are none of ours. */
  readonly unreadable: number
  /** Written, since Redis did not know: how an attempt ended. */
  readonly markers: number
  readonly results: number
  readonly keys: number
  readonly scheduled: number
  readonly redriven: number
  /** Cancelled activities that wait in a lane. */
  readonly unseen: number
  readonly seconds: number
  /** True when it went on where another had stopped. */
  readonly isContinued: boolean
}

type Counts = { -readonly [Name in Exclude<keyof RebuildReport, 'seconds' | 'isContinued'>]: number }

interface Round {
  readonly journal: RebuildJournal
  readonly counts: Counts
  readonly signal: AbortSignal
  readonly tell: (progress: RebuildProgress) => void
}

/** Rebuilds Redis from the logs. */
export class Rebuild {
  readonly #namespace: string
  readonly #store: SideStore
  readonly #reader: LogReader
  readonly #plan: RebuildPlan
  readonly #restoreFirst: () => Promise<void>
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(parts: {
    namespace: string
    store: SideStore
    catalog: TopicCatalog
    admin: TopicAdmin
    reader: LogReader
    /** Tells Redis what it must know before claims go on. */
    restoreFirst: () => Promise<void>
    clock: Clock
    commitIntervalMs: number
    logger: Logger
  }) {
    this.#namespace = parts.namespace
    this.#store = parts.store
    this.#reader = parts.reader
    this.#plan = new RebuildPlan(parts)
    this.#restoreFirst = parts.restoreFirst
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  /** Begins anew by itself when Redis loses its data meanwhile. */
  async perform({ onProgress, signal, restart = false }: RebuildParams): Promise<RebuildReport> {
    const startedMs = this.#clock.monotonicMs()
    for (let round = 1; ; round++) {
      try {
        const { counts, isContinued } = await this.#round({
          restart: restart && round === 1,
          signal: signal ?? new AbortController().signal,
          tell: onProgress ?? (() => undefined),
        })
        const seconds = Math.round(this.#clock.monotonicMs() - startedMs) / 1_000
        return { ...counts, seconds, isContinued }
      } catch (error) {
        if (!isLost(error) || round >= REBUILD_LIMITS.roundsMax) throw error
        this.#logger.warn('Redis has lost data while it was rebuilt; beginning anew', { round })
      }
    }
  }

  async #round(params: {
    readonly restart: boolean
    readonly signal: AbortSignal
    readonly tell: (progress: RebuildProgress) => void
  }): Promise<{ readonly counts: Counts; readonly isContinued: boolean }> {
    await this.#restoreFirst()
    const journal = await crossing('rebuild.begun', () => RebuildJournal.begin(this.#store, params))
    const counts = { ...NOTHING }
    for (const phase of REBUILD_PHASES) await this.#phase(phase, { ...params, journal, counts })
    await crossing('rebuild.finished', () => journal.finish())
    return { counts, isContinued: journal.isContinued }
  }

  async #phase(phase: RebuildPhase, { journal, counts, signal, tell }: Round): Promise<void> {
    const planned = (await this.#plan.stretches(phase)).map(stretch => {
      if (phase !== 'new outcomes') return stretch
      // From where the first phase has ended; where it found nothing, all of it is new.
      return { ...stretch, from: journal.position(fieldOf('outcomes', stretch)) ?? stretch.from }
    })
    const stretches = planned.map(stretch => {
      const field = fieldOf(phase, stretch)
      const position = journal.position(field) ?? stretch.from
      // Beyond the end: the topic was made anew since.
      const from = position > stretch.to ? stretch.from : Math.max(stretch.from, position)
      return { field, behind: from - stretch.from, stretch: { ...stretch, from } }
    })
    const progress = new PhaseProgress({
      phase,
      done: stretches.reduce((sum, { behind }) => sum + behind, 0),
      total: planned.reduce((sum, { from, to }) => sum + to - from, 0),
      clock: this.#clock,
      tell,
    })
    const unread = stretches.filter(({ stretch }) => stretch.from < stretch.to)
    await inParallel(unread, REBUILD_LIMITS.partitionsAtOnce, signal, async ({ field, stretch }, stopped) => {
      const advance = (nextOffset: number): Promise<void> =>
        crossing('rebuild.advanced', () => journal.advance(field, nextOffset))
      if (phase === 'schedule') return this.#schedule({ stretch, counts, progress, signal: stopped, advance })
      let at = stretch.from
      for await (const page of readPages(this.#reader, stretch, stopped)) {
        add(counts, await this.#page(phase, stretch, page, stopped))
        await advance(page.nextOffset)
        progress.advance(page.nextOffset - at)
        at = page.nextOffset
      }
    })
  }

  async #page(
    phase: RebuildPhase,
    stretch: PlannedStretch,
    page: LogPage,
    signal: AbortSignal,
  ): Promise<Partial<Counts>> {
    if (phase === 'lanes') {
      const lookAgain = (): Promise<PlannedStretch | null> => this.#plan.laneAgain(stretch, signal)
      return restoreLanePage({ store: this.#store, namespace: this.#namespace, stretch, lookAgain }, page.records)
    }
    const isOlder = phase === 'older outcomes'
    const { outcomes, unreadable } = outcomesOf(isOlder ? { ...page, records: page.records.filter(mayTell) } : page)
    const told = isOlder ? outcomes.filter(outcome => tells(this.#store, outcome)) : outcomes
    return { outcomes: page.records.length, unreadable, ...(await replayOutcomes(this.#store, told)) }
  }

  async #schedule(params: {
    readonly stretch: PlannedStretch
    readonly counts: Counts
    readonly progress: PhaseProgress
    readonly signal: AbortSignal
    readonly advance: (nextOffset: number) => Promise<void>
  }): Promise<void> {
    const { stretch, counts, progress, signal, advance } = params
    let read = 0
    await restoreSchedule({
      reader: this.#reader,
      store: this.#store,
      stretch,
      signal,
      onPage: (restored, rounds, offsets) => {
        add(counts, restored)
        // Each of its rounds reads everything twice.
        const before = Math.floor(read)
        read = Math.min(stretch.to - stretch.from, read + offsets / (rounds * 2))
        progress.advance(Math.floor(read) - before)
      },
    })
    progress.advance(stretch.to - stretch.from - Math.floor(read))
    await advance(stretch.to)
  }
}

/** Where a position stands in the journal. */
function fieldOf(phase: RebuildPhase, { topic, partition }: PlannedStretch): string {
  return `${phase}/${topic}/${partition}`
}

const NOTHING: Counts = {
  outcomes: 0,
  activities: 0,
  unreadable: 0,
  markers: 0,
  results: 0,
  keys: 0,
  scheduled: 0,
  redriven: 0,
  unseen: 0,
}

function add(counts: Counts, more: Partial<Counts>): void {
  for (const [name, count] of Object.entries(more)) counts[name as keyof Counts] += count
}

/** By its bytes, which is quicker than by its fields: most of what ended long ago tells nothing any more. */
function mayTell({ value }: { readonly value: Uint8Array | null }): boolean {
  if (value === null) return false
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return TELLING.some(text => bytes.includes(text))
}

const TELLING = ['"redrive_of":"', '"outcome":"cancelled"', '"outcome":"retrying"']

/** What it was redriven as is remembered for longer; a cancelled one may wait, a retry be due, for as long as it takes. */
function tells(store: SideStore, outcome: OutcomeRecord): boolean {
  return outcome.redriveOf !== null || isRemembered(store, outcome)
}
