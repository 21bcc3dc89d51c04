// The command line of the example: what was asked, checked before anything is started.

import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { checkNamespace } from '../../src/core/names.ts'
import { Refusal } from './refusal.ts'

const STORAGES = ['auto', 'kafka', 'memory'] as const

/** One call of `npm start`. */
export interface Command {
  readonly isHelp: boolean
  readonly file: string
  /** `auto`: Kafka and Redis where they can be had, else memory. */
  readonly storage: (typeof STORAGES)[number]
  readonly namespace: string | undefined
  /** Shows the console afterwards. */
  readonly hasConsole: boolean
}

/** The orders that are shipped. */
const SHIPPED_FILE = join(dirname(fileURLToPath(import.meta.url)), 'orders.jsonl')

/** The text of `npm start -- --help`. */
export const USAGE = `Runs a file of orders through the queue and checks that every activity ended as it should.

  npm start                             Kafka and Redis, started if need be; the orders that are shipped
  npm start -- --storage memory         the same in one process, in seconds, with nothing to start
  npm start -- --console                shows what became of them in a browser, where dead ones can be mended and retried
  npm start -- --file my.jsonl          your orders, one JSON object on each line (examples/orders/order.ts)

  --file PATH          the orders (default examples/orders/orders.jsonl)
  --storage WHERE      auto | kafka | memory (default auto: Kafka where it can be had, else memory)
  --namespace NAME     prefix of all topics and keys (default: a new one for each run)
  --console            serve the console on this machine afterwards, until Ctrl-C
  --help               this text

ERRAND_KAFKA_BROKERS and ERRAND_REDIS_URL, where set, say which Kafka and Redis to use.
Exit codes: 0 all adds up · 1 it does not, or did not come to an end · 2 wrong arguments or file · 130 interrupted
`

/** Reads the arguments. Throws {@link Refusal} that names what is wrong. */
export function parseCommand(args: readonly string[]): Command {
  const { file, storage = 'auto', namespace, console: hasConsole = false, help = false } = parsed(args)
  const known = STORAGES.find(each => each === storage)
  if (known === undefined) throw new Refusal(`--storage is ${JSON.stringify(storage)}; use ${STORAGES.join(', ')}`)
  if (file === '') throw new Refusal('--file is empty; it must be a path')
  return {
    isHelp: help,
    file: file === undefined ? SHIPPED_FILE : resolve(callerDir(), file),
    storage: known,
    namespace: checked(namespace),
    hasConsole,
  }
}

/** npm runs scripts at the root of the repository; a path is meant from where it was typed. */
function callerDir(): string {
  return process.env['INIT_CWD'] ?? '.'
}

function parsed(args: readonly string[]): {
  file?: string
  storage?: string
  namespace?: string
  console?: boolean
  help?: boolean
} {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        file: text,
        storage: text,
        namespace: text,
        console: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : String(error)}\nSee: npm start -- --help`)
  }
}

function checked(namespace: string | undefined): string | undefined {
  try {
    return namespace === undefined ? undefined : checkNamespace(namespace)
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error))
  }
}
