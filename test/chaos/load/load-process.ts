// One process of the load as the fleet sees it: started, waited for, told to stop, ended.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock, withDeadline } from '../../../src/core/clock.ts'
import { ErrandError, isErrandError } from '../../../src/core/errors.ts'
import { mono } from '../evidence.ts'
import type { LoadChildConfig, LoadMessage } from './child-config.ts'
import type { ProcessKind, ProcessLine } from './evidence-file.ts'

/** One that is to be killed gets so long to say what it is at. */
const SAY_MS = 1_000

/** What a process that ended leaves of its log in a message. */
const LOG_TAIL_CHARS = 2_000

/** How a process is started. */
export interface LoadProcessParts {
  readonly kind: ProcessKind
  readonly config: LoadChildConfig
  /** For Node, before the program. */
  readonly execArgv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A process of the load. */
export class LoadProcess {
  readonly kind: ProcessKind
  readonly name: string
  readonly clockFile: string | null
  readonly startedMono: number = mono()
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
  /** Whether the fleet has told it to stop. */
  isAsked = false
  /** Why the fleet killed it; null: it did not. */
  killedBecause: string | null = null
  readonly #child: ChildProcess
  readonly #logFile: string
  readonly #ready = Promise.withResolvers<void>()
  #isReady = false
  #hasStopped = false

  constructor({ kind, config, execArgv, env }: LoadProcessParts) {
    this.kind = kind
    this.name = config.name
    this.clockFile = config.clockFile
    this.#logFile = join(config.dir, `${config.name}.log`)
    const log = openSync(this.#logFile, 'a')
    const program = fileURLToPath(new URL(`./${kind}-child.ts`, import.meta.url))
    this.#child = spawn(process.execPath, [...execArgv, program, JSON.stringify(config)], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...env },
    })
    closeSync(log)
    this.#child.on('message', message => this.#heard(message as LoadMessage))
    this.ended = once(this.#child, 'exit').then(() => this.#ready.reject(this.#notReady('it has ended')))
    this.#ready.promise.catch(() => undefined) // whoever waits for it hears it; nobody has to
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new ErrandError('internal', `${this.name} could not be started`)
    return pid
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Whether it works, or has worked. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Waits until it works. Throws `timeout`, or `internal` when it ended before, with the end of its log. */
  ready(withinMs: number): Promise<void> {
    const late = (): Error => this.#notReady(`it was not ready within ${withinMs} ms`)
    return withDeadline(systemClock, this.#ready.promise, withinMs, late)
  }

  /** Tells it to stop (also when somebody has stopped it with SIGSTOP), and kills it when it has not ended within the grace. */
  async stop(graceMs: number): Promise<void> {
    this.isAsked = true
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const late = (): Error => new ErrandError('timeout', 'late')
    try {
      await withDeadline(systemClock, this.ended, graceMs, late)
    } catch (error) {
      if (!isErrandError(error, 'timeout')) throw error
      this.killedBecause = `it did not stop within ${graceMs} ms`
      this.signal('SIGUSR2')
      await systemClock.sleep(SAY_MS)
      await this.kill()
    }
  }

  async kill(): Promise<void> {
    this.isAsked = true
    this.signal('SIGKILL')
    await this.ended
  }

  signal(name: NodeJS.Signals): void {
    if (this.isAlive) this.#child.kill(name)
  }

  /** Why its end is a finding; null: somebody outside killed it or told it to stop, and it obeyed. */
  get finding(): string | null {
    const { exitCode, signalCode } = this.#child
    if (this.killedBecause !== null) return this.killedBecause
    if (signalCode === 'SIGKILL') return null
    // A SIGTERM that comes before Node has begun ends the process by the signal.
    if (signalCode === 'SIGTERM' && !this.#isReady) return null
    if (signalCode !== null) return `it was ended by ${signalCode}`
    if (exitCode !== 0) return `it exited with code ${exitCode}`
    return this.#hasStopped ? null : 'it exited without a word'
  }

  line(what: ProcessLine['what']): ProcessLine {
    const { exitCode: code, signalCode: signal } = this.#child
    const { name, kind, pid, isAsked } = this
    return { what, mono: what === 'start' ? this.startedMono : mono(), name, kind, pid, code, signal, isAsked }
  }

  /** The end of what it logged. */
  logTail(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-LOG_TAIL_CHARS)
  }

  #heard({ event }: LoadMessage): void {
    if (event === 'stopped') this.#hasStopped = true
    if (event !== 'ready') return
    this.#isReady = true
    this.#ready.resolve()
  }

  #notReady(why: string): ErrandError {
    return new ErrandError('internal', `${this.name} does not work: ${why}; its log ends: ${this.logTail()}`)
  }
}
