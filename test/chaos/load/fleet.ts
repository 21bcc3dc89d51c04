// The processes of a load: so many producers, workers and reapers, kept alive. One that dies is followed by another of a new name;
// one that dies without anybody having killed it or told it to stop is a finding.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { ErrandError, isErrandError } from '../../../src/core/errors.ts'
import type { LoadChildConfig } from './child-config.ts'
import type { ProcessKind, ProcessLine } from './evidence-file.ts'
import { LineFile, PROCESS_KINDS, processesPath } from './evidence-file.ts'
import { LoadProcess } from './load-process.ts'
import { Progress } from './progress.ts'

const READY_MS_MAX = 120_000
const RESPAWN_PAUSE_MS = 500
/** After one that ended by itself before it lived so long, so that a process that cannot live costs little. */
const SHORT_LIFE_MS = 3_000
const RESPAWN_PAUSE_AFTER_SHORT_LIFE_MS = 3_000
/** More than a producer waits for its answers, and than a worker's grace. */
const STOP_MS_MAX = 40_000

/** What a fleet is made from. */
export interface FleetOptions extends Omit<LoadChildConfig, 'name' | 'clockFile' | 'rate'> {
  readonly producers: number
  readonly workers: number
  readonly reapers: number
  /** Activities a second, of all producers together. */
  readonly rate: number
  /** Preloaded into every process: it shifts the wall clock by what the file in CHAOS_CLOCK_FILE says. @defaultValue none */
  readonly clockPreload?: string
  /** For Node, before the program. @defaultValue none */
  readonly execArgv?: readonly string[]
  /** Beside this process's own. @defaultValue none */
  readonly env?: Readonly<Record<string, string>>
}

/** A live process, for faults. */
export interface FleetMember {
  readonly name: string
  readonly pid: number
  /** What shifts its wall clock; null: nothing does. */
  readonly clockFile: string | null
}

/** A worker beside the fleet's own number, which is not replaced when it dies. */
export interface ExtraWorker extends FleetMember {
  /** Waits until it claims. Throws when it does not within two minutes, or has ended. */
  ready(): Promise<void>
  stop(): Promise<void>
}

/** A process that ended although nobody had killed it or told it to: a finding. */
export interface UnexpectedExit {
  readonly name: string
  readonly kind: ProcessKind
  readonly why: string
  /** The end of what it logged. */
  readonly log: string
}

/** The processes of a load. */
export class Fleet implements AsyncDisposable {
  readonly progress: Progress
  /** In the order in which they ended. */
  readonly exits: UnexpectedExit[] = []
  readonly #options: FleetOptions
  readonly #processes: LineFile<ProcessLine>
  readonly #members = new Set<LoadProcess>()
  readonly #watches = new Set<Promise<void>>()
  readonly #counts = new Map<ProcessKind, number>()
  readonly #stopping: Readonly<Record<ProcessKind, AbortController>>

  /** Starts all processes and waits until they work. Throws `internal` with the log of one that does not; none is left then. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options)
    try {
      const wanted = { producer: options.producers, worker: options.workers, reaper: options.reapers }
      const all = PROCESS_KINDS.flatMap(kind => Array.from({ length: wanted[kind] }, () => fleet.#spawn(kind, true)))
      await Promise.all(all.map(each => each.ready(READY_MS_MAX)))
      return fleet
    } catch (error) {
      await fleet[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(options: FleetOptions) {
    mkdirSync(options.dir, { recursive: true })
    this.#options = options
    this.#processes = new LineFile(processesPath(options.dir))
    this.#stopping = {
      producer: new AbortController(),
      worker: new AbortController(),
      reaper: new AbortController(),
    }
    this.progress = new Progress(options.dir)
  }

  /** Those that live and have begun to work. */
  pids(kind: ProcessKind): FleetMember[] {
    const working = [...this.#members].filter(each => each.kind === kind && each.isAlive && each.isReady)
    return working.map(({ name, pid, clockFile }) => ({ name, pid, clockFile }))
  }

  /** Activities accepted and not known to have ended. A live estimate; see {@link Progress}. */
  outstanding(): number {
    return this.progress.outstanding()
  }

  /** Activities accepted so far. */
  accepted(): number {
    return this.progress.accepted()
  }

  /** One more worker, until it is stopped or dies. Throws `conflict` once workers were stopped. */
  spawnWorker(): ExtraWorker {
    if (this.#stopping.worker.signal.aborted) throw new ErrandError('conflict', 'the workers were stopped')
    const member = this.#spawn('worker', false)
    const { name, pid, clockFile } = member
    return { name, pid, clockFile, ready: () => member.ready(READY_MS_MAX), stop: () => member.stop(STOP_MS_MAX) }
  }

  /** Tells all of a kind to stop, and kills those that have not within the grace, which is a finding. None follows them. */
  async stopKind(kind: ProcessKind, graceMs: number = STOP_MS_MAX): Promise<void> {
    this.#stopping[kind].abort()
    await Promise.all([...this.#members].filter(each => each.kind === kind).map(each => each.stop(graceMs)))
  }

  /** Kills what still lives. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of PROCESS_KINDS) this.#stopping[kind].abort()
    await Promise.all([...this.#members].map(each => each.kill()))
    await Promise.all(this.#watches)
    this.#processes.close()
  }

  #spawn(kind: ProcessKind, isReplaced: boolean): LoadProcess {
    const number = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, number)
    const { producers, workers: _, reapers: __, rate, clockPreload, execArgv = [], env = {}, ...shared } = this.#options
    const name = `${kind}-${number}`
    const clockFile = clockPreload === undefined ? null : join(shared.dir, `clock-${name}`)
    const member = new LoadProcess({
      kind,
      config: { ...shared, name, clockFile, rate: rate / Math.max(1, producers) },
      execArgv: [...(clockPreload === undefined ? [] : ['--import', clockPreload]), ...execArgv],
      env: { ...env, ...(clockFile === null ? {} : { CHAOS_CLOCK_FILE: clockFile }) },
    })
    this.#members.add(member)
    this.#processes.append([member.line('start')])
    const watch = this.#watch(member, isReplaced)
    this.#watches.add(watch)
    void watch.finally(() => this.#watches.delete(watch))
    return member
  }

  async #watch(member: LoadProcess, isReplaced: boolean): Promise<void> {
    await member.ended
    this.#members.delete(member)
    this.#processes.append([member.line('exit')])
    const { kind, name, finding } = member
    if (finding !== null) this.exits.push({ name, kind, why: finding, log: member.logTail() })
    if (!isReplaced || member.isAsked) return
    const isShort = finding !== null && member.line('exit').mono - member.startedMono < SHORT_LIFE_MS
    const pauseMs = isShort ? RESPAWN_PAUSE_AFTER_SHORT_LIFE_MS : RESPAWN_PAUSE_MS
    try {
      await systemClock.sleep(pauseMs, { signal: this.#stopping[kind].signal })
    } catch (error) {
      if (isErrandError(error, 'cancelled')) return
      throw error
    }
    this.#spawn(kind, true)
  }
}
