// Worker processes as a test sees them: started, listened to, signalled, ended; and the ledger that they all write.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import type { ChildConfig, ChildMessage, LedgerLine } from './child-protocol.ts'
import { readLedger, work } from './child-protocol.ts'
import { ObservedNamespace, runAlone } from './observed-namespace.ts'
import { kafkaBrokers, redisUrl } from './stack.ts'

const CHILD = fileURLToPath(new URL('./worker-child.ts', import.meta.url))
const WAIT_MS_MAX = 30_000
/** The smallest that still let a loaded machine renew in time. */
export const LEASE_MS = 2_000
export const SESSION_TIMEOUT_MS = 1_500
export const REAP_INTERVAL_MS = 200
const PARTITIONS = 3

/** A worker process. */
export class WorkerProcess implements AsyncDisposable {
  readonly messages: ChildMessage[] = []
  readonly #child: ChildProcess
  readonly #looks = new Set<() => void>()
  #stderr = ''

  constructor(config: ChildConfig) {
    this.#child = spawn(process.execPath, [CHILD, JSON.stringify(config)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#child.on('message', message => {
      this.messages.push(message as ChildMessage)
      this.#look()
    })
    this.#child.on('exit', () => this.#look())
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** What was said of one kind. */
  heard<Event extends ChildMessage['event']>(event: Event): Extract<ChildMessage, { event: Event }>[] {
    return this.messages.filter(message => message.event === event) as Extract<ChildMessage, { event: Event }>[]
  }

  /** Waits until it has said so many of one kind. */
  until(event: ChildMessage['event'], count = 1): Promise<void> {
    const holds = (): boolean => this.heard(event).length >= count
    const what = (): string =>
      `a worker said '${event}' ${this.heard(event).length} times, not ${count}; its stderr: ${this.#stderr}. ${runAlone()}`
    const done = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!holds() && !this.hasExited) return
        this.#looks.delete(look)
        if (holds()) resolve()
        else reject(new ErrandError('internal', what()))
      }
      this.#looks.add(look)
      look()
    })
    return withDeadline(systemClock, done, WAIT_MS_MAX, () => new ErrandError('timeout', what()))
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Waits for its end: the exit code, or the signal that ended it. */
  async exit(): Promise<number | string | null> {
    const late = (): Error => new ErrandError('timeout', `a worker did not exit. ${runAlone()}`)
    if (!this.hasExited) await withDeadline(systemClock, once(this.#child, 'exit'), WAIT_MS_MAX, late)
    return this.#child.exitCode ?? this.#child.signalCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasExited) this.#child.kill('SIGKILL')
    await this.exit()
  }

  #look(): void {
    for (const look of [...this.#looks]) look()
  }
}

/** A namespace, the worker processes on it, and their ledger. */
export class WorkerFleet implements AsyncDisposable {
  readonly observed: ObservedNamespace
  readonly #dir = mkdtempSync(join(tmpdir(), 'errand-fleet-'))
  readonly #workers: WorkerProcess[] = []

  static async open(): Promise<WorkerFleet> {
    return new WorkerFleet(await ObservedNamespace.open({ types: [work.type], partitions: PARTITIONS }))
  }

  private constructor(observed: ObservedNamespace) {
    this.observed = observed
    writeFileSync(this.#ledgerFile, '')
  }

  get #ledgerFile(): string {
    return join(this.#dir, 'ledger.jsonl')
  }

  /** Starts a worker process; it is not ready yet. */
  launch(name: string, more: Partial<ChildConfig> = {}): WorkerProcess {
    const worker = new WorkerProcess({
      namespace: this.observed.namespace,
      brokers: kafkaBrokers(),
      redisUrl: redisUrl(),
      partitions: PARTITIONS,
      ledgerFile: this.#ledgerFile,
      name,
      concurrency: 20,
      graceMs: 10_000,
      leaseMs: LEASE_MS,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      reapIntervalMs: REAP_INTERVAL_MS,
      isHanging: false,
      ...more,
    })
    this.#workers.push(worker)
    return worker
  }

  /** Starts a worker process and waits until it claims. */
  async start(name: string, more: Partial<ChildConfig> = {}): Promise<WorkerProcess> {
    const worker = this.launch(name, more)
    await worker.until('ready')
    return worker
  }

  ledger(): LedgerLine[] {
    return readLedger(this.#ledgerFile)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker[Symbol.asyncDispose]()))
    await this.observed[Symbol.asyncDispose]()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
