// A TCP proxy that can be told to misbehave: cut, refuse, stall, be slow, or lose the answers to requests that have arrived.
// It stands between clients and one broker or Redis, counts what it does, and keeps the order of the bytes in all of it.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { Clock } from '../../../src/core/clock.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { PipeHost } from './pipe.ts'
import { Pipe } from './pipe.ts'

/** How late bytes are, each way: `ms` plus or minus up to `jitterMs`, drawn for each chunk. */
export interface Delay {
  readonly ms: number
  readonly jitterMs: number
  readonly random: { next(): number }
}

/** Which answers are lost. */
export interface AnswerLoss {
  /** Which requests lose their answer, by a chunk as it comes from the client. @defaultValue all */
  readonly wants?: (request: Buffer) => boolean
  /** So many chunks of answers of a connection still pass after such a request; asked once a connection. @defaultValue 0 */
  readonly afterReplies?: () => number
  /** So many bytes are swallowed before the connection is cut; the chunk they end in goes with them. @defaultValue 1 */
  readonly nextBytes?: number
}

/** What a proxy has done since it was opened. */
export interface ProxyCounters {
  /** Bytes passed on to the server, and to clients. */
  readonly up: number
  readonly down: number
  /** Bytes of answers that were swallowed. */
  readonly dropped: number
  /** Bytes that came while it was stalled. */
  readonly held: number
  /** Chunks that were made late. */
  readonly delayed: number
  /** Connections that were accepted. */
  readonly connections: number
  /** Connections that were turned away by {@link Proxy.refuse}. */
  readonly refused: number
  /** Connections that were reset on purpose, by {@link Proxy.cut} or after a lost answer. */
  readonly cuts: number
}

/** A running proxy. */
export interface Proxy {
  readonly port: number
  /** Connections that are open now. */
  readonly open: number
  readonly counters: ProxyCounters
  /** Resets every connection (RST, both ways) and says how many there were. */
  cut(): number
  /** While on, whoever connects is reset at once. Connections that are open stay. */
  refuse(isOn: boolean): void
  /** While on, bytes are held in both directions; connections stay open and can be made. */
  stall(isOn: boolean): void
  /** Makes bytes late that come from now on; null: as fast as they come. */
  delay(delay: Delay | null): void
  /** Swallows the server's answers, then cuts the connection: applied, answer lost. Null: no more. */
  dropAnswers(loss: AnswerLoss | null): void
  close(): Promise<void>
}

/** Options of {@link openProxy}. */
export interface ProxyOptions {
  /** Where it listens, on 127.0.0.1. @defaultValue a free one */
  readonly port?: number
  readonly target: { readonly host: string; readonly port: number }
  readonly clock?: Clock
}

/** What all connections of a proxy share. */
interface Weather {
  isRefusing: boolean
  isStalled: boolean
  delay: Delay | null
  loss: AnswerLoss | null
  readonly counters: { -readonly [name in keyof ProxyCounters]: ProxyCounters[name] }
}

/** Opens a proxy on 127.0.0.1. Rejects when its port is taken. */
export async function openProxy({ port = 0, target, clock = systemClock }: ProxyOptions): Promise<Proxy> {
  const counters = { up: 0, down: 0, dropped: 0, held: 0, delayed: 0, connections: 0, refused: 0, cuts: 0 }
  const weather: Weather = { isRefusing: false, isStalled: false, delay: null, loss: null, counters }
  const links = new Set<Link>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    if (weather.isRefusing) {
      counters.refused += 1
      client.on('error', () => undefined) // reset by its own side first: refused all the same
      client.resetAndDestroy()
      return
    }
    counters.connections += 1
    const link = new Link(client, connect({ ...target, allowHalfOpen: true, noDelay: true }), { weather, clock })
    links.add(link)
    link.onGone = () => links.delete(link)
  })
  server.listen({ port, host: '127.0.0.1' })
  await once(server, 'listening')
  const address = server.address()
  const cut = (): number => [...links].filter(link => link.cut()).length
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    get open() {
      return links.size
    },
    counters,
    cut,
    refuse: isOn => void (weather.isRefusing = isOn),
    stall: isOn => {
      weather.isStalled = isOn
      for (const link of links) link.pump()
    },
    delay: delay => void (weather.delay = delay),
    dropAnswers: loss => {
      weather.loss = loss
      for (const link of links) link.forgetLoss()
    },
    close: async () => {
      const isClosed = once(server, 'close')
      server.close()
      cut()
      await isClosed
    },
  }
}

/** One client's connection and the one to the server that belongs to it. */
class Link {
  onGone: () => void = () => undefined
  readonly #client: Socket
  readonly #server: Socket
  readonly #weather: Weather
  readonly #up: Pipe
  readonly #down: Pipe
  /** Answers that still pass before those that are lost; null: no wanted request has gone up. */
  #repliesLeft: number | null = null
  #swallowed = 0

  constructor(client: Socket, server: Socket, { weather, clock }: { weather: Weather; clock: Clock }) {
    this.#client = client
    this.#server = server
    this.#weather = weather
    const { counters } = weather
    const host = {
      clock,
      isStalled: () => weather.isStalled,
      delayMs: () => this.#delayMs(),
      onHeld: (bytes: number) => void (counters.held += bytes),
      onBroken: () => this.#reset(),
    } satisfies Partial<PipeHost>
    const onUp = (bytes: number): void => void (counters.up += bytes)
    const onDown = (bytes: number): void => void (counters.down += bytes)
    this.#up = new Pipe(client, server, { ...host, admit: chunk => this.#noteRequest(chunk), onPassed: onUp })
    this.#down = new Pipe(server, client, { ...host, admit: chunk => this.#keepsAnswer(chunk), onPassed: onDown })
    for (const socket of [client, server]) {
      socket.on('error', () => this.#reset()) // how it ended on one side is how it ends on the other
      socket.on('close', () => this.#tellWhenGone())
    }
  }

  /** Resets both sides; false if they are gone already. */
  cut(): boolean {
    if (this.#isGone) return false
    this.#weather.counters.cuts += 1
    this.#reset()
    return true
  }

  pump(): void {
    this.#up.pump()
    this.#down.pump()
  }

  /** Where a part of an answer is gone already, the rest of the stream would be nonsense: such a connection is cut. */
  forgetLoss(): void {
    if (this.#swallowed > 0 && !this.#isGone) this.#loseRest()
    this.#repliesLeft = null
    this.#swallowed = 0
  }

  #delayMs(): number {
    const { delay, counters } = this.#weather
    if (delay === null) return 0
    counters.delayed += 1
    return Math.max(0, delay.ms + (delay.random.next() * 2 - 1) * delay.jitterMs)
  }

  #noteRequest(chunk: Buffer): boolean {
    const { loss } = this.#weather
    if (loss !== null && this.#repliesLeft === null && (loss.wants?.(chunk) ?? true)) {
      this.#repliesLeft = loss.afterReplies?.() ?? 0
    }
    return true
  }

  #keepsAnswer(chunk: Buffer): boolean {
    const { loss, counters } = this.#weather
    if (loss === null || this.#repliesLeft === null) return true
    if (this.#repliesLeft > 0) {
      this.#repliesLeft -= 1
      return true
    }
    counters.dropped += chunk.length
    this.#swallowed += chunk.length
    if (this.#swallowed >= (loss.nextBytes ?? 1)) this.#loseRest()
    return false
  }

  /** The client is reset; the server is only left, because a reset could take requests back that it has not read yet. */
  #loseRest(): void {
    if (this.#client.destroyed) return
    this.#weather.counters.cuts += 1
    this.#client.resetAndDestroy()
    this.#server.end()
  }

  #reset(): void {
    this.#client.resetAndDestroy()
    this.#server.resetAndDestroy()
  }

  get #isGone(): boolean {
    return this.#client.destroyed && this.#server.destroyed
  }

  #tellWhenGone(): void {
    if (this.#isGone) this.onGone()
  }
}
