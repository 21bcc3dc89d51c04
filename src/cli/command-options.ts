// Which options a command takes, as the parser's own: those of its spec, of its answer and of its settings, and those that every
// command has. Help, completion and the reference are all made from this.

import { Option } from 'commander'
import type { CommandSpec, OptionSpec } from './command.ts'
import type { Setting } from './config/settings.ts'
import { settingsOf } from './config/settings.ts'
import { OUTPUT_FORMATS } from './output/output.ts'
import { TIME_STYLES } from './output/time-text.ts'

/** Options under one heading of the help. */
export interface OptionGroup {
  readonly heading: 'Options:' | 'Output:' | 'Settings:'
  readonly options: readonly Option[]
}

/** The options of a command, in the order of its help. */
export function commandOptions(spec: CommandSpec): readonly OptionGroup[] {
  const settings = (spec.settings ?? []).flatMap(settingsOf).flatMap(settingOptions)
  return [
    { heading: 'Options:', options: (spec.options ?? []).map(ownOption) },
    { heading: 'Output:', options: spec.hasOutput === true ? outputOptions() : [] },
    { heading: 'Settings:', options: [...settings, ...commonOptions()] },
  ]
}

/** The flag of a setting, and the one that turns it off. None: it has no flag. */
export function settingOptions({ flag, env, help, value, isSwitch, shownDefault }: Setting): Option[] {
  if (flag === undefined) return []
  const told = `${help} (${env}${shownDefault === undefined ? '' : `; ${shownDefault}`})`
  if (isSwitch !== true) return [new Option(`--${flag} <${value ?? 'value'}>`, told)]
  return [new Option(`--${flag}`, told), new Option(`--no-${flag}`).hideHelp()]
}

function ownOption({ flags, help, parse, isRepeatable, choices }: OptionSpec): Option {
  const option = new Option(flags, help)
  if (choices !== undefined) option.choices([...choices])
  const choose = option.parseArg
  const read = parse ?? ((text: string): unknown => (choose === undefined ? text : choose(text, undefined)))
  const isValued = option.required || option.optional
  if (isRepeatable === true) {
    option.argParser((text, before: unknown) => [...(Array.isArray(before) ? (before as unknown[]) : []), read(text)])
  } else if (parse !== undefined && isValued) option.argParser(read)
  return option
}

function outputOptions(): Option[] {
  return [
    new Option('-o, --output <format>', 'how to answer').choices([...OUTPUT_FORMATS]),
    new Option('--json', 'the same as -o json'),
    new Option('--time <style>', 'how text shows times').choices([...TIME_STYLES]),
  ]
}

function commonOptions(): Option[] {
  return [
    new Option('--config <file>', 'JSON file of settings (ERRAND_CONFIG; else ./errand.json if there)'),
    new Option('--profile <name>', 'profile of that file (ERRAND_PROFILE)'),
    new Option('--verbose', 'stacks of errors, and debug lines'),
  ]
}
