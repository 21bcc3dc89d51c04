// The live stream: one reader of the storage's events for all who look, as server-sent events with ids. Who comes back with the id
// of his last event gets what he missed, as long as it is still kept; else a gap. A gap is also what everybody gets when the source
// of events was away.
//
//   storage.events ─▶ hub ─▶ ring (for those who come back)
//                      ├──▶ series
//                      └──▶ reader, reader, reader …

import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { sleepOn } from '../core/clock.ts'
import { isErrandError, saidBy } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { ActivityEvent, EventGap } from '../storage/storage.ts'
import { briefed } from './brief-failure.ts'
import type { LiveFilter } from './live-reader.ts'
import { LiveReader } from './live-reader.ts'
import { Problem } from './problem.ts'

/** What {@link LiveHub} needs. */
export interface LiveHubParts {
  readonly events: (signal: AbortSignal) => AsyncIterable<ActivityEvent | EventGap>
  readonly clock: Clock
  readonly logger: Logger
  readonly onEvent: (event: ActivityEvent) => void
  readonly onGap: () => void
}

/** Who wants to read. */
export interface LiveRequest {
  readonly address: string | null
  readonly filter: LiveFilter
  /** From `Last-Event-ID`. */
  readonly lastEventId: string | null
}

interface Sent {
  readonly sequence: number
  readonly event: ActivityEvent
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()

/** The hub. */
export class LiveHub {
  readonly #parts: LiveHubParts
  readonly #stopping = new AbortController()
  readonly #readers = new Set<LiveReader>()
  readonly #epoch = randomBytes(4).toString('hex')
  #ring: Sent[] = []
  #ringBytes = 0
  #sequence = 0
  #trouble: string | null = null
  #following: Promise<unknown> | null = null

  constructor(parts: LiveHubParts) {
    this.#parts = parts
  }

  /** Begins to read the storage's events. Idempotent. */
  start(): void {
    this.#following ??= Promise.all([this.#follow(), this.#beat()])
  }

  /** Ends all streams. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const reader of [...this.#readers]) reader.end()
    await this.#following
  }

  /** How many read now. */
  get readers(): number {
    return this.#readers.size
  }

  /** A new stream. Throws 503 when there are as many as may be, in all or from one address. */
  open({ address, filter, lastEventId }: LiveRequest): ReadableStream<Uint8Array> {
    const { streamsMax, streamsPerAddressMax } = CONSOLE_LIMITS
    const ofAddress = [...this.#readers].filter(reader => address !== null && reader.address === address).length
    if (this.#readers.size >= streamsMax || ofAddress >= streamsPerAddressMax || this.#stopping.signal.aborted) {
      throw new Problem(503, 'unavailable', 'too many live streams are open; the page asks now and then instead.', {
        retryAfterS: 30,
      })
    }
    const reader = new LiveReader({
      ...{ address, filter, openedMs: this.#parts.clock.monotonicMs() },
      gap: () => this.#gapBytes(),
      onGone: gone => this.#readers.delete(gone),
    })
    this.#readers.add(reader)
    const missed = this.#missedSince(lastEventId)
    const isResumed = missed !== null && missed.from !== null
    // It carries the place from which to go on, for who goes before the first event.
    const place = isResumed ? `id: ${missed.from}\n` : this.#place()
    reader.send(this.#encode('hello', { isResumed, trouble: this.#trouble }, place))
    if (missed === null) reader.send(this.#gapBytes())
    else for (const { event, bytes } of missed.events) if (reader.wants(event)) reader.send(bytes)
    return reader.stream
  }

  /** What came after an event; empty for who has none; null when that is not known any more. */
  #missedSince(lastEventId: string | null): { readonly from: string | null; readonly events: readonly Sent[] } | null {
    if (lastEventId === null || lastEventId === '') return { from: null, events: [] }
    const match = /^([0-9a-f]{8})-(\d{1,15})$/.exec(lastEventId)
    if (match?.[1] !== this.#epoch) return null
    const sequence = Number(match[2])
    const oldest = this.#ring[0]?.sequence ?? this.#sequence + 1
    if (sequence > this.#sequence || sequence + 1 < oldest) return null
    return { from: lastEventId, events: this.#ring.filter(sent => sent.sequence > sequence) }
  }

  async #follow(): Promise<void> {
    const { clock, logger, events } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const attempt = new AbortController()
      // What has not failed by then goes well, also when nothing happens.
      const cancel = clock.after(CONSOLE_LIMITS.streamRetryMs, () => this.#well())
      try {
        for await (const each of events(AbortSignal.any([signal, attempt.signal]))) {
          this.#well()
          this.#take(each)
        }
        if (signal.aborted) return
        this.#away('the storage ended its events')
      } catch (error) {
        if (signal.aborted) return
        logger.debug('the live stream lost its source', { error: saidBy(error) })
        this.#away(saidBy(error).replace(/^\[\w+\] /, ''))
      } finally {
        cancel()
        attempt.abort()
      }
      await this.#pause(CONSOLE_LIMITS.streamRetryMs)
    }
  }

  #take(event: ActivityEvent | EventGap): void {
    if (event.type === 'gap') return this.#gap()
    this.#parts.onEvent(event)
    this.#sequence += 1
    const bytes = this.#encode('activity', briefed(event), this.#place())
    this.#remember({ sequence: this.#sequence, event, bytes })
    for (const reader of this.#readers) if (reader.wants(event)) reader.send(bytes)
  }

  #remember(sent: Sent): void {
    this.#ring.push(sent)
    this.#ringBytes += sent.bytes.byteLength
    const { streamRingEvents, streamRingBytesMax } = CONSOLE_LIMITS
    if (this.#ring.length <= streamRingEvents && this.#ringBytes <= streamRingBytesMax) return
    // A quarter at once: taking one from the front for each that comes would copy the ring each time.
    for (const gone of this.#ring.splice(0, Math.ceil(this.#ring.length / 4))) this.#ringBytes -= gone.bytes.byteLength
  }

  #gap(): void {
    this.#parts.onGap()
    // Nobody can be given what lies behind a gap as if nothing were missing.
    this.#ring = []
    this.#ringBytes = 0
    this.#sequence += 1
    const bytes = this.#gapBytes()
    for (const reader of this.#readers) reader.send(bytes)
  }

  #away(trouble: string): void {
    if (this.#trouble === null) this.#tell('source', { trouble })
    this.#trouble = trouble
  }

  #well(): void {
    if (this.#trouble === null) return
    this.#trouble = null
    this.#tell('source', { trouble: null })
    this.#gap()
  }

  #tell(name: string, data: unknown): void {
    const bytes = this.#encode(name, data, '')
    for (const reader of this.#readers) reader.send(bytes)
  }

  async #beat(): Promise<void> {
    const comment = encoder.encode(': still here\n\n')
    while (await this.#pause(CONSOLE_LIMITS.streamHeartbeatMs)) {
      const oldestMs = this.#parts.clock.monotonicMs() - CONSOLE_LIMITS.streamLifeMsMax
      for (const reader of [...this.#readers]) {
        if (reader.openedMs < oldestMs) reader.end()
        else reader.send(comment)
      }
    }
  }

  /** True when the time has passed; false when it is over. */
  async #pause(ms: number): Promise<boolean> {
    try {
      // By `after`, which holds no process: a console that nobody closes must not either.
      await sleepOn(this.#parts.clock, ms, this.#stopping.signal)
      return true
    } catch (error) {
      if (isErrandError(error, 'cancelled')) return false
      throw error
    }
  }

  /** It carries an id too: who comes back after it has been told. */
  #gapBytes(): Uint8Array {
    const data: EventGap = { type: 'gap', atMs: this.#parts.clock.nowMs() }
    return this.#encode('gap', data, this.#place())
  }

  /** The id of what was sent last. */
  #place(): string {
    return `id: ${this.#epoch}-${this.#sequence}\n`
  }

  #encode(name: string, data: unknown, id: string): Uint8Array {
    return encoder.encode(`${id}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
}
