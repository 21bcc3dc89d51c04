// Processes as faults look at them: gone, stopped, going on.

import { stateOf } from '../../../scripts/stack/processes.ts'
import { waitUntil } from '../../../scripts/stack/wait.ts'

const GONE_MS_MAX = 10_000

/** Whether nothing runs under this pid any more; an ended child that its parent has not taken note of counts as gone. */
export function isGone(pid: number): boolean {
  return [undefined, 'Z', 'X'].includes(stateOf(pid))
}

/**
 * Waits until nothing runs under this pid and says so; null when it does not go. A killed process is without a command line
 * at once, and still there while the system takes its memory back.
 */
export async function goneProof(pid: number): Promise<string | null> {
  const untilMs = performance.now() + GONE_MS_MAX
  const isOver = (): boolean => isGone(pid) || performance.now() > untilMs
  await waitUntil(isOver, { what: `process ${pid} to go`, deadlineMs: GONE_MS_MAX * 2, intervalMs: 5 })
  return isGone(pid) ? describeState(pid) : null
}

/** `state T` of a stopped process, `gone` of none. */
export function describeState(pid: number): string {
  return isGone(pid) ? `pid ${pid} gone` : `pid ${pid} in state ${stateOf(pid)}`
}

/** Whether the process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  return stateOf(pid) === 'T'
}

/** Sends a signal to a process that is known to be ours and waits for its effect, at most `deadlineMs`. */
export async function sendTo(
  pid: number,
  signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT',
  deadlineMs = 30_000,
): Promise<void> {
  if (isGone(pid)) return
  process.kill(pid, signal)
  const hadEffect = {
    SIGKILL: () => isGone(pid),
    SIGTERM: () => isGone(pid),
    SIGSTOP: () => isStopped(pid) || isGone(pid),
    SIGCONT: () => !isStopped(pid),
  }[signal]
  await waitUntil(hadEffect, { what: `${signal} to have its effect on process ${pid}`, deadlineMs, intervalMs: 10 })
}
