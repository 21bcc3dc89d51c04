// The scripts of `errand completion`, in the shells themselves where they are installed.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { askCommands } from '../support/cli-commands.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const { commands, scripts } = askCommands()

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['--version']).error === undefined
}

/** What bash offers for the last of some words. */
function offered(...words: string[]): string[] {
  const script = `${scripts['bash']}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _errand; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter(word => word !== '')
}

describe('in bash', () => {
  test.skipIf(!isInstalled('bash'))('every command is offered, and every option of each', () => {
    const firsts = new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))
    expect(offered('errand', '')).toEqual([...firsts, 'help', '--help', '--version'])
    expect(offered('errand', 'config', '')).toEqual(['show', 'reference'])
    for (const { name, flags, settingFlags } of commands) {
      expect(offered('errand', ...name.split(' '), '--')).toEqual([...flags, ...settingFlags, '--help'])
    }
  })

  test.skipIf(!isInstalled('bash')).each([
    [['enq'], ['enqueue']],
    [
      ['list', '--status', 'c'],
      ['completed', 'cancelled'],
    ],
    [
      ['list', '-o', ''],
      ['text', 'json', 'jsonl', 'none'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['enqueue', 'work', '--priority', 'n'], ['normal']],
    [['enqueue', 'work', '--file', ''], []],
    [['config', 's'], ['show']],
  ])('%j is completed to %j', (words, expected) => {
    expect(offered('errand', ...words)).toEqual(expected)
  })
})

test.each(Object.keys(scripts))('%s reads its script, as the command prints it', shell => {
  const { status, stdout } = spawnSync(process.execPath, [CLI, 'completion', shell], { encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 0, stdout: scripts[shell] })
  for (const { name } of commands) expect(stdout).toContain(name.split(' ').at(-1))
  if (!isInstalled(shell)) return
  const checked = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' })
  expect({ status: checked.status, stderr: checked.stderr }).toEqual({ status: 0, stderr: '' })
})

test('another shell is wrong usage', () => {
  const { status, stderr } = spawnSync(process.execPath, [CLI, 'completion', 'tcsh'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('there is for bash, zsh, fish') })
})
