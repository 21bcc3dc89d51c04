// A program of the repository, run as people run it, and what it said.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const repositoryDir: string = fileURLToPath(new URL('../..', import.meta.url))

/** How a program ended. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How to run it. */
export interface RunOptions {
  /** Set in addition to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Sent once the program's stdout holds a text. */
  readonly signalOn?: { readonly text: string; readonly signal: NodeJS.Signals }
}

/** Runs `node <args>` at the root of the repository until it ends. */
export async function runNode(args: readonly string[], { env = {}, signalOn }: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd: repositoryDir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let isSignalled = false
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (signalOn === undefined || isSignalled || !stdout.includes(signalOn.text)) return
    isSignalled = true
    child.kill(signalOn.signal)
  })
  const [exitCode] = await once(child, 'close')
  return { exitCode: typeof exitCode === 'number' ? exitCode : null, stdout, stderr }
}

/** Runs one of the npm scripts, as `npm run` does but without its banner. */
export function runVerb(verb: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runNode(['scripts/run.mjs', verb, ...args], options)
}
