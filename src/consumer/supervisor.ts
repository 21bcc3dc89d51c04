// Keeps a consumer alive: kafkajs stops for good after some crashes, restarts for ever with poisoned metadata after
// others, and falls silent in a third kind. Its own restarts are switched off; here every crash, and every silence,
// means a new consumer, after a growing pause.
//
//   watching ──crash, silence──▶ rebuilding ──joined──▶ watching
//       └──codec crash──▶ failed         (rebuilding repeats until it joins)

import type { Clock } from '../core/clock.ts'
import type { ErrandError } from '../core/errors.ts'
import { fromUnknown, isErrandError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

export interface SupervisorOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Neither a heartbeat nor a fetch for so long, in ms: the consumer is taken for dead. */
  readonly silenceMs: number
  /** Closes the old consumer and opens a new one; resolves when that has joined. */
  readonly rebuild: () => Promise<void>
  readonly onFatal: (error: ErrandError) => void
}

/** The pause before the first rebuild, and how far it grows. */
const BACKOFF_MS_MIN = 250
const BACKOFF_MS_MAX = 5_000
/** A consumer that lived so long has done nothing wrong: the next pause is short again. */
const STABLE_MS = 60_000
/** So many joins in a row that never came: the process is better started anew. */
const STUCK_JOINS_MAX = 3

/** Decides when a consumer is replaced. */
export class Supervisor {
  /** Consumers built anew. */
  rebuilds = 0
  readonly #options: SupervisorOptions
  readonly #stopping = new AbortController()
  #lastSignMs = 0
  #joinedAtMs = 0
  #failuresInRow = 0
  #stuckJoins = 0
  #rebuilding: Promise<void> | undefined
  #cancelWatch: (() => void) | undefined
  #fatal: ErrandError | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** False once the consumer has crashed for good, or joins never come. A Kafka that is away is no reason. */
  get isHealthy(): boolean {
    return this.#fatal === undefined && this.#stuckJoins < STUCK_JOINS_MAX
  }

  /** Begins to watch; the consumer has just joined. */
  start(): void {
    this.#joinedAtMs = this.#options.clock.monotonicMs()
    this.alive()
    this.#watch()
  }

  /** A sign of life. */
  alive(): void {
    this.#lastSignMs = this.#options.clock.monotonicMs()
  }

  /** The consumer is gone. `isFatal`: another one would die of the same, so none is built. */
  crashed(error: ErrandError, isFatal: boolean): void {
    if (this.#stopping.signal.aborted || this.#fatal !== undefined) return
    if (!isFatal) return this.restart(error.message)
    this.#fatal = error
    this.#cancelWatch?.()
    this.#options.logger.error('the consumer died and is not built again', { reason: error.message })
    this.#options.onFatal(error)
  }

  /** Builds the consumer anew, unless that is under way. */
  restart(reason: string): void {
    if (this.#rebuilding !== undefined || this.#stopping.signal.aborted || this.#fatal !== undefined) return
    if (this.#options.clock.monotonicMs() - this.#joinedAtMs > STABLE_MS) this.#failuresInRow = 0
    this.#options.logger.warn('the consumer is built anew', { reason })
    this.#rebuilding = this.#rebuild().finally(() => {
      this.#rebuilding = undefined
    })
  }

  /** Ends watching and rebuilding; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancelWatch?.()
    await this.#rebuilding
  }

  async #rebuild(): Promise<void> {
    const { clock, logger } = this.#options
    while (!this.#stopping.signal.aborted) {
      const pauseMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** this.#failuresInRow)
      this.#failuresInRow += 1
      try {
        await clock.sleep(pauseMs, { signal: this.#stopping.signal })
        await this.#options.rebuild()
        this.rebuilds += 1
        this.#stuckJoins = 0
        this.#joinedAtMs = clock.monotonicMs()
        this.alive()
        return
      } catch (error) {
        if (this.#stopping.signal.aborted || this.#fatal !== undefined) return
        if (isErrandError(error, 'timeout')) this.#stuckJoins += 1
        logger.warn('the consumer could not be built; tried again', {
          reason: fromUnknown(error, 'unavailable').message,
        })
      }
    }
  }

  #watch(): void {
    const { clock, silenceMs } = this.#options
    this.#cancelWatch = clock.after(silenceMs / 4, () => {
      if (clock.monotonicMs() - this.#lastSignMs > silenceMs) this.restart(`no sign of life for ${silenceMs} ms`)
      this.#watch()
    })
  }
}
