// A fleet that does nothing, for the tests of the faults: idle Node processes that are replaced when they end.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fleet, FleetKind, FleetProcess, SpareWorker } from './ground.ts'
import { movableClock } from './wall-clock.ts'

interface Member extends FleetProcess {
  readonly kind: FleetKind
  readonly child: ChildProcess
  isKept: boolean
}

/** Two workers, a reaper and a producer that wait for nothing. */
export class DummyFleet implements Fleet, AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'errand-dummies-'))
  readonly #members = new Set<Member>()
  #made = 0

  constructor() {
    for (const kind of ['worker', 'worker', 'reaper', 'producer'] as const) this.#spawn(kind, true)
  }

  pids(kind: FleetKind): readonly FleetProcess[] {
    return [...this.#members].filter(member => member.kind === kind)
  }

  spawnWorker(): SpareWorker {
    const member = this.#spawn('worker', false)
    const { name, pid, clockFile } = member
    return { name, pid, clockFile, ready: async () => undefined, stop: () => this.#end(member, 'SIGTERM') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#members].map(member => this.#end(member, 'SIGKILL')))
    rmSync(this.#dir, { recursive: true })
  }

  async #end(member: Member, signal: NodeJS.Signals): Promise<void> {
    member.isKept = false
    if (!this.#members.has(member)) return
    const isGone = once(member.child, 'exit')
    member.child.kill(signal)
    await isGone
  }

  #spawn(kind: FleetKind, isKept: boolean): Member {
    this.#made += 1
    const name = `${kind}-${this.#made}`
    const clockFile = join(this.#dir, `${name}.clock`)
    const { execArgv, env } = movableClock(clockFile)
    const child = spawn(process.execPath, [...execArgv, '-e', 'setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    })
    const member = { name, clockFile, kind, child, isKept, pid: child.pid ?? 0 }
    this.#members.add(member)
    child.once('exit', () => {
      this.#members.delete(member)
      if (member.isKept) this.#spawn(kind, true)
    })
    return member
  }
}
