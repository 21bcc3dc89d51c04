// The small HTTP server beside a long-running command: probes for Kubernetes, figures for Prometheus.

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { ErrandError } from '../../core/errors.ts'
import type { HealthMonitor, ProbeAnswer } from './health-monitor.ts'

/** Answers one request, whole. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

/** What {@link HealthServer} needs. */
export interface HealthServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly monitor: HealthMonitor
  /** Answers `/metrics`; undefined: 404, as where telemetry is off. */
  readonly metrics: HttpHandler | undefined
  /** Answers all other paths, once it is there. Left out: 404. */
  readonly pages?: (() => HttpHandler | undefined) | undefined
}

/** Paths that are served. */
export const HEALTH_PATHS = ['/livez', '/readyz', '/startupz', '/metrics'] as const

/** Serves {@link HEALTH_PATHS}. */
export class HealthServer {
  readonly #options: HealthServerOptions
  readonly #server: Server

  constructor(options: HealthServerOptions) {
    this.#options = options
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.requestTimeout = options.pages === undefined ? 5_000 : 30_000 // some bring a payload
    this.#server.headersTimeout = 5_000
    this.#server.maxConnections = options.pages === undefined ? 64 : 1_024 // live streams stay open
  }

  /** Listens; resolves with the address. Rejects with `configuration` when the port is taken or not allowed. */
  async listen(): Promise<string> {
    const { host, port } = this.#options
    this.#server.listen({ host, port })
    try {
      await once(this.#server, 'listening')
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? String(error)
      throw new ErrandError(
        'configuration',
        `http.port: ${host}:${port} cannot be listened on (${why}). Give another --http-port, 0 for any, or off.`,
        { details: { setting: 'http.port' }, cause: error },
      )
    }
    const address = this.#server.address() as AddressInfo
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { monitor, metrics, pages } = this.#options
    // Taken as text: `//` is no URL, and what throws here ends the process.
    const pathname = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (pages !== undefined && !HEALTH_PATHS.some(path => path === pathname)) {
      const answer = pages()
      return answer === undefined ? send(response, 503, { error: 'starting' }) : answer(request, response)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { error: 'only GET' })
    if (pathname === '/livez') return probe(response, monitor.live())
    if (pathname === '/readyz') return probe(response, monitor.ready())
    if (pathname === '/startupz') return probe(response, monitor.startup())
    if (pathname === '/metrics' && metrics !== undefined) return metrics(request, response)
    return send(response, 404, { error: `there is ${HEALTH_PATHS.join(', ')}` })
  }
}

function probe(response: ServerResponse, answer: ProbeAnswer): void {
  const { isWell, state, checks } = answer
  const shown = checks.map(({ name, trouble }) => ({ name, status: trouble === null ? 'ok' : 'failed', trouble }))
  send(response, isWell ? 200 : 503, { status: isWell ? 'ok' : 'failed', state, checks: shown })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
