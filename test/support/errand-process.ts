// The command `errand` as a process, as people and scripts run it: arguments, environment and stdin in; exit code and both streams
// out; and a signal once it has said something.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Readable } from 'node:stream'
import { repositoryDir } from './run-program.ts'
import type { Ended } from './run-program.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** How to run it. */
export interface ErrandOptions {
  /** Instead of this process's variables that begin with ERRAND_; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What stands on stdin, until its end. @defaultValue nothing */
  readonly input?: string | Readable
  /** What is typed at the start, in place of `input`: stdin stays open. */
  readonly typed?: string
  /** Arguments of node itself. */
  readonly nodeArgs?: readonly string[]
  /** Called with all that it has said so far on both streams, at each piece. */
  readonly onSaid?: ((said: string, child: RunningErrand) => void) | undefined
}

/** One that runs. */
export interface RunningErrand {
  signal(name: NodeJS.Signals): void
}

/** Runs `errand <args>` until it ends. */
export async function runErrand(args: readonly string[], options: ErrandOptions = {}): Promise<Ended> {
  const { env = {}, input = '', typed, nodeArgs = [], onSaid } = options
  const child = spawn(process.execPath, [...nodeArgs, CLI, ...args], {
    cwd: repositoryDir,
    env: { ...withoutErrand(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // One that ends early does not read what is left.
  child.stdin.on('error', () => undefined)
  let [stdout, stderr] = ['', '']
  const running: RunningErrand = { signal: name => void child.kill(name) }
  const said = (): void => onSaid?.(stdout + stderr, running)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    said()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    said()
  })
  if (typed !== undefined) child.stdin.write(typed)
  else if (typeof input === 'string') child.stdin.end(input)
  else input.pipe(child.stdin)
  const [exitCode] = await once(child, 'close')
  return { exitCode: typeof exitCode === 'number' ? exitCode : null, stdout, stderr }
}

/** Calls once with the process, when it has said `text`. */
export function whenSaid(text: string | RegExp, call: (child: RunningErrand) => void): ErrandOptions['onSaid'] {
  let isOver = false
  return (said, child) => {
    if (isOver || !(typeof text === 'string' ? said.includes(text) : text.test(said))) return
    isOver = true
    call(child)
  }
}

/** Settings of the one who runs the tests must not be the test's. Colours would be, too. */
function withoutErrand(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('ERRAND_') && name !== 'FORCE_COLOR'),
  )
}
