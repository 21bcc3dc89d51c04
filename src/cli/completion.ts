// Scripts that complete commands, options and their values in a shell. Made from the commands, and static: completing asks
// neither this program nor a server.

import type { Option } from 'commander'
import type { CommandSpec } from './command.ts'
import { commandOptions } from './command-options.ts'

/** Shells that a script can be made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number]

interface Flag {
  readonly names: readonly string[]
  readonly help: string
  /** True: a value follows. */
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

interface Known {
  /** Such as `dlq list`. */
  readonly name: string
  readonly summary: string
  readonly flags: readonly Flag[]
  /** Values of its first argument, where they are few. */
  readonly words: readonly string[]
}

const HELP: Flag = { names: ['-h', '--help'], help: 'say what there is', takesValue: false, choices: [] }

/** The script for a shell. */
export function completionScript(shell: Shell, specs: readonly CommandSpec[]): string {
  const commands = specs.map(knownOf)
  switch (shell) {
    case 'bash':
      return bashScript(commands)
    case 'zsh':
      return zshScript(commands)
    case 'fish':
      return fishScript(commands)
  }
}

function knownOf(spec: CommandSpec): Known {
  const options = commandOptions(spec).flatMap(group => group.options)
  return {
    name: spec.name,
    summary: spec.summary,
    flags: [...options.map(flagOf), HELP],
    words: spec.arguments?.[0]?.choices ?? [],
  }
}

function flagOf(option: Option): Flag {
  const names = [option.short, option.long].filter(name => name !== undefined)
  // A value that may be left out is none to wait for.
  return { names, help: option.description, takesValue: option.required, choices: option.argChoices ?? [] }
}

/** The first words, each once, in the order of the help. */
function firstWords(commands: readonly Known[]): readonly string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]
}

/** The words below a group. */
function secondWords(commands: readonly Known[], first: string): readonly Known[] {
  return commands.filter(({ name }) => name.startsWith(`${first} `))
}

function groupsOf(commands: readonly Known[]): readonly string[] {
  return firstWords(commands).filter(first => secondWords(commands, first).length > 0)
}

function bashScript(commands: readonly Known[]): string {
  const groups = groupsOf(commands)
  const subcommands = groups.map(
    group =>
      `    ${group}) words="${secondWords(commands, group)
        .map(({ name }) => name.split(' ')[1])
        .join(' ')}" ;;`,
  )
  return `# Completion of errand for bash: errand completion bash > /etc/bash_completion.d/errand
_errand() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" words="" first=2
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...firstWords(commands), 'help', '--help', '--version'].join(' ')}" -- "$cur"))
    return
  fi
  case "$command" in
    ${groups.join('|') || "''"}) command="$command \${COMP_WORDS[2]}"; first=3 ;;
  esac
  if [ "$COMP_CWORD" -lt "$first" ]; then
    case "\${COMP_WORDS[1]}" in
${subcommands.join('\n')}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case "$command" in
${commands.map(bashCase).join('\n')}
  esac
  if [ -z "$words" ]; then return; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _errand errand
`
}

function bashCase({ name, flags, words }: Known): string {
  const valued = flags.filter(({ takesValue }) => takesValue)
  const chosen = valued.filter(({ choices }) => choices.length > 0)
  const free = valued.filter(({ choices }) => choices.length === 0)
  const cases = [
    ...chosen.map(({ names, choices }) => `        ${names.join('|')}) words="${choices.join(' ')}" ;;`),
    // A value that is anything: files are offered.
    ...(free.length === 0 ? [] : [`        ${free.flatMap(({ names }) => names).join('|')}) return ;;`]),
    `        *) case "$cur" in -*) words="${flags.flatMap(({ names }) => names).join(' ')}" ;; *) words="${words.join(' ')}" ;; esac ;;`,
  ]
  return `    ${JSON.stringify(name)})\n      case "$prev" in\n${cases.join('\n')}\n      esac ;;`
}

function zshScript(commands: readonly Known[]): string {
  const groups = groupsOf(commands)
  const plainOnes = commands.filter(({ name }) => !name.includes(' '))
  const described = [
    ...plainOnes.map(({ name, summary }) => `    ${zshText(`${name}:${summary}`)}`),
    ...groups.map(
      group =>
        `    ${zshText(
          `${group}:${secondWords(commands, group)
            .map(each => each.name.split(' ')[1])
            .join(', ')}`,
        )}`,
    ),
  ]
  return `#compdef errand
# Completion of errand for zsh: errand completion zsh > "\${fpath[1]}/_errand"
_errand() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="$words[2]"
  shift words; (( CURRENT-- ))
  case "$command" in
${groups.map(group => zshGroup(group, secondWords(commands, group))).join('\n')}
${plainOnes.map(known => `    ${known.name}) ${zshArguments(known)} ;;`).join('\n')}
  esac
}
_errand "$@"
`
}

function zshGroup(group: string, members: readonly Known[]): string {
  const described = members.map(({ name, summary }) => zshText(`${name.split(' ')[1]}:${summary}`)).join(' ')
  const cases = members.map(known => `        ${known.name.split(' ')[1]}) ${zshArguments(known)} ;;`)
  return `    ${group})
      commands=(${described})
      if (( CURRENT == 2 )); then _describe command commands; return; fi
      command="$words[2]"
      shift words; (( CURRENT-- ))
      case "$command" in
${cases.join('\n')}
      esac ;;`
}

function zshArguments({ flags, words }: Known): string {
  const specs = flags.flatMap(({ names, help, takesValue, choices }) =>
    names.map(name => {
      const value = choices.length > 0 ? `:value:(${choices.join(' ')})` : takesValue ? ':value:_files' : ''
      return zshText(`*${name}[${help.replaceAll(/[[\]:\\]/g, one => `\\${one}`)}]${value}`)
    }),
  )
  const rest = words.length > 0 ? `'*:argument:(${words.join(' ')})'` : `'*:argument:_files'`
  return `_arguments ${[...specs, rest].join(' ')}`
}

function fishScript(commands: readonly Known[]): string {
  const lines = ['# Completion of errand for fish: errand completion fish > ~/.config/fish/completions/errand.fish']
  const groups = groupsOf(commands)
  const say = (condition: string, rest: string): number =>
    lines.push(`complete -c errand -n ${shellText(condition)} ${rest}`)
  for (const first of firstWords(commands)) {
    const summary =
      commands.find(({ name }) => name === first)?.summary ??
      secondWords(commands, first)
        .map(each => each.name)
        .join(', ')
    say('__fish_use_subcommand', `-f -a ${first} -d ${shellText(summary)}`)
  }
  for (const group of groups) {
    const members = secondWords(commands, group)
    const names = members.map(({ name }) => name.split(' ')[1] ?? '')
    const isOpen = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${names.join(' ')}`
    for (const { name, summary } of members) say(isOpen, `-f -a ${name.split(' ')[1]} -d ${shellText(summary)}`)
  }
  for (const { name, flags, words } of commands) {
    const seen = name.split(' ').map(word => `__fish_seen_subcommand_from ${word}`)
    // `list` is a command, and so is `dlq list`.
    const isAlone = name.includes(' ') || groups.length === 0
    const isThere = [...seen, ...(isAlone ? [] : [`not __fish_seen_subcommand_from ${groups.join(' ')}`])].join(
      '; and ',
    )
    for (const flag of flags) say(isThere, fishFlag(flag))
    if (words.length > 0) say(isThere, `-f -a ${shellText(words.join(' '))}`)
  }
  return `${lines.join('\n')}\n`
}

function fishFlag({ names, help, takesValue, choices }: Flag): string {
  const flags = names.map(name => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  const value = choices.length > 0 ? ` -x -a ${shellText(choices.join(' '))}` : takesValue ? ' -r' : ''
  return `${flags.join(' ')}${value} -d ${shellText(help)}`
}

/** Text that a shell leaves alone. */
function shellText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** zsh knows no escape inside single quotes. */
function zshText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
