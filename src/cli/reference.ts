// The reference of all commands, made from what they say of themselves: docs/reference/cli.md is this text, and a test compares
// both.

import type { Option } from 'commander'
import type { CommandSpec } from './command.ts'
import { COMMAND_SECTIONS } from './command.ts'
import { commandOptions } from './command-options.ts'
import { SETTING_GROUPS, settingsOf } from './config/settings.ts'
import type { SettingGroup } from './config/settings.ts'

const INTRODUCTION = `# The command \`errand\`

This page is made from the commands themselves (\`npx vitest run --project package test/package/cli-reference.test.ts -u\`).

- **stdout is data, stderr is everything else**: questions, progress, warnings and errors. Text from outside (payloads, errors,
  metadata) is made harmless for a terminal; JSON has it in full.
- **\`-o text|json|jsonl|none\`** (\`--json\` for short): text for people, one document, one line for each item, only the exit code. JSON
  shows times as milliseconds since 1970 (\`…AtMs\`) and numbers with every digit that they came with; \`--time iso|relative\` is for text.
- **Where it connects**: a flag goes before a variable, that before the config file, that before the default. \`errand config show\` says
  what holds and why, \`errand config reference\` lists all settings. Secrets are no flags: use variables or files.
- **Ctrl-C** ends what waits with 130, and changes nothing on the server side; a second one ends the process at once. What serves (worker,
  reaper, console, dev) and is asked to stop ends with 0.
- **A reader that leaves** (\`| head\`) ends what only looks, with 0. What changes something goes on, and ends with its own exit code.

| exit code | means |
|---|---|
| 0 | ok |
| 1 | failed |
| 2 | wrong usage; nothing was done |
| 3 | not found |
| 4 | conflict, or a precondition does not hold |
| 5 | a broker or Redis cannot be reached |
| 6 | partly done |
| 7 | \`doctor\` found problems |
| 124 | a timeout passed |
| 130 | interrupted |`

/** All commands as Markdown. */
export function cliReference(specs: readonly CommandSpec[]): string {
  const sections = COMMAND_SECTIONS.flatMap(section => {
    const members = specs.filter(spec => spec.section === section)
    return members.length === 0 ? [] : [`## ${section}`, ...members.map(commandText)]
  })
  return `${[INTRODUCTION, ...sections, '## Settings as flags', settingsText()].join('\n\n')}\n`
}

function commandText(spec: CommandSpec): string {
  const { name, summary, description, answers, exits, examples = [], settings = [] } = spec
  const given = (spec.arguments ?? []).map(({ name: argument }) => ` ${argument}`).join('')
  const parts = [
    `### errand ${name}`,
    `${capital(summary)}.`,
    `\`\`\`sh\nerrand ${name}${given}${(spec.options ?? []).length > 0 ? ' [options]' : ''}\n\`\`\``,
    ...(description === undefined ? [] : [paragraphs(description)]),
    ...tableOf(spec),
    ...outputText(spec),
    ...(settings.length === 0
      ? []
      : [`Takes settings as flags: ${settings.map(each => `[${each}](#${each})`).join(', ')}.`]),
    ...(answers === undefined ? [] : [`**JSON.** ${answers}`]),
    ...(exits === undefined ? [] : [`**Exit codes.** ${exits}.`]),
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``]),
  ]
  return parts.join('\n\n')
}

function outputText(spec: CommandSpec): readonly string[] {
  const flags = commandOptions(spec).find(({ heading }) => heading === 'Output:')?.options ?? []
  return flags.length === 0 ? [] : [`Takes ${flags.map(option => `\`${option.flags}\``).join(', ')}.`]
}

/** Its arguments and its own options. */
function tableOf(spec: CommandSpec): readonly string[] {
  const own = commandOptions(spec).find(({ heading }) => heading === 'Options:')?.options ?? []
  const rows = [
    ...(spec.arguments ?? []).map(({ name, help }) => `| \`${name}\` | ${cell(help)} |`),
    ...own.map(option => `| \`${option.flags}\` | ${cell(optionHelp(option))} |`),
  ]
  return rows.length === 0 ? [] : [['| | |', '|---|---|', ...rows].join('\n')]
}

function optionHelp({ description, argChoices }: Option): string {
  return argChoices === undefined
    ? description
    : `${description}: ${argChoices.map(choice => `\`${choice}\``).join(', ')}`
}

function settingsText(): string {
  const common = 'Every command takes `--config <file>`, `--profile <name>`, `--verbose` and `--help`.'
  const groups = (Object.keys(SETTING_GROUPS) as SettingGroup[]).map(group => {
    const rows = settingsOf(group).flatMap(({ flag, env, value, help, isSwitch, shownDefault }) => {
      if (flag === undefined) return []
      const shown = isSwitch === true ? `--${flag}\`, \`--no-${flag}` : `--${flag} <${value ?? 'value'}>`
      return [`| \`${shown}\` | \`${env}\` | ${cell(shownDefault ?? '–')} | ${cell(help)} |`]
    })
    return [`### ${group}`, ['| flag | variable | default | |', '|---|---|---|---|', ...rows].join('\n')].join('\n\n')
  })
  return [common, ...groups].join('\n\n')
}

/** Indented lines of a description are an example. */
function paragraphs(text: string): string {
  return text
    .replaceAll(/(?:^|\n)((?: +.*(?:\n|$))+)/g, (_, block: string) => `\n\n\`\`\`text\n${block.trimEnd()}\n\`\`\`\n\n`)
    .trim()
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
