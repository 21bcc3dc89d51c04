// The frame of every long-running command: telemetry first, then the storage, what it is there for, the probes; and at the
// first SIGTERM all of it again in the other direction.
//
//   telemetry ─▶ probes listen (starting) ─▶ storage ─▶ parts start ─▶ running ─signal─▶ draining ─▶ parts stop ─▶ storage closes

import { systemClock, withSignal } from '../../core/clock.ts'
import { isErrandError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { HealthReport, Storage } from '../../storage/storage.ts'
import type { Invocation } from '../command.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { serviceLogger } from '../logging.ts'
import { HealthMonitor } from './health-monitor.ts'
import type { HttpHandler } from './health-server.ts'
import { HealthServer } from './health-server.ts'
import { startTelemetry } from './telemetry.ts'

/** What a part of a service is given. */
export interface ServiceContext {
  readonly storage: Storage
  readonly logger: Logger
  /** Aborts when the service is to stop. */
  readonly signal: AbortSignal
}

/** Something that a service runs. */
export interface ServicePart {
  /** Resolves once it works. */
  start(): Promise<void>
  /** Drains and ends. `remaining`: what was given back or up. */
  stop(): Promise<{ readonly remaining: number }>
}

/** A service. */
export interface ServiceSpec {
  /** `service.name` of its telemetry, and how log lines call it: such as `errand-worker`. */
  readonly name: string
  openStorage(logger: Logger): Promise<Storage>
  /** Its parts, started in this order and stopped all at once. */
  parts(context: ServiceContext): Promise<readonly ServicePart[]>
  /** Answers what is no probe, once it is there. Left out: nothing else is answered. */
  pages?(): HttpHandler | undefined
  /** Said once it runs. */
  onRunning?(context: ServiceContext, address: string | undefined): void
}

/**
 * Runs a service until the process is asked to stop, or something is found that only a new process cures: then exit code 1.
 * Kafka and Redis may come later than it: it waits for them, alive and not ready.
 */
export async function runService({ config, loaded, terminal }: Invocation, spec: ServiceSpec): Promise<ExitCode> {
  const logger = serviceLogger(config, terminal)
  for (const name of loaded.unknownVariables) logger.warn('nobody reads this variable; is it misspelt?', { name })
  const telemetry = await startTelemetry(spec.name)
  const failure = new AbortController()
  const signal = AbortSignal.any([terminal.signal, failure.signal])
  const servers = new Servers(spec, logger)
  const monitor = new HealthMonitor({
    ...{ clock: systemClock, logger, ask: () => servers.health() },
    onFatal: ({ name, trouble }) => {
      logger.error('only a new process helps: stopping', { what: name, trouble })
      failure.abort()
    },
  })
  const { host, port } = config.http
  const serverOptions = { host, port, monitor, metrics: telemetry.metrics, ...pagesOf(spec) }
  const server = port < 0 ? undefined : new HealthServer(serverOptions)
  try {
    const address = await server?.listen()
    logger.debug('probes are answered', { address: address ?? 'off' })
    await using storage = await servers.open(signal)
    const context = { storage, logger, signal }
    await runParts(await spec.parts(context), { spec, monitor, context, address, namespace: config.namespace })
  } catch (error) {
    if (!terminal.signal.aborted || !isErrandError(error, 'cancelled')) throw error
    logger.info(`${spec.name} has stopped before it ran`) // asked to, which is no failure
  } finally {
    await monitor.stop()
    await server?.close()
    await telemetry.shutdown()
  }
  return failure.signal.aborted ? EXIT_CODES.failed : EXIT_CODES.ok
}

function pagesOf(spec: ServiceSpec): { readonly pages?: () => HttpHandler | undefined } {
  return spec.pages === undefined ? {} : { pages: () => spec.pages?.() }
}

interface RunParts {
  readonly spec: ServiceSpec
  readonly monitor: HealthMonitor
  readonly context: ServiceContext
  readonly address: string | undefined
  readonly namespace: string | undefined
}

async function runParts(
  parts: readonly ServicePart[],
  { spec, monitor, context, address, namespace }: RunParts,
): Promise<void> {
  const { logger, signal } = context
  try {
    for (const part of parts) await part.start()
    await monitor.start()
    monitor.state = 'running'
    logger.info(`${spec.name} runs`, { namespace, http: address ?? 'off' })
    spec.onRunning?.(context, address)
    await aborting(signal)
  } finally {
    monitor.state = 'draining'
    logger.info(`${spec.name} drains`)
    // What is looked at from here on is on its way out: no reason for an alarm.
    const [ends] = await Promise.all([Promise.all(parts.map(part => part.stop())), monitor.stop()])
    const remaining = ends.reduce((sum, end) => sum + end.remaining, 0)
    logger.info(`${spec.name} has stopped`, { drained: remaining === 0, remaining })
  }
}

/** Unit: ms. */
const OPEN_AGAIN_MS = 2_000

/** Kafka and Redis, which may not be there yet. */
class Servers {
  readonly #spec: ServiceSpec
  readonly #logger: Logger
  #storage: Storage | undefined
  #trouble = 'not connected yet'

  constructor(spec: ServiceSpec, logger: Logger) {
    this.#spec = spec
    this.#logger = logger
  }

  /** Opens the storage, again and again while a server is away. Rejects with `cancelled` when the signal aborts. */
  async open(signal: AbortSignal): Promise<Storage> {
    for (;;) {
      try {
        this.#storage = await withSignal(this.#spec.openStorage(this.#logger), signal)
        return this.#storage
      } catch (error) {
        if (!isErrandError(error, 'unavailable')) throw error
        this.#trouble = error.message
        this.#logger.warn('a server is away; trying again', { trouble: error.message })
      }
      await systemClock.sleep(OPEN_AGAIN_MS, { signal })
    }
  }

  health(): Promise<HealthReport> {
    const away = { name: 'servers', trouble: this.#trouble, isFatal: false }
    return this.#storage?.health() ?? Promise.resolve({ checks: [away] })
  }
}

/** Resolves when the signal aborts. The timer keeps the process alive until then. */
function aborting(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const alive = setInterval(() => undefined, 60_000)
    const end = (): void => {
      clearInterval(alive)
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
