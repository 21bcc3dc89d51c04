// Every activity and the one place where it stands:
//
//   pending ── in `ready` · scheduled ── in `due` · running ── in `leases` · ended ── in `ended`, until it is forgotten
//
// `change` is the only way from one place to another: it leaves, changes, enters, and counts. Nothing here decides.

import type { Activity, Status } from '../../core/activity.ts'
import { STATUSES } from '../../core/activity.ts'
import { MEMORY_LIMITS } from '../../core/limits.ts'
import { Counts } from './counts.ts'
import type { Entry } from './entry.ts'
import { newEntry } from './entry.ts'
import { Events } from './events.ts'
import { Heap } from './heap.ts'
import { Keys } from './keys.ts'
import type { ResolvedMemoryStorageOptions } from './memory-storage-options.ts'
import type { KeptOperations } from './operations.ts'
import { Ready } from './ready.ts'
import { Results } from './results.ts'
import { WaitingClaims } from './waiting-claims.ts'

/** What all handles of one memory storage share. */
export class Book {
  readonly options: ResolvedMemoryStorageOptions
  readonly knownTypes: Set<string> = new Set()
  /** How many open handles have subscribed to each type. */
  readonly subscribers: Map<string, number> = new Map()
  readonly counts: Counts = new Counts()
  readonly events: Events = new Events()
  readonly ready: Ready = new Ready()
  readonly operations: KeptOperations = new Map()
  readonly keys: Keys
  readonly results: Results
  readonly waiting: WaitingClaims
  readonly #entries = new Map<string, Entry>()
  readonly #byStatus = new Map<Status, Set<Entry>>(STATUSES.map(status => [status, new Set()]))
  readonly #due = new Heap<Entry>((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0) || a.order - b.order)
  readonly #leases = new Heap<Entry>((a, b) => deadlineOf(a) - deadlineOf(b) || a.order - b.order)
  readonly #ended = new Heap<Entry>((a, b) => a.forgetAtMs - b.forgetAtMs || a.order - b.order)
  #accepted = 0

  constructor(options: ResolvedMemoryStorageOptions) {
    this.options = options
    this.keys = new Keys(options.keyTtlMs)
    this.results = new Results(options.resultTtlMs)
    this.waiting = new WaitingClaims(options.clock)
  }

  /** The storage's time. What is over its time is gone when it has been asked for. */
  nowMs(): number {
    const nowMs = this.options.clock.nowMs()
    for (let entry = this.#ended.peek(); entry !== undefined && entry.forgetAtMs <= nowMs; entry = this.#ended.peek()) {
      this.#forget(entry)
    }
    this.results.purge(nowMs, MEMORY_LIMITS.purgedResultsMax)
    return nowMs
  }

  find(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  ofStatus(status: Status): Iterable<Entry> {
    return this.#byStatus.get(status) ?? []
  }

  /** Notes that a handle subscribes to a type, or no longer does. */
  countSubscriber(type: string, by: 1 | -1): void {
    this.subscribers.set(type, (this.subscribers.get(type) ?? 0) + by)
  }

  /** Takes a new activity in: ready, or scheduled when it is due later. */
  add(activity: Activity, nowMs: number): Entry {
    this.#accepted += 1
    const entry = newEntry(activity, this.#accepted)
    const dueAtMs = activity.scheduledAtMs !== null && activity.scheduledAtMs > nowMs ? activity.scheduledAtMs : null
    if (dueAtMs !== null) Object.assign(entry, { status: 'scheduled', dueAtMs } satisfies Partial<Entry>)
    this.#entries.set(activity.id, entry)
    this.events.record(entry, { type: 'enqueued', atMs: nowMs })
    if (dueAtMs !== null) this.events.record(entry, { type: 'scheduled', atMs: nowMs, dueAtMs })
    this.#enter(entry)
    return entry
  }

  /** Changes an entry and puts it where it then belongs. */
  change(entry: Entry, changes: Partial<Entry>): void {
    this.#leave(entry)
    Object.assign(entry, changes)
    this.#enter(entry)
  }

  /** The scheduled entry that is due next. */
  nextDue(): Entry | undefined {
    return this.#due.peek()
  }

  /** The running entry whose lease ends next. */
  nextExpiring(): Entry | undefined {
    return this.#leases.peek()
  }

  #leave(entry: Entry): void {
    this.#byStatus.get(entry.status)?.delete(entry)
    this.counts.add(entry.activity, entry.status, -1)
    if (entry.status === 'pending') this.ready.remove(entry)
    else if (entry.status === 'scheduled') this.#due.delete(entry)
    else if (entry.status === 'running') this.#leases.delete(entry)
    else this.#ended.delete(entry)
  }

  #enter(entry: Entry): void {
    this.#byStatus.get(entry.status)?.add(entry)
    this.counts.add(entry.activity, entry.status, 1)
    if (entry.status === 'pending') {
      this.ready.add(entry)
      this.waiting.wake()
    } else if (entry.status === 'scheduled') this.#due.push(entry)
    else if (entry.status === 'running') this.#leases.push(entry)
    else this.#remember(entry)
  }

  #remember(entry: Entry): void {
    const { markerTtlMs, resultTtlMs, keyTtlMs, endedActivitiesMax } = this.options
    const ttlMs = Math.max(markerTtlMs, resultTtlMs, entry.activity.key === null ? 0 : keyTtlMs)
    entry.forgetAtMs = (entry.endedAtMs ?? 0) + ttlMs
    this.#ended.push(entry)
    const oldest = this.#ended.peek()
    if (this.#ended.size > endedActivitiesMax && oldest !== undefined) this.#forget(oldest)
  }

  #forget(entry: Entry): void {
    this.#leave(entry)
    this.#entries.delete(entry.activity.id)
    this.keys.forget(entry)
    this.results.delete(entry.activity.id)
  }
}

function deadlineOf(entry: Entry): number {
  return entry.lease?.deadlineMs ?? 0
}
