// The command line of the benchmarks, checked before anything is started.

import { parseArgs } from 'node:util'
import { PEERS, type PeerName } from './peers.ts'
import { RESULTS_DIR } from './results.ts'
import { THROUGHPUT_PARTS, type ThroughputPart } from './throughput.ts'

/** What can be measured. */
export const MODES = ['throughput', 'latency', 'backlog', 'scale', 'soak', 'smoke'] as const
const STORAGES = ['kafka', 'memory'] as const

/** One of {@link MODES}. */
export type Mode = (typeof MODES)[number]

/** One call of `npm run bench`. */
export interface BenchCommand {
  readonly mode: Mode
  readonly storage: (typeof STORAGES)[number]
  readonly isJson: boolean
  /** Length of each measurement. */
  readonly seconds: number
  readonly rounds: number
  /** Measured beside Errand; undefined leaves it to the mode. */
  readonly peers: readonly PeerName[] | undefined
  /** Parts of the throughput. */
  readonly parts: readonly ThroughputPart[]
  /** Handlers at once in a run of the throughput; each is measured. */
  readonly concurrencies: readonly number[]
  /** Waiting in the backlog. */
  readonly activities: number
  readonly resultsDir: string
}

/** Wrong arguments, worded for the person at the keyboard. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The text of `npm run bench -- --help`. */
export const USAGE = `Measures Errand on this machine. bench/README.md says what the figures mean.

  npm run bench -- throughput    enqueues and no-op runs per second, beside peers
  npm run bench -- latency       from enqueue to the start of the handler, at 100 and 200 activities per second, beside peers
  npm run bench -- backlog       what a million waiting activities cost, and what passes them; an hour's at the head of a partition
  npm run bench -- scale         1, 2 and 4 workers; what idle ones cost
  npm run bench -- soak          whether anything grows
  npm run bench -- smoke         each of them for a moment: shows that they work; its figures mean nothing

  --peers A,B|none         of ${PEERS.join(', ')} (default: throughput and latency kafkajs; smoke those that are installed)
  --rounds N               1 to 20, of throughput and latency (default 3)
  --seconds N              length of each measurement, 0.1 to 3600 (default 10; throughput 5; soak 600)
  --only A,B               parts of the throughput: ${THROUGHPUT_PARTS.join(', ')}
  --concurrency N,M        of the runs of the throughput, 1 to 1000 each (default 100,500)
  --activities N           waiting in the backlog, 1000 to 10000000 (default 1000000)
  --storage kafka|memory   (default kafka, started if need be)
  --json                   the figures as one JSON document
  --results DIR            where each run is kept (default bench/results)
`

const SECONDS: Record<Mode, number> = { throughput: 5, latency: 10, backlog: 10, scale: 10, soak: 600, smoke: 0.5 }
const ROUNDS: Record<Mode, number> = { throughput: 3, latency: 3, backlog: 1, scale: 1, soak: 1, smoke: 1 }
/** What can be measured of several subjects, and so on memory. */
const COMPARED: readonly Mode[] = ['throughput', 'latency', 'smoke']
/** Options that not every mode has. */
const BELONGS_TO: readonly (readonly ['peers' | 'rounds' | 'only' | 'concurrency' | 'activities', readonly Mode[]])[] =
  [
    ['peers', COMPARED],
    ['rounds', COMPARED],
    ['only', ['throughput', 'smoke']],
    ['concurrency', ['throughput', 'smoke']],
    ['activities', ['backlog']],
  ]

/** Reads the arguments. Throws {@link UsageError} that names what is wrong. */
export function parseBenchCommand(args: readonly string[]): BenchCommand | 'help' {
  const { values, positionals } = parsed(args)
  if (values.help === true) return 'help'
  const [word, ...rest] = positionals
  const mode = MODES.find(each => each === word)
  if (mode === undefined || rest.length > 0) {
    throw new UsageError(`say one of: ${MODES.join(', ')} (got ${JSON.stringify(positionals.join(' '))})`)
  }
  const storage = listOf('storage', values.storage ?? 'kafka', STORAGES)[0] ?? 'kafka'
  const peers = peersOf(values.peers)
  if (storage === 'memory' && (!COMPARED.includes(mode) || (peers ?? []).length > 0)) {
    throw new UsageError(`--storage memory has ${COMPARED.join(', ')}, and no --peers: they are compared on servers`)
  }
  for (const [name, modes] of BELONGS_TO) {
    if (values[name] === undefined || modes.includes(mode)) continue
    throw new UsageError(`--${name} belongs to ${modes.join(', ')}; it changes nothing for ${mode}`)
  }
  return {
    mode,
    storage,
    isJson: values.json ?? false,
    seconds: numberOf('seconds', values.seconds, { byDefault: SECONDS[mode], min: 0.1, max: 3_600 }),
    rounds: wholeOf('rounds', values.rounds, { byDefault: ROUNDS[mode], min: 1, max: 20 }),
    peers,
    parts: values.only === undefined ? THROUGHPUT_PARTS : listOf('only', values.only, THROUGHPUT_PARTS),
    concurrencies: concurrenciesOf(values.concurrency ?? (mode === 'smoke' ? '100' : '100,500')),
    activities: wholeOf('activities', values.activities, { byDefault: 1_000_000, min: 1_000, max: 10_000_000 }),
    resultsDir: values.results ?? RESULTS_DIR,
  }
}

interface Range {
  readonly byDefault: number
  readonly min: number
  readonly max: number
}

function numberOf(name: string, text: string | undefined, { byDefault, min, max }: Range): number {
  const value = text === undefined ? byDefault : Number(text)
  if (text?.trim() !== '' && value >= min && value <= max) return value
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; it must be a number from ${min} to ${max}`)
}

function wholeOf(name: string, text: string | undefined, range: Range): number {
  const value = numberOf(name, text, range)
  if (Number.isInteger(value)) return value
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; it must be a whole number`)
}

/** Each once. */
function concurrenciesOf(text: string): readonly number[] {
  const numbers = text.split(',').map(each => wholeOf('concurrency', each, { byDefault: 100, min: 1, max: 1_000 }))
  return [...new Set(numbers)]
}

function peersOf(text: string | undefined): readonly PeerName[] | undefined {
  if (text === undefined) return undefined
  return text === 'none' ? [] : listOf('peers', text, PEERS)
}

/** The words of a comma-separated list, each of which must be known; in the order of the known ones, none twice. */
function listOf<T extends string>(name: string, text: string, known: readonly T[]): readonly T[] {
  const words = text.split(',')
  const unknown = words.find(word => !known.some(each => each === word))
  if (unknown === undefined) return known.filter(each => words.includes(each))
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; use ${known.join(', ')}`)
}

const OPTIONS = {
  storage: { type: 'string' },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  peers: { type: 'string' },
  only: { type: 'string' },
  concurrency: { type: 'string' },
  activities: { type: 'string' },
  results: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

function parsed(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
