// Makes a commander program of the commands, runs it, and turns its end into an exit code. Never throws.

import { Command, CommanderError } from 'commander'
import { isErrandError, saidBy } from '../core/errors.ts'
import type { CommandSpec } from './command.ts'
import { COMMAND_SECTIONS } from './command.ts'
import { commandOptions, settingOptions } from './command-options.ts'
import type { LoadedConfig } from './config/load.ts'
import { loadConfig } from './config/load.ts'
import { settingsOf } from './config/settings.ts'
import { REQUIRED_TO_CONNECT } from './config/storage-options.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT_CODES, EXIT_CODE_HELP, exitCodeOf } from './exit-codes.ts'
import { commandLogger } from './logging.ts'
import { GROUP_SUMMARIES } from './commands/index.ts'
import { stacksOf } from './output/error-stacks.ts'
import { Output } from './output/output.ts'
import type { OutputFormat } from './output/output.ts'
import type { TimeStyle } from './output/time-text.ts'
import { plain } from './output/table.ts'
import { isSent } from './service/otlp-environment.ts'
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
    terminal.err(`${plain(saidBy(error))}\n`)
    // An option's value that could not be read.
    return isErrandError(error) ? exitCodeOf(error.code) : EXIT_CODES.failed
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
  for (const { heading, options } of commandOptions(spec)) {
    if (heading !== 'Options:') command.optionsGroup(heading)
    for (const option of options) command.addOption(option)
  }
  const examples = spec.examples ?? []
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map(one => `  ${one}`).join('\n')}`)
  command.addHelpText('after', `\n${EXIT_CODE_HELP}`)
}

async function runCommand(spec: CommandSpec, command: Command, terminal: Terminal): Promise<ExitCode> {
  const options = command.opts<CommonOptions>()
  try {
    const loaded = loadOf(spec, command, terminal, options)
    const logger = commandLogger(loaded.config, terminal, options.verbose === true)
    const format = options.json === true ? 'json' : (options.output ?? 'text')
    const output = new Output(terminal, format, options.time ?? 'relative')
    if (spec.goesOnUnheard === true) terminal.goOnUnheard()
    return await traced(spec, terminal, () =>
      spec.run({ args: command.args, terminal, config: loaded.config, loaded, output, logger }, options),
    )
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
  const required = groups.includes('servers') && spec.isOffline !== true ? REQUIRED_TO_CONNECT : []
  return loadConfig({ env: terminal.env, flags, file, profile }, required)
}

/** Sends the spans of a command that makes activities, where somebody said to where. The SDK is not loaded otherwise. */
async function traced<T>(spec: CommandSpec, { env }: Terminal, run: () => Promise<T>): Promise<T> {
  if (spec.isTraced !== true || !isSent(env, 'TRACES')) return run()
  const { startTelemetry } = await import('./service/telemetry.ts')
  const telemetry = await startTelemetry('errand-cli')
  try {
    return await run()
  } finally {
    await telemetry.shutdown()
  }
}

/** Says what went wrong, and what to do next. */
function ended(error: unknown, terminal: Terminal, name: string, isVerbose: boolean): ExitCode {
  if (terminal.signal.aborted && isErrandError(error, 'cancelled')) {
    terminal.err('interrupted\n')
    return EXIT_CODES.interrupted
  }
  terminal.err(`${plain(isVerbose ? stacksOf(error) : saidBy(error))}\n`)
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
