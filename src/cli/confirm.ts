// One question, yes or no, before something is done to many activities.

import { createInterface } from 'node:readline/promises'
import { aborted } from '../core/clock.ts'
import { usage } from './command.ts'
import type { Terminal } from './terminal.ts'

/** How a command may ask: the values of `--yes` and `--no-input`. */
export interface AskOptions {
  /** The answer is yes. */
  readonly yes?: boolean
  /** False: a question is an error. */
  readonly input?: boolean
}

/**
 * Asks on stderr, and is true for `y` and `yes`. Throws `invalid_argument` when nobody can answer, and `cancelled` when the process
 * is asked to stop meanwhile.
 */
export async function confirm(terminal: Terminal, question: string, { yes, input }: AskOptions): Promise<boolean> {
  if (yes === true) return true
  if (input === false || !terminal.isInTerminal) {
    throw usage('nobody can be asked here: give --yes to go on, or --dry-run to look only.', '--yes')
  }
  // Written by the terminal, so that stdout stays free for data.
  terminal.err(`${question} [y/N] `)
  const lines = createInterface({ input: terminal.stdin })
  try {
    // Ctrl-D ends the input, and is no yes.
    const ended = new Promise<string>(resolve => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question('', { signal: terminal.signal }), ended])
    return /^\s*y(es)?\s*$/i.test(answer)
  } catch (error) {
    if (terminal.signal.aborted) throw aborted(terminal.signal)
    throw error
  } finally {
    lines.close()
  }
}
