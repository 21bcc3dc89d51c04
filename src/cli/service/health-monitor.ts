// What the probes answer with. The servers are asked every few seconds, whoever asks and however often: probes get the last
// answer at once, so that a slow Redis never makes a liveness probe time out.

import type { Clock } from '../../core/clock.ts'
import { isErrandError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { HealthCheck, HealthReport } from '../../storage/storage.ts'

/** Where a service stands. */
export type ServiceState = 'starting' | 'running' | 'draining'

/** Unit: ms. */
const ASK_EVERY_MS = 3_000

/** What {@link HealthMonitor} needs. */
export interface HealthMonitorOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Bounded, never rejects. */
  readonly ask: () => Promise<HealthReport>
  /** Called once when something is found that only a new process cures. */
  readonly onFatal: (check: HealthCheck) => void
}

/** Answer of a probe. */
export interface ProbeAnswer {
  readonly isWell: boolean
  readonly state: ServiceState
  /** What was looked at; empty for liveness and startup while all is well. */
  readonly checks: readonly HealthCheck[]
}

/** Keeps the last look at the servers. */
export class HealthMonitor {
  state: ServiceState = 'starting'
  readonly #options: HealthMonitorOptions
  readonly #stopping = new AbortController()
  #checks: readonly HealthCheck[] = []
  #loop: Promise<void> = Promise.resolve()

  constructor(options: HealthMonitorOptions) {
    this.#options = options
  }

  /** Looks once, then again and again until {@link stop}. */
  async start(): Promise<void> {
    await this.#look()
    this.#loop = this.#watch()
  }

  /** Ends looking; what is being looked at is not told any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  /** The event loop turns, or this would not be answered; and nothing was found that only a new process cures. */
  live(): ProbeAnswer {
    const fatal = this.#checks.filter(({ isFatal }) => isFatal)
    return { isWell: fatal.length === 0, state: this.state, checks: fatal }
  }

  /** Running, not draining, and Kafka, Redis and the consumers are well. */
  ready(): ProbeAnswer {
    const isWell = this.state === 'running' && this.#checks.every(({ trouble }) => trouble === null)
    return { isWell, state: this.state, checks: this.#checks }
  }

  /** Topics were verified and the groups joined once. */
  startup(): ProbeAnswer {
    return { isWell: this.state !== 'starting', state: this.state, checks: [] }
  }

  async #watch(): Promise<void> {
    const { clock } = this.#options
    while (!this.#stopping.signal.aborted) {
      try {
        await clock.sleep(ASK_EVERY_MS, { signal: this.#stopping.signal })
      } catch (error) {
        if (!isErrandError(error, 'cancelled')) throw error
        return
      }
      await this.#look()
    }
  }

  async #look(): Promise<void> {
    const before = this.#checks
    const { checks } = await this.#options.ask()
    if (this.#stopping.signal.aborted) return
    this.#checks = checks
    for (const check of this.#checks) this.#tell(check, before.find(({ name }) => name === check.name)?.trouble ?? null)
    const fatal = this.#checks.find(({ isFatal }) => isFatal)
    if (fatal !== undefined && !before.some(({ isFatal }) => isFatal)) this.#options.onFatal(fatal)
  }

  /** Once when it begins and once when it is over, so that an outage is two lines. */
  #tell({ name, trouble }: HealthCheck, before: string | null): void {
    const { logger } = this.#options
    if (trouble !== null && before === null) logger.warn(`${name} is not well`, { trouble })
    if (trouble === null && before !== null) logger.info(`${name} is well again`)
  }
}
