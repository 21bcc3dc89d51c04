// What a command of `errand` is: a name, what it takes, and what it does. A command knows no parser; `program.ts` makes
// commander's commands of these.

import { ErrandError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Config, SettingGroup } from './config/settings.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output/output.ts'
import type { Terminal } from './terminal.ts'

/** An option of one command, beside its settings: commander's flags, such as `--type <type>`, and a line of help. */
export interface OptionSpec {
  /** Such as `--limit <n>`, `--all` or `--no-input`. */
  readonly flags: string
  readonly help: string
  /** Turns the text into a value; what it throws is told as wrong usage. */
  readonly parse?: (text: string) => unknown
  /** Its values, where they are few. */
  readonly choices?: readonly string[]
  /** May be given several times; its value is an array. */
  readonly isRepeatable?: true
}

/** What a command is called with. */
export interface Invocation {
  /** Positional arguments, in order. */
  readonly args: readonly string[]
  readonly terminal: Terminal
  readonly config: Config
  readonly loaded: LoadedConfig
  readonly output: Output
  /** Warnings and errors on stderr; long-running commands say more. */
  readonly logger: Logger
}

/** One command. `Options`: what its options are called, in camel case. */
export interface CommandSpec<Options extends object = object> {
  /** Such as `get`, or `dlq list` for a command of a group. */
  readonly name: string
  /** One line. */
  readonly summary: string
  /** The rest of its help. */
  readonly description?: string
  /** Where the overview shows it. */
  readonly section: CommandSection
  /** Such as `<id>`, `[type]` or `<id...>`. */
  readonly arguments?: readonly { readonly name: string; readonly help: string; readonly choices?: readonly string[] }[]
  readonly options?: readonly OptionSpec[]
  /** Settings that it takes as flags. With `servers`, those needed to connect must be given. */
  readonly settings?: readonly SettingGroup[]
  /** It connects to nothing: none of its settings must be given. */
  readonly isOffline?: true
  /** It changes something, or serves: it goes on when nobody reads its stdout any more. Others end then, with 0. */
  readonly goesOnUnheard?: true
  /** It answers with data: takes `-o`, `--json` and `--time`. */
  readonly hasOutput?: boolean
  /** It makes activities: with an endpoint in OTEL_EXPORTER_OTLP_ENDPOINT, its spans begin their traces. */
  readonly isTraced?: true
  /** What its JSON holds, for the reference. Markdown. */
  readonly answers?: string
  /** What its exit codes mean beside what they mean everywhere, for the reference. Markdown. */
  readonly exits?: string
  /** Shown at the end of its help. */
  readonly examples?: readonly string[]
  run(call: Invocation, options: Options): Promise<ExitCode>
}

/** Sections of the overview, in its order. */
export const COMMAND_SECTIONS = ['Begin', 'Roles', 'Activities', 'Dead letters', 'Bulk work', 'Stack'] as const

/** One of {@link COMMAND_SECTIONS}. */
export type CommandSection = (typeof COMMAND_SECTIONS)[number]

/** Keeps the type of the options between `options` and `run`. */
export function defineCommand<Options extends object = object>(spec: CommandSpec<Options>): CommandSpec {
  // A method's parameters may be narrower: the parser gives what `options` describe, which is what `Options` says.
  return spec
}

/** A wrong option or argument: told with the way to the command's help, and exit code 2. */
export function usage(text: string, field: string): ErrandError {
  return new ErrandError('invalid_argument', text, { details: { field } })
}
