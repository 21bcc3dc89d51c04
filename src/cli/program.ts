// Makes a commander program of the commands, runs it, and turns its end into an exit code. Never throws.

import { Command, CommanderError, Option } from 'commander'
import { ErrandError, isErrandError, saidBy } from '../core/errors.ts'
import type { CommandSpec, OptionSpec } from './command.ts'
import { COMMAND_SECTIONS } from './command.ts'
import type { LoadedConfig } from './config/load.ts'
import { loadConfig } from './config/load.ts'
import type { Setting } from './config/settings.ts'
import { settingsOf } from './config/settings.ts'
import { REQUIRED_TO_CONNECT } from './config/storage-options.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT_CODES, EXIT_CODE_HELP, exitCodeOf } from './exit-codes.ts'
import { commandLogger } from './logging.ts'
import { GROUP_SUMMARIES } from './commands/index.ts'
import { Output, TIME_STYLES, OUTPUT_FORMATS } from './output/output.ts'
import type { OutputFormat, TimeStyle } from './output/output.ts'
import type { Terminal } from './terminal.ts'

/** Options that every command takes. */
interface CommonOptions {
  readonly config?: string
  readonly profile?: string
  readonly verbose?: boolean
  readonly output?: OutputFormat
  readonly json?: boolean
  readonly time?: TimeStyle
}

/** Runs what the arguments say. */
export async function runProgram(
  specs: readonly CommandSpec[],
  args: readonly string[],
  terminal: Terminal,
  version: string,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.ok
  const program = buildProgram(specs, terminal, version, code => {
    exitCode = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    // Help and version end the same way as mistakes do, with 0; whatever was to be said was said.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage
    terminal.err(`${saidBy(error)}\n`)
    return EXIT_CODES.failed
  }
}

/** The program; `onEnd` gets the exit code of the command that ran. */
export function buildProgram(
  specs: readonly CommandSpec[],
  terminal: Terminal,
  version: string,
  onEnd: (code: ExitCode) => void,
): Command {
  const program = new Command('errand')
    .description('A durable activity queue: Kafka is its log, Redis its side-store.')
    .version(version, '--version', 'say which version it is')
    .helpOption('-h, --help', 'say what there is')
    .helpCommand('help [command]', 'say more about a command')
    .addHelpText('after', `\n${EXIT_CODE_HELP}\n\n\`errand <command> --help\` says more.`)
    .showSuggestionAfterError(true)
  harden(program, terminal)
  const groups = new Map<string, Command>()
  for (const section of COMMAND_SECTIONS) {
    for (const spec of specs.filter(one => one.section === section)) {
      const [first = '', second] = spec.name.split(' ')
      let parent = program
      if (second !== undefined) {
        const group = groups.get(first) ?? program.command(first).description(GROUP_SUMMARIES[first] ?? '')
        group.helpGroup(`${section}:`)
        harden(group, terminal)
        groups.set(first, group)
        parent = group
      }
      const command = parent.command(second ?? first)
      if (second === undefined) command.helpGroup(`${section}:`)
      harden(command, terminal)
      describeCommand(command, spec)
      command.action(async () => onEnd(await runCommand(spec, command, terminal)))
    }
  }
  return program
}

function harden(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: text => void terminal.out(text.replace(/\n$/, '')),
    writeErr: text => terminal.err(text),
    getOutHasColors: () => terminal.colors.out,
    getErrHasColors: () => terminal.colors.err,
  })
}

function describeCommand(command: Command, spec: CommandSpec): void {
  command.description(spec.description === undefined ? spec.summary : `${spec.summary}\n\n${spec.description}`)
  command.summary(spec.summary)
  for (const { name, help } of spec.arguments ?? []) command.argument(name, help)
  for (const option of spec.options ?? []) command.addOption(ownOption(option))
  if (spec.hasOutput === true) {
    command.optionsGroup('Output:')
    command.addOption(new Option('-o, --output <format>', 'how to answer').choices([...OUTPUT_FORMATS]))
    command.option('--json', 'the same as -o json')
    command.addOption(new Option('--time <style>', 'how text shows times').choices([...TIME_STYLES]))
  }
  command.optionsGroup('Settings:')
  for (const group of spec.settings ?? []) {
    for (const setting of settingsOf(group)) for (const option of settingOptions(setting)) command.addOption(option)
  }
  command.option('--config <file>', 'JSON file of settings (ERRAND_CONFIG; else ./errand.json if there)')
  command.option('--profile <name>', 'profile of that file (ERRAND_PROFILE)')
  command.option('--verbose', 'stacks of errors, and debug lines')
  const examples = spec.examples ?? []
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map(one => `  ${one}`).join('\n')}`)
  command.addHelpText('after', `\n${EXIT_CODE_HELP}`)
}

function ownOption({ flags, help, parse, isRepeatable }: OptionSpec): Option {
  const option = new Option(flags, help)
  const read = parse ?? ((text: string): unknown => text)
  const isValued = option.required || option.optional
  if (isRepeatable === true) {
    option.argParser((text, before: unknown) => [...(Array.isArray(before) ? (before as unknown[]) : []), read(text)])
  } else if (parse !== undefined && isValued) option.argParser(read)
  return option
}

function settingOptions({ flag, env, help, value, isSwitch, shownDefault }: Setting): Option[] {
  if (flag === undefined) return []
  const told = `${help} (${env}${shownDefault === undefined ? '' : `; ${shownDefault}`})`
  if (isSwitch !== true) return [new Option(`--${flag} <${value ?? 'value'}>`, told)]
  return [new Option(`--${flag}`, told), new Option(`--no-${flag}`).hideHelp()]
}

async function runCommand(spec: CommandSpec, command: Command, terminal: Terminal): Promise<ExitCode> {
  const options = command.opts<CommonOptions>()
  try {
    const loaded = loadOf(spec, command, terminal, options)
    const logger = commandLogger(loaded.config, terminal, options.verbose === true)
    const format = options.json === true ? 'json' : (options.output ?? 'text')
    const output = new Output(terminal, format, options.time ?? 'relative')
    return await spec.run({ args: command.args, terminal, config: loaded.config, loaded, output, logger }, options)
  } catch (error) {
    return ended(error, terminal, spec.name, options.verbose === true)
  }
}

function loadOf(spec: CommandSpec, command: Command, terminal: Terminal, options: CommonOptions): LoadedConfig {
  const groups = spec.settings ?? []
  const flags = new Map<string, unknown>()
  for (const setting of groups.flatMap(settingsOf)) {
    const [option] = settingOptions(setting)
    if (option === undefined || command.getOptionValueSource(option.attributeName()) !== 'cli') continue
    flags.set(setting.name, command.getOptionValue(option.attributeName()))
  }
  const { config: file, profile } = options
  const required = groups.includes('servers') ? REQUIRED_TO_CONNECT : []
  return loadConfig({ env: terminal.env, flags, file, profile }, required)
}

/** Says what went wrong, and what to do next. */
function ended(error: unknown, terminal: Terminal, name: string, isVerbose: boolean): ExitCode {
  if (terminal.signal.aborted && isErrandError(error, 'cancelled')) {
    terminal.err('interrupted\n')
    return EXIT_CODES.interrupted
  }
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : saidBy(error)
  terminal.err(`${isVerbose ? stack : saidBy(error)}\n`)
  if (!isErrandError(error)) {
    if (!isVerbose) terminal.err('`--verbose` shows where.\n')
    return EXIT_CODES.failed
  }
  const code = exitCodeOf(error.code)
  if (code === EXIT_CODES.usage) terminal.err(`\`errand ${name} --help\` says more.\n`)
  if (code === EXIT_CODES.unreachable || error.code === 'configuration') {
    terminal.err('`errand doctor` looks at Kafka and Redis and says what to mend.\n')
  }
  return code
}

/** A wrong option or argument: told with the command's help, and exit code 2. */
export function usage(text: string, field: string): ErrandError {
  return new ErrandError('invalid_argument', text, { details: { field } })
}
