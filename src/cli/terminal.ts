// The process as commands see it: where text goes, what comes in, and its wish to stop.

import type { Readable } from 'node:stream'
import { saidBy } from '../core/errors.ts'

/** What a command knows of its process. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the process is asked to stop; a second request ends the process at once. */
  readonly signal: AbortSignal
  readonly stdin: Readable
  /** Writes a line to stdout, for programs and people who asked for it. Resolves when the reader keeps up. */
  out(text: string): Promise<void>
  /**
   * From now on a reader of stdout that goes away ends nothing: what changes things goes on unheard, and ends with its own exit
   * code. Before, it ends the process, with 0.
   */
  goOnUnheard(): void
  /** Writes to stderr, as it is. */
  err(text: string): void
  /** True when somebody looks at stderr: its last line can be drawn anew. False in CI and on a dumb terminal. */
  readonly isInteractive: boolean
  /** True when somebody looks at stdout. */
  readonly isOutTerminal: boolean
  /** True when somebody types. */
  readonly isInTerminal: boolean
  /** Whether stdout and stderr take colours. */
  readonly colors: { readonly out: boolean; readonly err: boolean }
}

/** The terminal of this process. Listens to SIGINT and SIGTERM. */
export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process
  const canDraw = (env['CI'] ?? '') === '' && env['TERM'] !== 'dumb'
  let goesOn = false
  let isHeard = true
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    isHeard = false
    if (error.code !== 'EPIPE') {
      stderr.write(`stdout cannot be written to: ${saidBy(error)}\n`)
      process.exit(1)
    }
    // A reader that has seen enough (`errand list | head`) is no error.
    if (!goesOn) process.exit(0)
  })
  // Nobody is left to tell it to, and no reason for a worker to die.
  stderr.on('error', () => undefined)
  // Node leaves `isTTY` out where there is no terminal, whatever its types say; colours would take that for "not said".
  const isTerminal = ({ isTTY = false }: { readonly isTTY?: boolean }): boolean => isTTY
  const [isIn, isOut, isErr] = [isTerminal(stdin), isTerminal(stdout), isTerminal(stderr)]
  return {
    env,
    signal: stopping(),
    stdin,
    out: text => (isHeard ? new Promise(resolve => stdout.write(`${text}\n`, () => resolve())) : Promise.resolve()),
    goOnUnheard: () => {
      goesOn = true
    },
    err: text => void stderr.write(text),
    isInteractive: isErr && canDraw,
    isOutTerminal: isOut,
    isInTerminal: isIn,
    colors: { out: takesColors(env, isOut), err: takesColors(env, isErr) },
  }
}

function stopping(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    // Once: a second one ends the process as it always would.
    process.once(name, () => controller.abort(name))
  }
  return controller.signal
}

/** NO_COLOR (https://no-color.org), FORCE_COLOR and TERM=dumb are obeyed, in this order. */
export function takesColors(env: Terminal['env'], isTerminal: boolean): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return isTerminal && env['TERM'] !== 'dumb'
}
