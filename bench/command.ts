// The command line of the benchmarks, checked before anything is started.

import { parseArgs } from 'node:util'

const MODES = ['throughput', 'latency', 'smoke'] as const
const STORAGES = ['kafka', 'memory'] as const

/** One call of `npm run bench`. */
export interface BenchCommand {
  readonly mode: (typeof MODES)[number] | 'help'
  readonly storage: (typeof STORAGES)[number]
  readonly isJson: boolean
  /** Length of each measurement. */
  readonly seconds: number
}

/** Wrong arguments, worded for the person at the keyboard. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The text of `npm run bench -- --help`. */
export const USAGE = `Measures Errand on this machine. bench/README.md says what the figures mean.

  npm run bench -- throughput    enqueues and no-op runs per second, and how they compare with plain Kafka produce
  npm run bench -- latency       from enqueue to the start of the handler, at 100 and 200 activities per second
  npm run bench -- smoke         both for a moment: shows that they work; its figures mean nothing

  --storage kafka|memory   (default kafka, started if need be)
  --seconds N              length of each measurement, 0.1 to 600 (default 10; throughput 5)
  --json                   the figures as one JSON document
`

const SECONDS = { throughput: 5, latency: 10, smoke: 0.5, help: 0 } as const

/** Reads the arguments. Throws {@link UsageError} that names what is wrong. */
export function parseBenchCommand(args: readonly string[]): BenchCommand {
  const { values, positionals } = parsed(args)
  const [word, ...rest] = positionals
  const mode = values.help === true ? 'help' : MODES.find(each => each === word)
  if (mode === undefined || rest.length > 0) {
    throw new UsageError(`say one of: ${MODES.join(', ')} (got ${JSON.stringify(positionals.join(' '))})`)
  }
  const storage = STORAGES.find(each => each === (values.storage ?? 'kafka'))
  if (storage === undefined)
    throw new UsageError(`--storage is ${JSON.stringify(values.storage)}; use ${STORAGES.join(', ')}`)
  const seconds = values.seconds === undefined ? SECONDS[mode] : Number(values.seconds)
  if (mode !== 'help' && !(seconds >= 0.1 && seconds <= 600)) {
    throw new UsageError(`--seconds is ${JSON.stringify(values.seconds)}; it must be a number from 0.1 to 600`)
  }
  return { mode, storage, isJson: values.json ?? false, seconds }
}

interface Values {
  readonly storage?: string | undefined
  readonly seconds?: string | undefined
  readonly json?: boolean | undefined
  readonly help?: boolean | undefined
}

function parsed(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        storage: { type: 'string' },
        seconds: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
