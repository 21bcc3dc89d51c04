// A console on a real HTTP server, over any storage, and somebody who asks it: with whatever headers, as no browser would let him.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Console, ConsoleOptions } from '../../src/console/index.ts'
import { createConsole } from '../../src/console/index.ts'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'

type Headers = Readonly<Record<string, string | undefined>>

/** An answer, whole. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Parsed; undefined when it is no JSON. */
  readonly json: unknown
}

/** What a change of one of the console's own pages looks like. */
export const OWN_PAGE: Headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }

const WAIT_MS_MAX = 20_000

/** Somebody who asks a console that listens on a port of loopback. */
export class ConsoleCaller implements AsyncDisposable {
  readonly port: number
  readonly #streams = new Set<IncomingMessage>()

  constructor(port: number) {
    this.port = port
  }

  /** Asks for a path, as it stands. */
  get(path: string, headers: Headers = {}): Promise<Answer> {
    return this.send('GET', path, headers)
  }

  /** Asks for a change, as a page of the console does, under a new request id. */
  post(path: string, body: unknown, headers: Headers = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.send('POST', path, { ...OWN_PAGE, 'x-errand-request': randomUUID(), ...headers }, text)
  }

  /** Sends anything. A header that is undefined is left out. */
  async send(method: string, path: string, headers: Headers = {}, body?: string): Promise<Answer> {
    const response = await this.#request(method, path, headers, body)
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
    return { status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) }
  }

  /** Opens the live stream. */
  async stream(path = '/api/stream', headers: Headers = {}): Promise<EventReader> {
    const response = await this.#request('GET', path, headers)
    this.#streams.add(response)
    return new EventReader(response)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.destroy()
  }

  #request(method: string, path: string, headers: Headers, body?: string): Promise<IncomingMessage> {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.port, method, path, headers: given, agent: false }, resolve)
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

/** A console that listens, and whoever asks it. */
export class ConsoleHost extends ConsoleCaller {
  readonly console: Console
  readonly #server: Server

  private constructor(made: Console, server: Server) {
    super((server.address() as AddressInfo).port)
    this.console = made
    this.#server = server
  }

  /** Makes a console and listens on a free port of loopback. */
  static async open(options: ConsoleOptions): Promise<ConsoleHost> {
    const made = createConsole(options)
    const server = createServer(made.handler).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ConsoleHost(made, server)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.console.close()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | null
  readonly name: string
  readonly data: unknown
}

/** Reads a live stream. */
export class EventReader {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly #response: IncomingMessage
  readonly #events: ServerEvent[] = []
  readonly #looks = new Set<() => void>()
  #text = ''
  #comments = 0
  #hasEnded = false

  constructor(response: IncomingMessage) {
    this.#response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    response.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk))
    response.on('error', () => undefined) // ours to end
    response.on('close', () => {
      this.#hasEnded = true
      this.#look()
    })
  }

  /** What has come. */
  get events(): readonly ServerEvent[] {
    return this.#events
  }

  /** Comments that have come. */
  get comments(): number {
    return this.#comments
  }

  /** Stops taking what comes. */
  pause(): void {
    this.#response.pause()
  }

  /** Goes on. */
  resume(): void {
    this.#response.resume()
  }

  /** Leaves. */
  close(): void {
    this.#response.destroy()
  }

  /** Waits for its end. */
  async ended(): Promise<void> {
    await this.#until(() => (this.#hasEnded ? true : undefined))
  }

  /** Waits for an event. */
  heard(
    name: string,
    matches: (data: Readonly<Record<string, unknown>>) => boolean = () => true,
  ): Promise<ServerEvent> {
    return this.#until(() =>
      this.#events.find(event => event.name === name && matches(event.data as Readonly<Record<string, unknown>>)),
    )
  }

  /** Waits for something. */
  async #until<T>(find: () => T | undefined): Promise<T> {
    const waiting = new Promise<T>(resolve => {
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        this.#looks.delete(look)
        resolve(found)
      }
      this.#looks.add(look)
      look()
    })
    return withDeadline(systemClock, waiting, WAIT_MS_MAX, () => {
      const names = this.#events.map(({ name }) => name).join(', ')
      return new ErrandError('timeout', `the stream did not say it; it said: ${names.slice(-1_000)}`)
    })
  }

  #take(chunk: string): void {
    const parts = (this.#text + chunk).split('\n\n')
    this.#text = parts.pop() ?? ''
    for (const part of parts) this.#one(part)
    this.#look()
  }

  #one(part: string): void {
    if (part.startsWith(':')) {
      this.#comments += 1
      return
    }
    const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? null
    this.#events.push({ id: field('id'), name: field('event') ?? '', data: jsonOf(field('data') ?? '') })
  }

  #look(): void {
    for (const look of [...this.#looks]) look()
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
