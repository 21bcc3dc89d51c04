// What happened: a timeline per activity, and live streams of everything. A stream whose reader is too slow loses the
// oldest of what waits for it and is told so by a gap.

import { MEMORY_LIMITS } from '../../core/limits.ts'
import type { ActivityEvent, EventGap } from '../storage.ts'
import type { Entry } from './entry.ts'

/** What an event says beside whom it is about. */
export type EventFacts = Omit<ActivityEvent, 'id' | 'activityType' | 'attempt'>

/** Records events and passes them on. */
export class Events {
  readonly #streams = new Set<Stream>()

  record(entry: Entry, facts: EventFacts): void {
    const { id, type, attempt } = entry.activity
    const event: ActivityEvent = { id, activityType: type, attempt, ...facts }
    entry.events.push(event)
    if (entry.events.length > MEMORY_LIMITS.timelineEventsMax) entry.events.splice(1, 1)
    for (const stream of this.#streams) stream.add(event)
  }

  /** Everything from now on, also what happens before it is first read. Ends when a signal aborts. */
  follow(signals: readonly AbortSignal[]): AsyncIterable<ActivityEvent | EventGap> {
    const stream = new Stream(signals, () => this.#streams.delete(stream))
    if (!stream.isEnded) this.#streams.add(stream)
    return stream
  }
}

class Stream implements AsyncIterableIterator<ActivityEvent | EventGap> {
  readonly #waiting: (ActivityEvent | EventGap)[] = []
  readonly #signals: readonly AbortSignal[]
  readonly #onEnd: () => void
  #readers: ((result: IteratorResult<ActivityEvent | EventGap>) => void)[] = []
  #isEnded = false
  readonly #end = (): void => {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#end)
    for (const reader of this.#readers) reader({ done: true, value: undefined })
    this.#readers = []
    this.#onEnd()
  }

  constructor(signals: readonly AbortSignal[], onEnd: () => void) {
    this.#signals = signals
    this.#onEnd = onEnd
    if (signals.some(signal => signal.aborted)) this.#isEnded = true
    else for (const signal of signals) signal.addEventListener('abort', this.#end, { once: true })
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  add(event: ActivityEvent): void {
    const reader = this.#readers.shift()
    if (reader !== undefined) return reader({ done: false, value: event })
    this.#waiting.push(event)
    if (this.#waiting.length > MEMORY_LIMITS.streamEventsMax) {
      this.#waiting.splice(0, this.#waiting.length - MEMORY_LIMITS.streamEventsMax / 2, {
        type: 'gap',
        atMs: event.atMs,
      })
    }
  }

  next(): Promise<IteratorResult<ActivityEvent | EventGap>> {
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined })
    const value = this.#waiting.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    return new Promise(resolve => this.#readers.push(resolve))
  }

  return(): Promise<IteratorResult<ActivityEvent | EventGap>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
