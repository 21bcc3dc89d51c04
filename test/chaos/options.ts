// The command line of `npm run chaos`, as a pure function.

import { parseArgs } from 'node:util'

/** What a run is to be. */
export interface ChaosOptions {
  /** How long faults are injected under load. @defaultValue 90 */
  readonly seconds: number
  /** @defaultValue drawn, and printed: with it the same faults come in the same order */
  readonly seed: number
  /** @defaultValue 1 */
  readonly brokers: 1 | 3
  /** Activities a second. @defaultValue 50 */
  readonly rate: number
  /** Names of faults to draw from; null: all that this machine can have. */
  readonly faults: readonly string[] | null
  /** Where the evidence goes; null: a folder in `.errand/chaos`. */
  readonly out: string | null
  /** Judge the evidence of an earlier run again, and inject nothing. */
  readonly judge: string | null
  readonly isJson: boolean
  readonly isHelp: boolean
}

/** The text of `npm run chaos -- --help`. */
export const USAGE = `Load and faults against a Kafka and a Redis of its own; then every promise is checked.

  npm run chaos -- --seconds 90 --seed 7
  npm run chaos -- --seconds 600 --brokers 3
  npm run chaos -- --judge DIR     judge the evidence of an earlier run again

  --seconds N      how long faults are injected (20 to 86,400; default 90)
  --seed N         the same faults in the same order (default: drawn, and printed)
  --brokers 1|3    (default 1); with 3: replication 3, two in sync
  --rate N         activities a second (1 to 1,000; default 50)
  --faults A,B     draw from these only; names as they are in the report
  --out DIR        where the evidence goes (default .errand/chaos/<time>-<seed>)
  --json           the report as JSON on stdout

Exit code: 0 nothing was lost · 1 a promise was broken · 2 wrong usage · 3 invalid: the faults did not really happen ·
130 interrupted
`

/** A command line that is not understood. */
export class UsageError extends Error {}

/** Reads the arguments. Throws {@link UsageError} that names what is not understood. */
export function parseOptions(args: readonly string[], drawSeed: () => number): ChaosOptions {
  const values = parsed(args)
  const brokers = integerOf('brokers', values.brokers, 1, 1, 3)
  if (brokers === 2) throw new UsageError('--brokers is 2; it must be 1 or 3')
  return {
    seconds: integerOf('seconds', values.seconds, 90, 20, 86_400),
    seed: integerOf('seed', values.seed, drawSeed(), 0, 2 ** 32 - 1),
    brokers: brokers === 3 ? 3 : 1,
    rate: integerOf('rate', values.rate, 50, 1, 1_000),
    faults: values.faults?.split(',').map(name => name.trim()) ?? null,
    out: values.out ?? null,
    judge: values.judge ?? null,
    isJson: values.json ?? false,
    isHelp: values.help ?? false,
  }
}

type Values = Partial<Record<'brokers' | 'seconds' | 'seed' | 'rate' | 'faults' | 'out' | 'judge', string>> & {
  readonly json?: boolean
  readonly help?: boolean
}

function parsed(args: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        brokers: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        rate: { type: 'string' },
        faults: { type: 'string' },
        out: { type: 'string' },
        judge: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function integerOf(name: string, text: string | undefined, otherwise: number, low: number, high: number): number {
  if (text === undefined) return otherwise
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= low && value <= high) return value
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; it must be a whole number from ${low} to ${high}`)
}
