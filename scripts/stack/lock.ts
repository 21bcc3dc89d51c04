// One `up` or `down` at a time per data folder, and one download at a time per cache.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { waitUntil } from './wait.ts'

/** Runs `action` while this process alone holds `file`. A lock left behind by a process that is gone is taken over. */
export async function withLock<T>(file: string, action: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true })
  await waitUntil(() => tryLock(file), {
    what: `the lock ${file}; remove it if no other command of the stack is running`,
    deadlineMs: 300_000,
    intervalMs: 100,
  })
  try {
    return await action()
  } finally {
    rmSync(file, { force: true })
  }
}

/** A file linked into place has its content from the first moment on, so nobody reads a lock without an owner. */
function tryLock(file: string): boolean {
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  writeFileSync(mine, ownerNow(process.pid))
  try {
    linkSync(mine, file)
    return true
  } catch {
    discardIfAbandoned(file)
    return false
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Moved aside before it is removed: of two who find it abandoned only one can move it. */
function discardIfAbandoned(file: string): void {
  try {
    const owner = readFileSync(file, 'utf8')
    if (owner === ownerNow(Number(owner.split(' ')[0]))) return
    const aside = `${file}.abandoned.${process.pid}`
    renameSync(file, aside)
    rmSync(aside, { force: true })
  } catch {
    // Released meanwhile: the next try gets it.
  }
}

/** "pid start-time": the pid alone is not enough, because in a container the next program gets the same small numbers. */
function ownerNow(pid: number): string {
  try {
    process.kill(pid, 0)
    return `${pid} ${startTimeOf(pid)}`
  } catch {
    return 'nobody'
  }
}

function startTimeOf(pid: number): string {
  try {
    // Field 22 of the whole line, which is field 20 behind the bracketed name.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? ''
  } catch {
    return '' // no /proc on this system: the pid has to do
  }
}
