// Two versions of Errand for one test: an earlier commit taken out of the repository, and processes of either.

import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import type { EnqueueOptions } from '../../src/client/submission.ts'
import { repositoryDir } from './run-program.ts'

const CHILD = fileURLToPath(new URL('./version-child.ts', import.meta.url))
const WAIT_MS_MAX = 60_000

/** What a handler of the test is asked to do. */
export const versionInput = z.object({ do: z.enum(['work', 'retry', 'die', 'hang']) })
/** One activity to enqueue. */
export interface VersionItem {
  readonly input: z.input<typeof versionInput>
  readonly options?: EnqueueOptions
}

/** How a process works. */
export interface VersionConfig {
  /** The folder whose `src` is run. */
  readonly root: string
  readonly name: string
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly partitions: number
  readonly ledgerFile: string
  readonly leaseMs: number
  readonly sessionTimeoutMs: number
  readonly reapIntervalMs: number
}

/** What a process is told to do beside its work. */
export interface VersionOrder {
  readonly order: 'enqueue' | 'await'
  readonly inputs: readonly VersionItem[]
  readonly ids: readonly string[]
}

/** What a process says. */
export type VersionWord =
  | { readonly event: 'ready' }
  | { readonly event: 'started'; readonly id: string; readonly attempt: number }
  | { readonly event: 'enqueued'; readonly ids: readonly string[] }
  | { readonly event: 'results'; readonly results: readonly unknown[] }

/** Why an earlier commit cannot be had here, or undefined when it can: a clone may be shallow, or no clone at all. */
export function whyMissing(commit: string): string | undefined {
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: repositoryDir, stdio: 'pipe' })
    return undefined
  } catch {
    return `commit ${commit.slice(0, 7)} is not here (a shallow clone, or no git): fetch it with its history`
  }
}

/** Takes the sources of an earlier commit into a folder, with the packages of this one. */
export function takeOut(commit: string, folder: string): void {
  mkdirSync(folder, { recursive: true })
  const tar = execFileSync('git', ['archive', commit, 'src', 'package.json'], {
    ...{ cwd: repositoryDir, maxBuffer: 256 * 1024 * 1024 },
  })
  execFileSync('tar', ['-x', '-C', folder], { input: tar })
  symlinkSync(join(repositoryDir, 'node_modules'), join(folder, 'node_modules'))
}

/** A process of one version. */
export class VersionProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #words: VersionWord[] = []
  readonly #looks = new Set<() => void>()
  readonly #name: string
  #stderr = ''

  constructor(config: VersionConfig) {
    this.#name = config.name
    this.#child = spawn(process.execPath, [CHILD, JSON.stringify(config)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#child.on('message', word => {
      this.#words.push(word as VersionWord)
      this.#look()
    })
    this.#child.on('exit', () => this.#look())
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  ready(): Promise<VersionWord> {
    return this.#heard(({ event }) => event === 'ready', 'ready')
  }

  /** Waits until it has begun this activity. */
  started(id: string): Promise<VersionWord> {
    return this.#heard(word => word.event === 'started' && word.id === id, `started ${id}`)
  }

  /** Lets it enqueue, and gives the ids; one that was not accepted is its answer instead. */
  async enqueue(inputs: readonly VersionItem[]): Promise<readonly string[]> {
    const before = this.#words.length
    this.#tell({ order: 'enqueue', inputs, ids: [] })
    const word = await this.#heard((one, at) => at >= before && one.event === 'enqueued', 'enqueued')
    return word.event === 'enqueued' ? word.ids : []
  }

  /** Lets it await results. */
  async results(ids: readonly string[]): Promise<readonly unknown[]> {
    const before = this.#words.length
    this.#tell({ order: 'await', inputs: [], ids })
    const word = await this.#heard((one, at) => at >= before && one.event === 'results', 'results')
    return word.event === 'results' ? word.results : []
  }

  /** Ends it: in order, or at once. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | string | null> {
    if (!this.hasExited) {
      this.#child.kill(signal)
      await withDeadline(systemClock, once(this.#child, 'exit'), WAIT_MS_MAX, () => this.#late('exit'))
    }
    return this.#child.exitCode ?? this.#child.signalCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
  }

  #tell(order: VersionOrder): void {
    this.#child.send(order)
  }

  #heard(is: (word: VersionWord, at: number) => boolean, what: string): Promise<VersionWord> {
    const found = new Promise<VersionWord>((resolve, reject) => {
      const look = (): void => {
        const word = this.#words.find(is)
        if (word === undefined && !this.hasExited) return
        this.#looks.delete(look)
        if (word === undefined) reject(this.#late(what))
        else resolve(word)
      }
      this.#looks.add(look)
      look()
    })
    return withDeadline(systemClock, found, WAIT_MS_MAX, () => this.#late(what))
  }

  #late(what: string): ErrandError {
    const state = this.hasExited ? 'it has ended' : 'it still runs'
    return new ErrandError('timeout', `${this.#name} did not say '${what}': ${state}; its stderr: ${this.#stderr}`)
  }

  #look(): void {
    for (const look of [...this.#looks]) look()
  }
}
