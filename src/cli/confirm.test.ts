import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { confirm } from './confirm.ts'
import type { Terminal } from './terminal.ts'

function terminalOf({ isInTerminal = true } = {}) {
  const [stdin, said, asked] = [new PassThrough(), [] as string[], new AbortController()]
  const terminal: Terminal = {
    ...{ env: {}, signal: asked.signal, stdin, isInteractive: true, isOutTerminal: true, isInTerminal },
    colors: { out: false, err: false },
    out: () => Promise.resolve(),
    goOnUnheard: () => undefined,
    err: text => void said.push(text),
  }
  return { terminal, stdin, said, asked }
}

describe('a question', () => {
  test.each([
    ['y\n', true],
    ['Yes \n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
  ])('%j is %j', async (answer, expected) => {
    const { terminal, stdin, said } = terminalOf()
    const answered = confirm(terminal, 'Shall they?', {})
    stdin.write(answer)
    expect(await answered).toBe(expected)
    expect(said).toEqual(['Shall they? [y/N] '])
  })

  test('that nobody answers, since the input ends, is no yes', async () => {
    const { terminal, stdin } = terminalOf()
    const answered = confirm(terminal, 'Shall they?', {})
    stdin.end()
    expect(await answered).toBe(false)
  })

  test('is not asked with --yes, and is an error where nobody can be asked', async () => {
    const { terminal, said } = terminalOf({ isInTerminal: false })
    expect(await confirm(terminal, 'Shall they?', { yes: true })).toBe(true)
    const refused = expect.objectContaining({ code: 'invalid_argument' })
    await expect(confirm(terminal, 'Shall they?', {})).rejects.toEqual(refused)
    await expect(confirm(terminalOf().terminal, 'Shall they?', { input: false })).rejects.toEqual(refused)
    expect(said).toEqual([])
  })

  test('is given up by Ctrl-C', async () => {
    const { terminal, asked } = terminalOf()
    const answered = confirm(terminal, 'Shall they?', {})
    asked.abort('SIGINT')
    await expect(answered).rejects.toMatchObject({ code: 'cancelled' })
  })
})
