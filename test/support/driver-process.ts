// A storage driver as a test talks to it: requests go in as lines, replies come out in order.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ErrandError } from '../../src/core/errors.ts'

const DRIVER = fileURLToPath(new URL('../../src/cli/driver.ts', import.meta.url))

/** A reply: one of the two. */
export interface DriverReply {
  readonly ok?: Record<string, unknown>
  readonly error?: { readonly code: string; readonly message: string }
}

/** A running driver. */
export class DriverProcess {
  readonly #child
  readonly #replies: AsyncIterator<string>
  #stderr = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(process.execPath, [DRIVER, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#replies = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    // A driver that ends early closes its input; the missing reply tells.
    this.#child.stdin.on('error', () => undefined)
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void {
    this.#child.stdin.write(bytes)
  }

  /** The next reply's own text. */
  async replyText(): Promise<string> {
    const { done, value } = await this.#replies.next()
    if (done === true) throw new ErrandError('internal', `the driver ended without a reply; it said: ${this.#stderr}`)
    return value
  }

  /** One request and its reply. */
  async ask(op: string, args?: unknown): Promise<DriverReply> {
    this.send(`${JSON.stringify({ op, ...(args === undefined ? {} : { args }) })}\n`)
    return JSON.parse(await this.replyText()) as DriverReply
  }

  /** One request that must succeed. */
  async ok(op: string, args?: unknown): Promise<Record<string, unknown>> {
    const reply = await this.ask(op, args)
    if (reply.ok === undefined) throw new ErrandError('internal', `${op} was refused: ${JSON.stringify(reply)}`)
    return reply.ok
  }

  /** One request that must be refused: its code and message. */
  async refusal(op: string, args?: unknown): Promise<{ readonly code: string; readonly message: string }> {
    const reply = await this.ask(op, args)
    if (reply.error === undefined) throw new ErrandError('internal', `${op} was accepted: ${JSON.stringify(reply)}`)
    return reply.error
  }

  /** Ends its input. */
  endInput(): void {
    this.#child.stdin.end()
  }

  /** Its exit code, once it has ended. */
  async exitCode(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.exitCode()
  }
}
