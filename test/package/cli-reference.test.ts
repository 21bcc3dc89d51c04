// docs/reference/cli.md is made from the commands: this compares both, and `-u` writes the page.

import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { askCommands } from '../support/cli-commands.ts'

const PAGE = fileURLToPath(new URL('../../docs/reference/cli.md', import.meta.url))
const { commands, reference } = askCommands()

test('the reference of the command line says what the commands say', async () => {
  await expect(reference).toMatchFileSnapshot(PAGE)
})

test('every command and every option of it stands there', () => {
  for (const { name, flags } of commands) {
    const part = reference.split(/^### /m).find(each => each.startsWith(`errand ${name}\n`)) ?? ''
    expect([...part.matchAll(/^\| `(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)).toEqual(flags)
  }
})

test('every command that answers with data says what its JSON holds', () => {
  const silent = commands.filter(({ hasOutput, answers }) => hasOutput && answers === null)
  expect(silent.map(({ name }) => name)).toEqual([])
})

test('what changes something, or serves, goes on when nobody reads its answer any more; what looks does not', () => {
  const [going, ending] = [true, false].map(goes =>
    commands.filter(({ goesOnUnheard }) => goesOnUnheard === goes).map(({ name }) => name),
  )
  for (const name of ['enqueue', 'cancel', 'dlq redrive', 'ops cancel', 'topics apply', 'rebuild', 'worker', 'reaper'])
    expect(going).toContain(name)
  for (const name of ['list', 'get', 'tail', 'stats', 'dlq list', 'topics plan', 'doctor', 'config show'])
    expect(ending).toContain(name)
})

test('no option of a command is one of a setting', () => {
  for (const { name, flags, settingFlags } of commands) {
    expect({ name, twice: flags.filter(flag => settingFlags.includes(flag)) }).toEqual({ name, twice: [] })
  }
})
