// Wall clocks of other processes that jump, without any library: the process is started with a preload that looks at a file.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { StackError } from '../../../scripts/stack/stack-error.ts'
import { waitUntil } from '../../../scripts/stack/wait.ts'
import { isGone } from './processes.ts'

/** What makes a process's wall clock movable: `node --import` of this, with the file's path in CHAOS_CLOCK_FILE. */
export const CLOCK_PRELOAD: string = fileURLToPath(new URL('./clock-shift.ts', import.meta.url))
/** A process looks 20 times a second; a machine at its limits lets it wait. */
const ANSWER_MS_MAX = 15_000

/** How a Node process is started so that its wall clock can be moved: one file for each process, which need not exist. */
export function movableClock(file: string): {
  readonly execArgv: readonly string[]
  readonly env: Readonly<Record<string, string>>
} {
  return { execArgv: ['--import', CLOCK_PRELOAD], env: { CHAOS_CLOCK_FILE: file } }
}

/**
 * Moves the wall clock of the process with this file to `offsetMs` from the real one, and waits until that very process has
 * read back that it is so. Answers what it read, in ms: the offset, give or take a millisecond. Rejects with `StackError`
 * when the process does not answer, because it was not started so, or is gone.
 */
export async function moveClock(file: string, pid: number, offsetMs: number): Promise<number> {
  writeFileSync(`${file}.draft`, String(offsetMs))
  renameSync(`${file}.draft`, file) // another inode, so that no two versions look alike
  let read = Number.NaN
  const hasMoved = (): boolean => {
    if (isGone(pid)) throw new StackError(`process ${pid} is gone, so its clock cannot be moved`)
    read = answerOf(file, pid)
    return Math.abs(read - offsetMs) < 100
  }
  await waitUntil(hasMoved, { what: `the clock of process ${pid} to move`, deadlineMs: ANSWER_MS_MAX, intervalMs: 10 })
  return read
}

/** What the process said last; not a number when it is another process or has said nothing. */
function answerOf(file: string, pid: number): number {
  try {
    const answer = JSON.parse(readFileSync(`${file}.seen`, 'utf8')) as { pid: number; offsetMs: number }
    return answer.pid === pid ? answer.offsetMs : Number.NaN
  } catch {
    return Number.NaN // no answer yet
  }
}
