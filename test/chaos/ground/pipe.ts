// One direction of a proxied connection: what comes out of one socket goes into the other, in its order, held back while the
// proxy is stalled and late while it is slow. What is held is bounded: beyond that the source is not read.

import type { Socket } from 'node:net'
import type { Clock } from '../../../src/core/clock.ts'

/** So much is held in one direction of one connection before its source has to wait. */
export const HELD_BYTES_MAX = 1_048_576

/** What a pipe asks the proxy, and tells it. */
export interface PipeHost {
  readonly clock: Clock
  isStalled(): boolean
  /** How late the chunk that has just come is to be, in ms. */
  delayMs(): number
  /** Looks at a chunk that has come in; false: it goes no further. */
  admit(chunk: Buffer): boolean
  onHeld(bytes: number): void
  onPassed(bytes: number): void
  /** The way out is gone. */
  onBroken(): void
}

/** A chunk on its way, or the end of the stream. */
interface Waiting {
  readonly chunk: Buffer | 'end'
  readonly dueMs: number
}

/** Carries what `from` receives to `to`. */
export class Pipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #host: PipeHost
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0
  #isClogged = false
  #cancelTimer: (() => void) | undefined

  constructor(from: Socket, to: Socket, host: PipeHost) {
    this.#from = from
    this.#to = to
    this.#host = host
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('end', () => this.#push('end'))
    to.on('drain', () => {
      this.#isClogged = false
      this.pump()
    })
  }

  /** Passes on what is due; called anew when the proxy is no longer stalled. */
  pump(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#isClogged || this.#host.isStalled()) return
      const leftMs = next.dueMs - this.#host.clock.monotonicMs()
      if (leftMs > 0) {
        this.#cancelTimer = this.#host.clock.after(leftMs, () => this.pump())
        return
      }
      if (!this.#pass(next.chunk)) return
      this.#waiting.shift()
    }
  }

  #take(chunk: Buffer): void {
    if (!this.#host.admit(chunk)) return
    if (this.#host.isStalled()) this.#host.onHeld(chunk.length)
    this.#push(chunk)
    if (this.#waitingBytes > HELD_BYTES_MAX) this.#from.pause()
  }

  /** What is due sooner than the one before it waits for that one: the order is the stream's. */
  #push(chunk: Buffer | 'end'): void {
    this.#waiting.push({ chunk, dueMs: this.#host.clock.monotonicMs() + this.#host.delayMs() })
    if (chunk !== 'end') this.#waitingBytes += chunk.length
    this.pump()
  }

  #pass(chunk: Buffer | 'end'): boolean {
    if (this.#to.destroyed || this.#to.writableEnded) {
      this.#host.onBroken()
      return false
    }
    if (chunk === 'end') {
      this.#to.end()
      return true
    }
    this.#isClogged = !this.#to.write(chunk)
    this.#host.onPassed(chunk.length)
    this.#waitingBytes -= chunk.length
    if (this.#waitingBytes <= HELD_BYTES_MAX) this.#from.resume()
    return true
  }
}
