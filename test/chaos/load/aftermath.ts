// What producers do to some of their activities once they are accepted: cancel them, look for their results again and again,
// redrive what has ended without success. Errors are in the history; here they only mean to try again.

import { systemClock, withDeadline } from '../../../src/core/clock.ts'
import { ERROR_TABLE, ErrandError, fromUnknown, isErrandError } from '../../../src/core/errors.ts'
import type { Logger } from '../../../src/core/logger.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { pause } from './child-life.ts'
import type { Drawn } from './load-draw.ts'

/** Looks and cancels under way at once; what comes beyond it is let go. */
const TASKS_MAX = 200
const TRIES_MAX = 8
const RETRY_PAUSE_MS = 500
/** Looks at a result until there is one, and how often it is looked at after. */
const LOOKS_MAX = 40
const LOOKS_AFTER = 3
const LOOK_PAUSE_MS = 500
/** So many redrives are repeated, which must give the same activity. */
const REDRIVES = 2

/** The aftermath of a producer's activities. */
export class AftermathRunner {
  readonly #storage: Storage
  readonly #logger: Logger
  readonly #stopping: AbortSignal
  readonly #tasks = new Set<Promise<void>>()

  constructor(parts: { readonly storage: Storage; readonly logger: Logger; readonly stopping: AbortSignal }) {
    this.#storage = parts.storage
    this.#logger = parts.logger
    this.#stopping = parts.stopping
  }

  /** Begins what is to be done to an activity that was accepted. */
  begin({ activity: { id }, aftermath }: Drawn): void {
    const { cancelAfterMs, isWatched, isRedriven } = aftermath
    if (cancelAfterMs !== null) this.#keep(() => this.#cancel(id, cancelAfterMs))
    if (isWatched || isRedriven) this.#keep(() => this.#watch(id, isRedriven))
  }

  /** Resolves when nothing is under way, which stopping makes soon, or after so long: a call cannot be taken back. */
  async finish(withinMs: number): Promise<void> {
    const late = (): Error => new ErrandError('timeout', `${this.#tasks.size} looks and cancels were not answered`)
    await withDeadline(systemClock, Promise.all(this.#tasks), withinMs, late).catch((error: unknown) => {
      if (!isErrandError(error, 'timeout')) throw error
      this.#logger.warn(error.message)
    })
  }

  #keep(work: () => Promise<void>): void {
    if (this.#tasks.size >= TASKS_MAX) return
    const task = work()
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }

  async #cancel(id: string, afterMs: number): Promise<void> {
    if (!(await pause(afterMs, this.#stopping))) return
    await this.#insist('cancel', () => this.#storage.cancel({ id, reason: 'the load cancels some' }))
  }

  async #watch(id: string, isRedriven: boolean): Promise<void> {
    let seen: Awaited<ReturnType<Storage['getResult']>> = null
    for (let looks = 0; looks < LOOKS_MAX && seen === null; looks++) {
      if (!(await pause(LOOK_PAUSE_MS, this.#stopping))) return
      seen = (await this.#insist('look', () => this.#storage.getResult({ id }))) ?? null
    }
    for (let redrives = 0; isRedriven && seen?.state === 'err' && redrives < REDRIVES; redrives++) {
      await this.#insist('redrive', () => this.#storage.redrive({ id, reason: 'the load redrives some' }))
    }
    for (let looks = 0; seen !== null && looks < LOOKS_AFTER; looks++) {
      if (!(await pause(LOOK_PAUSE_MS * 2 ** looks, this.#stopping))) return
      await this.#insist('look', () => this.#storage.getResult({ id }))
    }
  }

  /** Calls until there is an answer, a few times; undefined: there was none, or it was a refusal. */
  async #insist<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; tries < TRIES_MAX && !this.#stopping.aborted; tries++) {
      try {
        return await call()
      } catch (error) {
        const { code, message } = fromUnknown(error, 'internal')
        this.#logger.warn(`a ${what} was not answered`, { code, error: message })
        if (ERROR_TABLE[code].retry !== 'as_it_is') return undefined
      }
      if (!(await pause(RETRY_PAUSE_MS, this.#stopping))) return undefined
    }
    return undefined
  }
}
