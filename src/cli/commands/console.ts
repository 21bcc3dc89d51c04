// `errand console`: the pages and the API of the console, beside the probes of its process.

import { readFileSync } from 'node:fs'
import type { Console, ConsoleDiagnosis, ConsoleOptions } from '../../console/index.ts'
import { ErrandError, saidBy } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { diagnose } from '../../doctor/diagnosis.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import { storageOptions } from '../config/storage-options.ts'
import { openStorage } from '../open-storage.ts'
import { runService } from '../service/service.ts'
import { packageVersion } from '../version.ts'

interface Options {
  readonly consoleViewTokenFile?: string
  readonly consoleActTokenFile?: string
  readonly allowHost?: readonly string[]
  readonly basePath?: string
  readonly readOnly?: boolean
  readonly traceUrl?: string
  readonly environment?: string
}

/** A look at Kafka and Redis for the pages; what is not seen by then is left out. */
const DIAGNOSIS_MS_MAX = 10_000
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** Whether only who sits at this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host)
}

/** The command. */
export const consoleCommand = defineCommand<Options>({
  name: 'console',
  summary: 'serve pages and an API to see what happens, to find activities, and to act',
  description: `On http.host and http.port, beside /livez, /readyz, /startupz and /metrics. Without a token whoever reaches it may act, so
without one it listens on loopback only. With --console-act-token-file and --console-view-token-file people sign in by a token; who
may only look sees no buttons, and is refused by the server too. It answers to localhost and to the names that --allow-host gives.
Every change is a line in the log: who, what, on what, why, with what outcome.`,
  section: 'Roles',
  settings: ['servers', 'http', 'log'],
  goesOnUnheard: true,
  options: [
    { flags: '--console-act-token-file <path>', help: 'a file with the token that may act: 16 characters or more' },
    { flags: '--console-view-token-file <path>', help: 'a file with the token that may only look' },
    { flags: '--allow-host <host>', help: 'a name by which browsers may call it; repeatable', isRepeatable: true },
    { flags: '--base-path <path>', help: 'where a proxy shows it, such as /ops/errand' },
    { flags: '--read-only', help: 'nobody may act, whatever the token' },
    { flags: '--trace-url <url>', help: 'of a trace, with {traceId} in it' },
    { flags: '--environment <name[:color]>', help: 'a badge, such as production:red' },
  ],
  examples: [
    'errand console --namespace shop --brokers localhost:9092 --redis redis://localhost:6379',
    'errand console --http-host 0.0.0.0 --console-act-token-file /run/secrets/act --allow-host errand.example.com',
  ],
  async run(call, options) {
    const { config } = call
    // Loaded late, as are Kafka and Redis: other commands need none of it.
    const { checkConsoleOptions, createConsole } = await import('../../console/index.ts')
    if (config.http.port < 0) throw usage('http.port is off; the console needs one.', 'http.port')
    const tokens = tokensOf(options)
    const settings = settingsOf(call, options, tokens)
    checkConsoleOptions(settings) // before Kafka and Redis are waited for
    if (tokens === undefined && !isLoopback(config.http.host)) {
      throw usage(
        `http.host is ${config.http.host}: other machines could act without a token. Give --console-act-token-file (or --console-view-token-file), or leave it at 127.0.0.1.`,
        'http.host',
      )
    }
    let pages: Console | undefined
    return runService(call, {
      name: 'errand-console',
      openStorage: logger => openStorage({ config, logger }),
      pages: () => pages?.handler,
      parts: async context => {
        const { storage, logger } = context
        const made = createConsole({ ...settings, storage, logger, diagnose: () => lookAround(config, logger) })
        return [
          {
            start: async () => {
              pages = made
            },
            stop: async () => {
              await made.close()
              return { remaining: 0 }
            },
          },
        ]
      },
      onRunning: (_, address) =>
        call.terminal.err(`Console: ${address ?? ''}${(options.basePath ?? '').replace(/\/$/, '')}/\n`),
    })
  },
})

interface Tokens {
  readonly view?: string
  readonly act?: string
}

type Settings = Omit<ConsoleOptions, 'storage' | 'logger' | 'diagnose'>

function settingsOf({ config }: Invocation, options: Options, token: Tokens | undefined): Settings {
  const { basePath, allowHost: allowedHosts, traceUrl, readOnly = false } = options
  return {
    ...{ version: packageVersion(), namespace: config.namespace, token, basePath, allowedHosts, traceUrl, readOnly },
    environment: environmentOf(options.environment),
  }
}

/** As `errand doctor` does. */
async function lookAround(config: Invocation['config'], logger: Logger): Promise<ConsoleDiagnosis> {
  const { gatherFacts } = await import('../../storage/kafka/index.ts')
  const { partitions: _, ...servers } = storageOptions(config, logger, false)
  const { lease: leaseMs, grace: graceMs } = config.worker
  const facts = await gatherFacts({ ...servers, leaseMs, graceMs, deadlineMs: DIAGNOSIS_MS_MAX })
  const untold = facts.unseen.filter(({ kind }) => kind === 'untold')
  return { findings: diagnose(facts), notChecked: untold.map(({ what, says }) => ({ what, why: says })), facts }
}

function tokensOf({ consoleActTokenFile, consoleViewTokenFile }: Options): Tokens | undefined {
  if (consoleActTokenFile === undefined && consoleViewTokenFile === undefined) return undefined
  return {
    ...(consoleViewTokenFile === undefined ? {} : { view: tokenIn('console-view-token-file', consoleViewTokenFile) }),
    ...(consoleActTokenFile === undefined ? {} : { act: tokenIn('console-act-token-file', consoleActTokenFile) }),
  }
}

function tokenIn(flag: string, path: string): string {
  try {
    // Editors and `echo` end files with a line break, which no token has.
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new ErrandError('configuration', `--${flag}: ${path} cannot be read (${saidBy(error)}).`, {
      details: { setting: flag },
      cause: error,
    })
  }
}

function environmentOf(given: string | undefined): { name: string; color?: string } | undefined {
  if (given === undefined) return undefined
  const [name = '', color] = given.split(':', 2)
  return { name, ...(color === undefined ? {} : { color }) }
}
