// Command lines of `errand` in texts (pages, sources, help), and what about them the commands do not know.

import type { SaidCommand } from './cli-commands.ts'

/** What every command takes beside what it says of itself. */
const EVERYWHERE = ['--help', '--version']
/** What a text leaves open, such as `${type}`. */
const HOLE = '…'

/** What is wrong with the command lines of a text: a command or an option that is not there. */
export function wrongLines(text: string, commands: readonly SaidCommand[]): readonly string[] {
  const groups = new Set(commands.flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')[0] ?? ''] : [])))
  return linesOf(text).flatMap(({ line, isQuoted }) => {
    const [first = '', second = ''] = line.split(/\s+/).slice(1)
    const command =
      commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)
    const isPart = first === '' || first === 'help' || groups.has(first) || /^[-<[]/.test(first) || first.includes(HOLE)
    // In the midst of a sentence it is no command line but a name.
    if (command === undefined && !isPart) return isQuoted ? [`${line}: there is no such command`] : []
    const known = new Set([...EVERYWHERE, ...(command?.flags ?? []), ...(command?.settingFlags ?? [])])
    const strange = [...line.matchAll(/(?<=\s)--[a-z][a-z-]*/g)].map(([flag]) => flag).filter(flag => !known.has(flag))
    // Of a command that the text leaves open nothing is known.
    if (command === undefined && (first.includes(HOLE) || /^[<[]/.test(first))) return []
    return strange.map(flag => `${line}: there is no ${flag}`)
  })
}

interface FoundLine {
  readonly line: string
  /** It begins a quotation or a line: it is meant as one. */
  readonly isQuoted: boolean
}

/** Each ends where its quotation does, with its line, or with the command of a pipe. */
function linesOf(text: string): readonly FoundLine[] {
  const joined = text
    .replaceAll(/\\\n\s*/g, ' ')
    .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, HOLE)
    .replaceAll('\\`', '`')
  return [...joined.matchAll(/(^|[\s`'"(])errand (?=[a-z<[…-])/gm)].map(match => {
    const [whole, before = ''] = match
    const from = match.index + before.length
    const rest = joined.slice(match.index + whole.length)
    // A quoted argument may hold what else would be the end.
    const [body = ''] = /^(?:(?<=\s)(?:'[^'\n]*'|"[^"\n]*")|[^\n`'"|;&)#])*/.exec(rest) ?? []
    const lineStart = joined.lastIndexOf('\n', from - 1) + 1
    const isQuoted = /[`'"]/.test(before) || joined.slice(lineStart, from).trim() === ''
    return { line: `errand ${body}`.trim(), isQuoted }
  })
}
