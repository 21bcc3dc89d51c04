// Preload: `node --import clock-shift.ts program`. Moves this process's wall clock (Date.now, new Date) by what stands in the
// file that the variable names, and writes beside it what the clock then says. Monotonic clocks and timers stay as they are.
// It must not import anything of the program: it runs before it. The other side is wall-clock.ts.

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'

/** A look at the file costs a system call, so that calls in between have to do with what was seen last. */
const LOOK_MS = 50

const file = process.env['CHAOS_CLOCK_FILE']
if (file !== undefined && file !== '') shiftBy(file)

function shiftBy(path: string): void {
  const RealDate = Date
  const realNow = RealDate.now.bind(RealDate)
  let offsetMs = 0
  let seen = ''
  let lookedAtMs = Number.NEGATIVE_INFINITY

  const look = (): void => {
    if (performance.now() - lookedAtMs < LOOK_MS) return
    lookedAtMs = performance.now()
    const version = versionOf(path)
    if (version === seen) return
    seen = version
    offsetMs = version === '' ? 0 : Number(readFileSync(path, 'utf8'))
    const answer = { pid: process.pid, offsetMs: Date.now() - realNow() }
    writeFileSync(`${path}.seen.${process.pid}`, JSON.stringify(answer))
    renameSync(`${path}.seen.${process.pid}`, `${path}.seen`)
  }

  const now = (): number => {
    look()
    return realNow() + offsetMs
  }

  RealDate.now = now
  globalThis.Date = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, given: unknown[], asWhat) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, asWhat),
  })
  // A process that never asks for the time answers too.
  setInterval(look, LOOK_MS).unref()
  look()
}

/** Another text whenever the file is another; empty without one. */
function versionOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? '' : `${found.ino} ${found.mtimeNs}`
}
