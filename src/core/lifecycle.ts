// The one brick that every long-lived part holds:
//
//   idle ──start──▶ starting ──▶ running ──stop──▶ stopping ──▶ stopped
//     └──────────────stop──────────────────────────────────────────▲
//                      └──(start failed)──▶ failed
//
// Both calls are idempotent and may overlap; stopping before or while starting works; a failed start leaves nothing open.

import { ErrandError } from './errors.ts'

/** Where a long-lived part stands. */
export type LifecycleState = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** How a stop ended. */
export interface StopReport {
  /** True when nothing was left unfinished. */
  readonly drained: boolean
  /** What was given back or given up. */
  readonly remaining: number
}

const DRAINED: StopReport = { drained: true, remaining: 0 }

/** Start and stop of a long-lived part, done once each. */
export class Lifecycle {
  #state: LifecycleState = 'idle'
  #starting: Promise<void> | undefined
  #stopping: Promise<StopReport> | undefined
  readonly #aborter = new AbortController()
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  get state(): LifecycleState {
    return this.#state
  }

  /** Aborted as soon as stopping begins: what every loop of the part listens to. */
  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Runs `open` once. Throws `conflict` once the part was stopped. */
  start(open: () => Promise<void>): Promise<void> {
    if (this.#starting !== undefined && this.#stopping === undefined) return this.#starting
    if (this.#stopping !== undefined) {
      return Promise.reject(new ErrandError('conflict', `${this.#name} was stopped; make a new one.`))
    }
    this.#state = 'starting'
    this.#starting = open().then(
      () => {
        this.#state = 'running' // also when a stop waits: it goes on from here
      },
      (error: unknown) => {
        this.#state = 'failed'
        this.#aborter.abort()
        throw error
      },
    )
    return this.#starting
  }

  /** Runs `close` once, after a start under way has ended. */
  stop(close: () => Promise<StopReport | void>): Promise<StopReport> {
    this.#stopping ??= this.#stop(close)
    return this.#stopping
  }

  async #stop(close: () => Promise<StopReport | void>): Promise<StopReport> {
    const starting = this.#starting
    this.#aborter.abort()
    if (starting === undefined) {
      this.#state = 'stopped'
      return DRAINED
    }
    await starting.catch(() => undefined) // whoever called start has the error
    this.#state = 'stopping'
    try {
      return (await close()) ?? DRAINED
    } finally {
      this.#state = 'stopped'
    }
  }

  /** Throws `conflict` unless running. */
  check(): void {
    if (this.#state === 'running') return
    throw new ErrandError('conflict', `${this.#name} is ${this.#state}; it must be running.`, {
      details: { state: this.#state },
    })
  }
}
