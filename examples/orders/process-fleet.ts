// Workers as processes: started here, reporting on stdout, ended by the end of their stdin.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/index.ts'
import type { Fleet, Report } from './fleet.ts'
import { Tally } from './fleet.ts'

const PROGRAM = join(import.meta.dirname, 'worker-process.ts')
/** Joining two fresh consumer groups for each of five types takes some seconds on a slow machine. */
const READY_MS_MAX = 60_000
/** Longer than the grace that a worker gives its handlers. */
const STOP_MS_MAX = 15_000

/** A {@link Fleet} of processes. `env`: where the storage is. */
export class ProcessFleet implements Fleet {
  readonly ready: Promise<void>
  readonly tally: Tally
  readonly lost: Map<string, string> = new Map()
  readonly #children: readonly ChildProcess[]
  #isStopping = false

  constructor(env: Readonly<Record<string, string>>, workers: readonly string[]) {
    this.tally = new Tally(workers)
    const started = workers.map(worker => this.#start(worker, env))
    this.#children = started.map(({ child }) => child)
    const all = Promise.all(started.map(({ ready }) => ready)).then(() => undefined)
    this.ready = withDeadline(systemClock, all, READY_MS_MAX, () => {
      return new ErrandError('timeout', `the workers were not ready after ${READY_MS_MAX / 1_000} s.`)
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#children.map(child => endProcess(child)))
  }

  #start(worker: string, env: Readonly<Record<string, string>>): { child: ChildProcess; ready: Promise<void> } {
    const child = spawn(process.execPath, [PROGRAM, worker], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.on('error', () => undefined) // a worker that died took the other end with it; `exit` tells
    const ready = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', line => {
        const report: Report = JSON.parse(line)
        if (report.kind === 'ready') resolve()
        this.tally.add(worker, report)
      })
      const onEnd = (how: string): void => {
        if (!this.#isStopping) this.lost.set(worker, how)
        reject(new ErrandError('unavailable', `${worker} ended before it was ready (${how}).`))
      }
      child.on('error', error => onEnd(error.message))
      child.on('exit', (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`))
    })
    return { child, ready }
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.stdin?.end()
  const cancelKill = systemClock.after(STOP_MS_MAX, () => child.kill('SIGKILL'))
  await ended
  cancelKill()
}
