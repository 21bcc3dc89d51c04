// A collector for tests: takes traces and metrics as OTLP over HTTP in JSON, keeps what came, and says when something is there.
// Start processes with its `environment()`; wait with `waitFor`. What it is sent is checked: an exporter that sends what is none
// gets an error, and the test is told of it.

import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import type { ReceivedPoint, ReceivedSpan } from './otlp-records.ts'
import { pointsOf, spansOf } from './otlp-records.ts'

const WAIT_MS_MAX = 30_000

/** Traces and metrics that processes have exported so far. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = []
  /** Every point of every export: of a counter or a gauge, the last of its attributes counts. */
  readonly points: ReceivedPoint[] = []
  /** What came that could not be read. */
  readonly errors: string[] = []
  readonly #server: Server
  readonly #looks = new Set<() => void>()

  /** Begins to listen on any free port of this machine. */
  static async open(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver()
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response))
  }

  /** `http://127.0.0.1:<port>`; exporters add `/v1/traces` and `/v1/metrics`. */
  get endpoint(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** The standard environment of a process that exports to here, at once rather than after its usual intervals. */
  environment(serviceName: string): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_ENDPOINT: this.endpoint,
      OTEL_SERVICE_NAME: serviceName,
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '250',
      OTEL_METRIC_EXPORT_TIMEOUT: '250',
    }
  }

  /** The latest points of one instrument, one for each set of attributes and service. */
  latest(name: string): ReceivedPoint[] {
    const bySeries = new Map<string, ReceivedPoint>()
    for (const point of this.points) {
      if (point.name === name) bySeries.set(JSON.stringify([point.service, point.attributes]), point)
    }
    return [...bySeries.values()]
  }

  /**
   * Resolves with what `find` gives, once that is neither undefined nor false; it is asked again after each export. Rejects with
   * `timeout` after 30 s, telling what came instead, or when something came that could not be read.
   */
  async waitFor<T>(what: string, find: (received: this) => T | undefined | false): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        try {
          if (this.errors.length > 0) throw new ErrandError('serialization', this.errors.join('; '))
          const value = find(this)
          if (value === undefined || value === false) return
          resolve(value)
        } catch (error) {
          reject(error)
        }
        this.#looks.delete(look)
      }
      this.#looks.add(look)
      look()
    })
    return withDeadline(systemClock, found, WAIT_MS_MAX, () => this.#missing(what))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #missing(what: string): ErrandError {
    const spans = this.spans.map(({ service, name }) => `${service}: ${name}`).join(', ')
    const points = [...new Set(this.points.map(({ service, name }) => `${service}: ${name}`))].join(', ')
    return new ErrandError('timeout', `${what} did not come. Spans: ${spans}. Metrics: ${points}`)
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const text = await textOf(request)
      if (text === undefined) return // its exporter gave up, or is gone: what it meant to say comes again, or not at all
      const body: unknown = JSON.parse(text)
      if (request.url === '/v1/traces') this.spans.push(...spansOf(body))
      else if (request.url === '/v1/metrics') this.points.push(...pointsOf(body))
      else throw new ErrandError('unsupported', `nothing is taken at ${request.url}`)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    } catch (error) {
      this.errors.push(`${request.method} ${request.url}: ${String(error)}`)
      response.writeHead(400).end()
    }
    for (const look of [...this.#looks]) look()
  }
}

/** Undefined when it was cut off. */
async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch (error) {
    if (!request.complete) return undefined
    throw error
  }
  return Buffer.concat(chunks).toString()
}
