// The terminal of a process whose readers leave: each is a process of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const TERMINAL = new URL('./terminal.ts', import.meta.url).href

/** Writes twice to both, and ends with 6. */
const program = (first: string): string => `
import { processTerminal } from '${TERMINAL}'
const terminal = processTerminal()
${first}
for (let n = 1; n <= 2; n++) {
  await terminal.out('answer ' + n)
  terminal.err('said ' + n + '\\n')
  await new Promise(setImmediate)
}
process.exitCode = 6`

interface Closed {
  readonly isGoingOn?: boolean
  /** Whose reader leaves before anything is written. */
  readonly leaves?: 'stdout' | 'stderr'
  /** @defaultValue a pipe */
  readonly stdout?: number
}

async function run({ isGoingOn = false, leaves, stdout: into }: Closed) {
  const first = isGoingOn ? 'terminal.goOnUnheard()' : ''
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(first)], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', into ?? 'pipe', 'pipe'],
  })
  const heard = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    if (name === leaves) child[name]?.destroy()
    else child[name]?.on('data', (chunk: Buffer) => (heard[name] += chunk.toString()))
  }
  const [exitCode] = await once(child, 'close')
  return { exitCode: exitCode as number | null, ...heard }
}

describe('a reader of stdout that leaves', () => {
  test('ends a command that only reads, without a word', async () => {
    expect(await run({ leaves: 'stdout' })).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('2') })
  })

  test('ends nothing that changes something: it goes on, and ends as it would', async () => {
    expect(await run({ leaves: 'stdout', isGoingOn: true })).toEqual({
      exitCode: 6,
      stdout: '',
      stderr: 'said 1\nsaid 2\n',
    })
  })
})

test('a reader of stderr that leaves ends nothing', async () => {
  expect(await run({ leaves: 'stderr' })).toEqual({ exitCode: 6, stdout: 'answer 1\nanswer 2\n', stderr: '' })
})

test.skipIf(process.platform !== 'linux')('a disk that is full is told in a line', async () => {
  await using full = await open('/dev/full', 'w')
  for (const isGoingOn of [false, true]) {
    const { exitCode, stderr } = await run({ stdout: full.fd, isGoingOn })
    expect(exitCode).toBe(1)
    expect(stderr.replace('said 1\n', '')).toMatch(/^stdout cannot be written to: .*ENOSPC.*\n$/)
  }
})
