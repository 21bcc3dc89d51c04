// What every command of `errand` shares: where its output goes, how it ends, where the servers are.

import { parseArgs } from 'node:util'
import { ErrandError } from '../core/errors.ts'
import { parseDuration } from './duration.ts'

/** What the process ends with. 130: stopped by a signal, as shells say it. */
export const EXIT_CODES = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const
/** One of {@link EXIT_CODES}. */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

/** The process as a command sees it. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal
  /** Writes to stdout, for programs. */
  out(text: string): void
  /** Writes to stderr, for people. */
  err(text: string): void
  /** True when stderr is a terminal: its last line can be drawn anew. */
  readonly isInteractive: boolean
}

/** One command. */
export interface Command {
  /** One line. */
  readonly summary: string
  /** All of its help. */
  readonly help: string
  run(args: readonly string[], terminal: Terminal): Promise<ExitCode>
}

/** Options that say where the servers are, with the variables that stand in for them. */
export const SERVER_OPTIONS = {
  namespace: { type: 'string' },
  brokers: { type: 'string' },
  redis: { type: 'string' },
  'marker-life': { type: 'string' },
  'result-life': { type: 'string' },
  'key-life': { type: 'string' },
} as const

/** Their help. */
export const SERVER_HELP = `  --namespace <name>      the namespace            ERRAND_NAMESPACE
  --brokers <host:port>   Kafka, several with ,    ERRAND_KAFKA_BROKERS
  --redis <url>           redis:// or rediss://    ERRAND_REDIS_URL
  --marker-life <1h>      as the workers have it   ERRAND_MARKER_LIFE
  --result-life <24h>     as the workers have it   ERRAND_RESULT_LIFE
  --key-life <24h>        as the workers have it   ERRAND_KEY_LIFE`

type ServerValues = { readonly [Name in keyof typeof SERVER_OPTIONS]?: string | undefined }

/** Where the servers are. Throws `invalid_argument` naming everything that is missing. */
export function serversFrom(
  values: ServerValues,
  env: Terminal['env'],
): {
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly retention: { readonly markerMs?: number; readonly resultMs?: number; readonly keyMs?: number }
} {
  const given = (value: string | undefined, variable: string): string | undefined =>
    value ?? (env[variable] || undefined)
  const namespace = given(values.namespace, 'ERRAND_NAMESPACE')
  const brokers = given(values.brokers, 'ERRAND_KAFKA_BROKERS')
  const redisUrl = given(values.redis, 'ERRAND_REDIS_URL')
  const missing = [
    ...(namespace === undefined ? ['--namespace (or ERRAND_NAMESPACE)'] : []),
    ...(brokers === undefined ? ['--brokers (or ERRAND_KAFKA_BROKERS)'] : []),
    ...(redisUrl === undefined ? ['--redis (or ERRAND_REDIS_URL)'] : []),
  ]
  if (namespace === undefined || brokers === undefined || redisUrl === undefined) {
    throw new ErrandError('invalid_argument', `${missing.join(' and ')} must be given.`)
  }
  const life = (option: keyof ServerValues, variable: string): number | undefined => {
    const text = given(values[option], variable)
    return text === undefined ? undefined : parseDuration(`--${option}`, text)
  }
  const markerMs = life('marker-life', 'ERRAND_MARKER_LIFE')
  const resultMs = life('result-life', 'ERRAND_RESULT_LIFE')
  const keyMs = life('key-life', 'ERRAND_KEY_LIFE')
  return {
    namespace,
    brokers: brokers.split(',').map(broker => broker.trim()),
    redisUrl,
    retention: {
      ...(markerMs === undefined ? {} : { markerMs }),
      ...(resultMs === undefined ? {} : { resultMs }),
      ...(keyMs === undefined ? {} : { keyMs }),
    },
  }
}

/** `parseArgs`, whose complaints are about usage. Throws `invalid_argument`. */
export const parseOptions: typeof parseArgs = config => {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new ErrandError('invalid_argument', error instanceof Error ? error.message : String(error), { cause: error })
  }
}
