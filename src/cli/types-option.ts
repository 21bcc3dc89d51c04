// `--types a,b`: the activity types that a command is about.

import { checkType } from '../core/names.ts'
import type { OptionSpec } from './command.ts'

/** The option; its value is a list of types. */
export const TYPES_OPTION: OptionSpec = {
  flags: '--types <types>',
  help: 'activity types, separated by commas (else those that have topics in the namespace)',
  parse: text => text.split(',').map(type => checkType(type.trim())),
}
