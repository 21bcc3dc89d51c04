// One call of `write`: its records, their answers so far and its deadline. Whoever gets a record onto the log, or
// gives it up, settles it here by its place in the call; the call's one promise resolves with the last of them.

import type { Clock } from '../core/clock.ts'
import type { ErrandError } from '../core/errors.ts'

/** A record to write. */
export interface WriteRecord {
  readonly topic: string
  /** Always given, never chosen here: a tombstone in another partition than its record deletes nothing. */
  readonly partition: number
  readonly key: string | Uint8Array | null
  /** Null is a tombstone. */
  readonly value: string | Uint8Array | null
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
}

/** What became of a record. `unavailable` means unknown: it may be on the log, and writing it again is safe. */
export type WriteAnswer =
  | { readonly ok: true; readonly offset: string }
  | { readonly ok: false; readonly error: ErrandError }

/** A record on its way. It goes to kafkajs as it is, so that no second object is made for each record. */
export interface Entry {
  readonly topic: string
  readonly partition: number
  readonly key: string | Buffer | null
  readonly value: string | Buffer | null
  readonly headers?: Record<string, string | Buffer>
  /** Bytes on the wire, a little over-estimated. */
  readonly bytes: number
  readonly call: WriteCall
  /** Its place in the call. */
  readonly index: number
}

/** The answers of one call, and whether it still waits. */
export class WriteCall {
  readonly recordCount: number
  readonly byteCount: number
  readonly deadlineAtMs: number
  readonly deadlineMs: number
  readonly answered: Promise<readonly WriteAnswer[]>
  readonly #answers: (WriteAnswer | undefined)[]
  #waiting: number
  #resolve: (answers: readonly WriteAnswer[]) => void = () => undefined

  constructor(recordCount: number, byteCount: number, deadlineMs: number, nowMs: number) {
    this.recordCount = recordCount
    this.byteCount = byteCount
    this.deadlineMs = deadlineMs
    this.deadlineAtMs = nowMs + deadlineMs
    this.#answers = Array.from({ length: recordCount })
    this.#waiting = recordCount
    this.answered = new Promise(resolve => (this.#resolve = resolve))
  }

  /** True once every record has its answer. */
  get isDone(): boolean {
    return this.#waiting === 0
  }

  get waiting(): number {
    return this.#waiting
  }

  /** True when the record needs nothing more, because it has its answer. */
  hasAnswer(index: number): boolean {
    return this.#answers[index] !== undefined
  }

  /** Answers one record; the first answer stays. */
  settle(index: number, answer: WriteAnswer): void {
    if (this.#answers[index] !== undefined) return
    this.#answers[index] = answer
    this.#waiting--
    if (this.#waiting === 0) this.#resolve(this.#answers as readonly WriteAnswer[])
  }

  /** Gives the same answer to all that wait; how many. */
  settleRest(answer: WriteAnswer): number {
    const rest = this.#waiting
    for (let index = 0; index < this.recordCount; index++) this.settle(index, answer)
    return rest
  }
}

/** The calls that wait, and the one timer for their deadlines. */
export class OpenCalls {
  readonly #clock: Clock
  readonly #onExpired: (call: WriteCall) => void
  readonly #calls = new Set<WriteCall>()
  #cancelTimer: (() => void) | undefined
  #timerAtMs = Infinity
  #idleWaiters: (() => void)[] = []
  /** Records of the calls that wait. */
  records = 0
  /** Bytes of the calls that wait. */
  bytes = 0

  /** `onExpired` must settle what is left of the call. */
  constructor(clock: Clock, onExpired: (call: WriteCall) => void) {
    this.#clock = clock
    this.#onExpired = onExpired
  }

  add(call: WriteCall): void {
    this.#calls.add(call)
    this.records += call.recordCount
    this.bytes += call.byteCount
    if (call.deadlineAtMs < this.#timerAtMs) this.#arm(call.deadlineAtMs)
  }

  /** Forgets a call that is done. */
  remove(call: WriteCall): void {
    if (!this.#calls.delete(call)) return
    this.records -= call.recordCount
    this.bytes -= call.byteCount
    if (this.#calls.size > 0) return
    this.#disarm()
    for (const wake of this.#idleWaiters.splice(0)) wake()
  }

  /** Resolves when no call waits: at the latest with the last deadline. */
  whenIdle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve()
    return new Promise(resolve => this.#idleWaiters.push(resolve))
  }

  #arm(atMs: number): void {
    this.#disarm()
    this.#timerAtMs = atMs
    this.#cancelTimer = this.#clock.after(atMs - this.#clock.monotonicMs(), () => this.#expire())
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#timerAtMs = Infinity
  }

  /** The timer stands for a call that may be long done: most rounds only look for the next deadline. */
  #expire(): void {
    this.#disarm()
    const nowMs = this.#clock.monotonicMs()
    let nextAtMs = Infinity
    for (const call of this.#calls) {
      // A timer may be a fraction of a millisecond early.
      if (call.deadlineAtMs - nowMs < 1) this.#onExpired(call)
      else nextAtMs = Math.min(nextAtMs, call.deadlineAtMs)
    }
    if (nextAtMs < Infinity) this.#arm(nextAtMs)
  }
}
