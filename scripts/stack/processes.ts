// Processes that outlive the command that starts them, and that are ended by pid only after a look at what the pid is now.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { StackError } from './stack-error.ts'
import { waitUntil } from './wait.ts'

/** A process that the stack started: its pid, and a text in its command line that only it has. */
export interface OwnProcess {
  readonly pid: number
  /** Any one of them is proof enough: some programs rewrite their command line once they run. */
  readonly marks: readonly string[]
}

/** What a signal leads to, and so what is awaited after it was sent. */
export type StackSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'

/** Starts a program in a session of its own, output appended to `logFile`, and answers its pid. */
export async function startDetached(command: string, args: readonly string[], logFile: string): Promise<number> {
  const log = openSync(logFile, 'a')
  try {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] })
    await spawned(child, command)
    child.unref()
    return child.pid ?? 0
  } finally {
    closeSync(log)
  }
}

/** Whether the pid is still ours: pids are given out anew, and what is now another program must not be ended. */
export function isRunning(own: OwnProcess): boolean {
  const command = commandLineOf(own.pid)
  return command !== undefined && own.marks.some(mark => command.includes(mark))
}

/** Sends the signal if the pid is still ours, and waits until it had its effect: gone, stopped or going on. */
export async function signalProcess(own: OwnProcess, signal: StackSignal, deadlineMs = 30_000): Promise<void> {
  if (!isRunning(own)) return
  send(own.pid, signal)
  const what = `process ${own.pid} after ${signal}`
  if (signal === 'SIGSTOP') await waitUntil(() => stateOf(own.pid) === 'T', { what, deadlineMs, intervalMs: 10 })
  else if (signal === 'SIGCONT') await waitUntil(() => stateOf(own.pid) !== 'T', { what, deadlineMs, intervalMs: 10 })
  else await waitUntil(() => !isRunning(own), { what: `${what} to be gone`, deadlineMs, intervalMs: 10 })
}

/** Ends a process: asked first, made to after `graceMs`. A stopped one is continued, else it could not hear the question. */
export async function endProcess(own: OwnProcess, graceMs = 10_000): Promise<void> {
  if (!isRunning(own)) return
  send(own.pid, 'SIGTERM')
  send(own.pid, 'SIGCONT')
  try {
    await waitUntil(() => !isRunning(own), { what: `process ${own.pid} to end`, deadlineMs: graceMs, intervalMs: 20 })
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    await signalProcess(own, 'SIGKILL')
  }
}

async function spawned(child: ChildProcess, command: string): Promise<void> {
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new StackError(`${command} could not be started: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function send(pid: number, signal: StackSignal): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone between the look and the signal: what was wanted.
  }
}

/** The command line of a live process; undefined when there is none, or only its unreaped rest. */
function commandLineOf(pid: number): string | undefined {
  try {
    const text = existsSync('/proc/self/cmdline')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return text.trim() === '' ? undefined : text
  } catch {
    return undefined // no such process
  }
}

/** The state letter of a process (T is stopped, Z is ended but not yet taken note of); undefined when it is gone. */
export function stateOf(pid: number): string | undefined {
  try {
    // "pid (name) S ...": the name may hold spaces and brackets, so what counts is behind the last bracket.
    return existsSync('/proc/self/stat')
      ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.charAt(0)
      : execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
          .trim()
          .charAt(0)
  } catch {
    return undefined
  }
}
