// Progress on stderr: on a terminal one line that is drawn anew, elsewhere a plain line every ten seconds. The end of a phase
// is shown whenever it comes.

import { systemClock } from '../../core/clock.ts'
import type { Terminal } from '../terminal.ts'

const LINE_MS = 10_000
const REDRAW_MS = 100
const BAR_CELLS = 24

/** Shows how far something is. */
export class ProgressLine {
  readonly #terminal: Terminal
  #shownMs = Number.NEGATIVE_INFINITY
  #phase = ''
  #isOpen = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Shows `text`, unless the last one is fresh. A new `phase`, or its end, is always shown. */
  show(phase: string, text: string, isEnd = false): void {
    const nowMs = systemClock.monotonicMs()
    const everyMs = this.#terminal.isInteractive ? REDRAW_MS : LINE_MS
    const isNewPhase = phase !== this.#phase
    if (nowMs - this.#shownMs < everyMs && !isNewPhase && !isEnd) return
    this.#shownMs = nowMs
    this.#phase = phase
    if (!this.#terminal.isInteractive) return this.#terminal.err(`${text}\n`)
    if (this.#isOpen && isNewPhase) this.#terminal.err('\n')
    this.#terminal.err(`\r\u001B[K${text}`)
    this.#isOpen = true
  }

  /** Leaves the last line as it is. */
  end(): void {
    if (this.#isOpen) this.#terminal.err('\n')
    this.#isOpen = false
  }
}

/** A bar of text, such as `██████░░░░  60 %`. */
export function barText(done: number, total: number): string {
  const share = total <= 0 ? 1 : Math.min(1, done / total)
  const full = Math.floor(share * BAR_CELLS)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${Math.floor(share * 100)} %`
}
