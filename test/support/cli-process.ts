// The command `errand` as a process that goes on: listened to, written to, signalled, ended.

import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { repositoryDir } from './run-program.ts'

/** The command's file. */
export const CLI: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const WAIT_MS_MAX = 40_000

/** How to run it. */
export interface CliOptions {
  /** Over this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @defaultValue the repository's root */
  readonly cwd?: string
}

/** A running `errand`. */
export class CliProcess implements AsyncDisposable {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #closed: Promise<unknown>
  readonly #looks = new Set<() => void>()

  constructor(args: readonly string[], { env = {}, cwd = repositoryDir }: CliOptions = {}) {
    this.#child = spawn(process.execPath, [CLI, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stdout.on('data', (chunk: Buffer) => this.#heard('stdout', chunk))
    this.#child.stderr.on('data', (chunk: Buffer) => this.#heard('stderr', chunk))
    this.#closed = once(this.#child, 'close').then(() => this.#look())
  }

  /** What it ended with; null: by a signal, or not yet. */
  get exitCode(): number | null {
    return this.#child.exitCode
  }

  /** The signal that it died of. */
  get signalCode(): NodeJS.Signals | null {
    return this.#child.signalCode
  }

  /** Waits until what it wrote matches; rejects with all that it wrote when it ends before, or after 40 s. */
  async heard(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    const waiting = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[stream])
        if (match !== null) resolve(match)
        else if (this.#hasEnded()) reject(this.#disappointed(`ended without ${String(pattern)}`))
        else return
        this.#looks.delete(look)
      }
      this.#looks.add(look)
      look()
    })
    const late = (): Error => this.#disappointed(`did not say ${String(pattern)} within ${WAIT_MS_MAX} ms`)
    return withDeadline(systemClock, waiting, WAIT_MS_MAX, late)
  }

  /** Writes to its stdin. */
  write(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Ends its stdin. */
  endInput(): void {
    this.#child.stdin.end()
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Waits for its end and answers the exit code; null: it died of a signal. */
  async ended(): Promise<number | null> {
    await withDeadline(systemClock, this.#closed, WAIT_MS_MAX, () => this.#disappointed('did not end'))
    return this.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded()) this.#child.kill('SIGKILL')
    await this.#closed
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #heard(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this[stream] += chunk.toString()
    this.#look()
  }

  #look(): void {
    for (const look of [...this.#looks]) look()
  }

  #disappointed(what: string): ErrandError {
    return new ErrandError('timeout', `errand ${what}. It wrote:\n${this.stdout}\n--- stderr ---\n${this.stderr}`)
  }
}
