// What the commands say of themselves, asked of a process of its own: the runner of the tests cannot load all of them.

import { spawnSync } from 'node:child_process'
import { ErrandError } from '../../src/core/errors.ts'
import { repositoryDir } from './run-program.ts'

/** One command, as data. */
export interface SaidCommand {
  readonly name: string
  readonly hasOutput: boolean
  readonly answers: string | null
  /** It changes something, or serves. */
  readonly goesOnUnheard: boolean
  /** Its own long options, such as `--status`. */
  readonly flags: readonly string[]
  /** Those of the settings that it takes, and those that all commands have. */
  readonly settingFlags: readonly string[]
}

/** Everything at once. */
export interface SaidByCommands {
  readonly commands: readonly SaidCommand[]
  readonly reference: string
  /** By shell. */
  readonly scripts: Readonly<Record<string, string>>
}

const PROGRAM = `
import { COMMANDS } from './src/cli/commands/index.ts'
import { commandOptions } from './src/cli/command-options.ts'
import { completionScript, SHELLS } from './src/cli/completion.ts'
import { cliReference } from './src/cli/reference.ts'
const flagsOf = (spec, isOwn) => commandOptions(spec).filter(group => (group.heading === 'Options:') === isOwn).flatMap(group => group.options.map(each => each.long))
const commands = COMMANDS.map(spec => ({ name: spec.name, hasOutput: spec.hasOutput === true, answers: spec.answers ?? null, goesOnUnheard: spec.goesOnUnheard === true, flags: flagsOf(spec, true), settingFlags: flagsOf(spec, false) }))
const scripts = Object.fromEntries(SHELLS.map(shell => [shell, completionScript(shell, COMMANDS)]))
process.stdout.write(JSON.stringify({ commands, reference: cliReference(COMMANDS), scripts }))`

/** Asks the commands. */
export function askCommands(): SaidByCommands {
  const args = ['--input-type=module', '--eval', PROGRAM]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: repositoryDir, encoding: 'utf8' })
  if (status !== 0) throw new ErrandError('internal', `the commands could not be asked: ${stderr}`)
  return JSON.parse(stdout)
}
