// How far the run is: one line that rewrites itself on a terminal, a plain line every few seconds elsewhere.

import { systemClock } from '../../src/index.ts'
import type { Tally } from './fleet.ts'
import { say } from './say.ts'

const PLAIN_LINE_MS = 2_000
const ERASE_LINE = '\r\u001B[2K'

/** Shows progress until closed. */
export class Progress {
  readonly #total: number
  readonly #tally: Tally
  readonly #startedMs = systemClock.monotonicMs()
  #shownMs = Number.NEGATIVE_INFINITY

  constructor(total: number, tally: Tally) {
    this.#total = total
    this.#tally = tally
  }

  /** Shows the state, when it is time to. `known`: how many have ended at least, from a better source. */
  show(known: number): void {
    if (process.stdout.isTTY) {
      process.stdout.write(`${ERASE_LINE}${this.#text(known).slice(0, (process.stdout.columns || 80) - 1)}`)
    } else if (systemClock.monotonicMs() - this.#shownMs >= PLAIN_LINE_MS) {
      this.#shownMs = systemClock.monotonicMs()
      say(this.#text(known))
    }
  }

  /** Shows the state for the last time. */
  close(known: number): void {
    say(`${process.stdout.isTTY ? ERASE_LINE : ''}${this.#text(known)}`)
  }

  #text(known: number): string {
    const { endedBy, attempts } = this.#tally
    const ended = Math.max(known, this.#tally.ended)
    const share = this.#total === 0 ? 100 : Math.floor((100 * ended) / this.#total)
    const seconds = ((systemClock.monotonicMs() - this.#startedMs) / 1_000).toFixed(1)
    return [
      `${String(share).padStart(3)} %  ${ended} of ${this.#total} ended`,
      `${attempts.get('retrying') ?? 0} retries`,
      ...[...endedBy].map(([worker, count]) => `${worker} ${count}`),
      `${seconds} s`,
    ].join(' · ')
  }
}
