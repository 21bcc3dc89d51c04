// A process whose wall clock is moved while it runs.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { movableClock, moveClock } from './wall-clock.ts'

const HOUR_MS = 3_600_000
/** Says what all its clocks say, whenever it is asked. */
const PROGRAM = `process.stdin.on('data', () => console.log(JSON.stringify({
  now: Date.now(), made: new Date().getTime(), text: Date.parse(Date()), given: new Date(5).getTime(), utc: Date.UTC(1970, 0, 1),
  isDate: new Date() instanceof Date && new Date(7) instanceof Date, mono: performance.now(), hr: Number(process.hrtime.bigint()) / 1e6 })))`

interface Clocks {
  readonly now: number
  readonly made: number
  readonly text: number
  readonly given: number
  readonly utc: number
  readonly isDate: boolean
  readonly mono: number
  readonly hr: number
}

async function setup() {
  const folder = mkdtempSync(join(tmpdir(), 'errand-clock-'))
  const file = join(folder, 'clock')
  const { execArgv, env } = movableClock(file)
  const child = spawn(process.execPath, [...execArgv, '-e', PROGRAM], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  return {
    move: (offsetMs: number) => moveClock(file, child.pid ?? 0, offsetMs),
    ask: async (): Promise<Clocks> => {
      const line = once(lines, 'line')
      child.stdin.write('?\n')
      return JSON.parse(String((await line)[0])) as Clocks
    },
    async [Symbol.asyncDispose]() {
      const isGone = once(child, 'exit')
      child.kill('SIGKILL')
      await isGone
      rmSync(folder, { recursive: true })
    },
  }
}

test('the wall clock jumps an hour ahead, an hour back and home again; monotonic clocks never do', async () => {
  await using clocked = await setup()
  const before = await clocked.ask()
  for (const offsetMs of [HOUR_MS, -HOUR_MS, 0]) {
    expect(Math.abs((await clocked.move(offsetMs)) - offsetMs)).toBeLessThan(100)
    const realMs = Date.now() + offsetMs
    const clocks = await clocked.ask()
    expect(Math.abs(clocks.now - realMs)).toBeLessThan(10_000)
    expect(Math.abs(clocks.made - clocks.now)).toBeLessThan(1_000)
    expect(Math.abs(clocks.text - clocks.now)).toBeLessThan(2_000) // in whole seconds
    expect(clocks).toMatchObject({ given: 5, utc: 0, isDate: true })
    expect(clocks.mono - before.mono).toBeLessThan(60_000)
    expect(clocks.hr - before.hr).toBeGreaterThan(0)
    expect(clocks.hr - before.hr).toBeLessThan(60_000)
  }
})
