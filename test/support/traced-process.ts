// A process of the trace story as the test sees it.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import type { TracedChildConfig, TracedChildMessage, TracedChildOrder } from './otlp-child-protocol.ts'
import type { OtlpReceiver } from './otlp-receiver.ts'
import { kafkaBrokers, redisUrl } from './stack.ts'

const CHILD = fileURLToPath(new URL('./otlp-child.ts', import.meta.url))
const WAIT_MS_MAX = 60_000

type Said<Event> = Extract<TracedChildMessage, { event: Event }>

/** A producer or a worker that exports what it traces. */
export class TracedProcess implements AsyncDisposable {
  readonly messages: TracedChildMessage[] = []
  readonly #child: ChildProcess
  readonly #looks = new Set<() => void>()
  #stderr = ''

  /** Starts one and waits until it works. */
  static async start(
    receiver: OtlpReceiver,
    { role, namespace }: Pick<TracedChildConfig, 'role' | 'namespace'>,
  ): Promise<TracedProcess> {
    const config: TracedChildConfig = { role, namespace, brokers: kafkaBrokers(), redisUrl: redisUrl() }
    const child = new TracedProcess(config, receiver.environment(`shop-${role}`))
    await child.until('ready')
    return child
  }

  private constructor(config: TracedChildConfig, environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [CHILD, JSON.stringify(config)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...environment },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#child.on('message', message => {
      this.messages.push(message as TracedChildMessage)
      for (const look of [...this.#looks]) look()
    })
    this.#child.on('exit', () => this.#looks.forEach(look => look()))
  }

  /** Tells it something and gives its answer. */
  async ask<Event extends TracedChildMessage['event']>(order: TracedChildOrder, event: Event): Promise<Said<Event>> {
    const before = this.#heard(event).length
    this.#child.send(order)
    return this.until(event, before)
  }

  /** What it said of one kind, after so many others of that kind. */
  async until<Event extends TracedChildMessage['event']>(event: Event, after = 0): Promise<Said<Event>> {
    const heard = new Promise<Said<Event>>((resolve, reject) => {
      const look = (): void => {
        const said = this.#heard(event)[after]
        if (said === undefined && !this.#hasExited) return
        this.#looks.delete(look)
        if (said === undefined) reject(this.#silent(event))
        else resolve(said)
      }
      this.#looks.add(look)
      look()
    })
    return withDeadline(systemClock, heard, WAIT_MS_MAX, () => this.#silent(event))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasExited) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  get #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #heard<Event extends TracedChildMessage['event']>(event: Event): Said<Event>[] {
    return this.messages.filter(message => message.event === event) as Said<Event>[]
  }

  #silent(event: string): ErrandError {
    return new ErrandError('timeout', `a traced process did not say '${event}'; its stderr: ${this.#stderr}`)
  }
}
