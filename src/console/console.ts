// The console: pages and an API over one storage, as a function from Request to Response and as a listener for Node's servers.

import { getRequestListener } from '@hono/node-server'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Client } from '../client/client.ts'
import type { Clock } from '../core/clock.ts'
import { sleepOn } from '../core/clock.ts'
import { isErrandError, saidBy } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { Access } from './access.ts'
import type { App, AppParts } from './app.ts'
import { createApp } from './app.ts'
import { Assets } from './assets.ts'
import { AuditTrail } from './audit.ts'
import type { ConsoleOptions, ResolvedConsoleOptions } from './console-options.ts'
import { resolveConsoleOptions } from './console-options.ts'
import { HostGate } from './host-gate.ts'
import { KeptAnswer } from './kept-answer.ts'
import { LiveHub } from './live-hub.ts'
import { Problem, problemResponse } from './problem.ts'
import { redactedEvents } from './redaction.ts'
import { RequestOnce } from './request-once.ts'
import { secured } from './security-headers.ts'
import { SeriesBook } from './series.ts'

/** A console that listens nowhere by itself: it is mounted. */
export interface Console extends AsyncDisposable {
  /** Answers a request. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>
  /** The same for `node:http`, and for what takes its handlers: `app.use('/errand', console.handler)`, before bodies are parsed. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Ends live streams and its own look at the storage, which stays open. */
  close(): Promise<void>
}

/**
 * Makes a console. It begins at once to look at the storage now and then, for its charts. Throws `invalid_argument` with everything
 * that is wrong with the options.
 *
 * Without `token` whoever reaches it may act: mount it so only where that is meant.
 *
 * @example
 * const console = createConsole({ storage, token: { act: process.env.CONSOLE_TOKEN }, basePath: '/errand' })
 * createServer(console.handler).listen(8080, '127.0.0.1')
 */
export function createConsole(given: ConsoleOptions): Console {
  const options = resolveConsoleOptions(given)
  const parts = partsOf(options)
  const app = createApp(parts)
  const stopping = new AbortController()
  parts.hub.start()
  const sampling = sampleLanes(parts, options.clock, stopping.signal)
  const close = async (): Promise<void> => {
    stopping.abort()
    await Promise.all([parts.hub.stop(), sampling])
  }
  return {
    fetch: request => app(request, { address: null }),
    handler: listenerOf(app),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function partsOf(options: ResolvedConsoleOptions): AppParts {
  const { storage, clock, logger, diagnose } = options
  const client = new Client({ storage, clock, logger })
  const series = new SeriesBook(clock)
  return {
    ...{ options, client, series },
    access: new Access({ tokens: options.tokens, readOnly: options.readOnly, clock }),
    audit: new AuditTrail({ clock, logger, listener: options.audit }),
    hub: new LiveHub({
      ...{ clock, logger },
      events: signal => redactedEvents(options, client.events({ signal })),
      onEvent: event => series.count(event),
      onGap: () => series.gap(),
    }),
    stats: new KeptAnswer({ clock, keptMs: CONSOLE_LIMITS.figuresKeptMs, ask: () => client.inspect.stats() }),
    lanes: new KeptAnswer({ clock, keptMs: CONSOLE_LIMITS.figuresKeptMs, ask: () => storage.laneFigures() }),
    diagnosis:
      diagnose === null ? null : new KeptAnswer({ clock, keptMs: CONSOLE_LIMITS.diagnosisKeptMs, ask: diagnose }),
    gate: new HostGate(options.allowedHosts),
    once: new RequestOnce(clock),
    assets: new Assets(options.assetsFolder, logger),
  }
}

/** For charts: how the lanes stand, now and then, whether or not anybody looks. */
async function sampleLanes({ lanes, series, options }: AppParts, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { value, trouble } = await lanes.get()
      if (trouble === null) series.sample(value)
    } catch (error) {
      options.logger.debug('the lanes could not be looked at', { error: saidBy(error) })
    }
    await sleepOn(clock, CONSOLE_LIMITS.sampleMs, signal).catch((error: unknown) => {
      if (!isErrandError(error, 'cancelled')) throw error // cancelled: the loop ends
    })
  }
}

function listenerOf(app: App): Console['handler'] {
  const listener = getRequestListener(
    (request, { incoming }) => {
      // What cuts a path off in front, as Express does, keeps the whole here.
      const { originalUrl } = incoming as { readonly originalUrl?: unknown }
      const originalPath = typeof originalUrl === 'string' ? originalUrl.split('?', 1)[0] : undefined
      const address = incoming.socket.remoteAddress ?? null
      return app(request, { address, ...(originalPath === undefined ? {} : { originalPath }) })
    },
    {
      // Whoever mounts this keeps his own Request and Response.
      overrideGlobalObjects: false,
      errorHandler: () => secured(problemResponse(new Problem(400, 'invalid_argument', 'that is no request.'))),
    },
  )
  // It answers by itself whatever happens.
  return (request, response) => void listener(request, response)
}
