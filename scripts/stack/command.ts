// The command line of `npm run stack`, as pure functions: what was asked, and what is printed.

import { parseArgs } from 'node:util'
import type { BrokerCount } from './local.ts'
import type { PartStatus, Stack } from './stack.ts'
import { StackError } from './stack-error.ts'

/** What `npm run stack` can do. */
export const VERBS = ['up', 'down', 'status', 'env'] as const

/** One call of `npm run stack`. */
export interface StackCommand {
  readonly verb: (typeof VERBS)[number] | 'help'
  readonly brokers: BrokerCount | undefined
  readonly dataDir: string | undefined
  readonly isJson: boolean
  readonly keepsData: boolean
}

/** The text of `npm run stack -- --help`. */
export const USAGE = `A Kafka and a Redis to work with.

  npm run stack -- up       start what is missing, wait until both answer, print the variables
  npm run stack -- env      print the variables:  eval "$(npm run --silent stack -- env)"
  npm run stack -- status   say what is up, where, and its pid; exit code 1 if something is not
  npm run stack -- down     end what \`up\` started and remove its data

  --brokers 1|3     brokers of a new stack (up; default 1)
  --keep            keep data and ports for the next \`up\` (down)
  --json            JSON instead of text
  --data-dir DIR    another stack than the one in .errand/stack

ERRAND_KAFKA_BROKERS and ERRAND_REDIS_URL, where set, are used instead of starting anything; else a Docker engine where
one answers; else processes of this machine (Java 17 and Maven for Kafka).
`

/** Reads the arguments behind `stack`. Throws `StackError` that names what is not understood. */
export function parseCommand(args: readonly string[]): StackCommand {
  const { values, positionals } = parsed(args)
  const [verb, ...rest] = positionals
  if (values.help === true || verb === 'help') return commandOf('help', values)
  if (rest.length > 0) throw new StackError(`unexpected ${JSON.stringify(rest[0])} after ${JSON.stringify(verb)}`)
  const known = VERBS.find(each => each === verb)
  if (known !== undefined) return commandOf(known, values)
  throw new StackError(
    `${verb === undefined ? 'no verb' : `unknown verb ${JSON.stringify(verb)}`}; use one of: ${VERBS.join(', ')}`,
  )
}

/** The variables as a shell reads them. */
export function environmentText(stack: Pick<Stack, 'kafkaBrokers' | 'redisUrl'>): string {
  const variables = stackEnvironment(stack)
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`)
    .join('')
}

/** The two variables by which every program of Errand finds the stack. */
export function stackEnvironment(stack: Pick<Stack, 'kafkaBrokers' | 'redisUrl'>): Record<string, string> {
  return { ERRAND_KAFKA_BROKERS: stack.kafkaBrokers.join(','), ERRAND_REDIS_URL: stack.redisUrl }
}

/** One line for every part. */
export function statusText(parts: readonly PartStatus[]): string {
  if (parts.length === 0) return 'nothing is up; start it with: npm run stack -- up\n'
  const rows = parts.map(({ part, address, pid, answers }) => [
    part,
    address,
    pid === null ? '-' : `pid ${pid}`,
    answers ? 'answers' : 'does not answer',
  ])
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('')
}

interface ParsedValues {
  readonly brokers?: string | undefined
  readonly 'data-dir'?: string | undefined
  readonly json?: boolean | undefined
  readonly keep?: boolean | undefined
  readonly help?: boolean | undefined
}

function parsed(args: readonly string[]): { values: ParsedValues; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        brokers: { type: 'string' },
        'data-dir': { type: 'string' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new StackError(error instanceof Error ? error.message : String(error))
  }
}

function commandOf(verb: StackCommand['verb'], values: ParsedValues): StackCommand {
  return {
    verb,
    brokers: brokerCountOf(values.brokers),
    dataDir: values['data-dir'],
    isJson: values.json ?? false,
    keepsData: values.keep ?? false,
  }
}

function brokerCountOf(text: string | undefined): BrokerCount | undefined {
  if (text === undefined) return undefined
  if (text === '1') return 1
  if (text === '3') return 3
  throw new StackError(`--brokers is ${JSON.stringify(text)}; it must be 1 or 3`)
}

/** As it is where a shell takes it so, else in single quotes: a password may hold anything. */
function shellQuoted(value: string): string {
  return /^[\w.,:/@-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`
}
