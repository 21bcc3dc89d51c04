// `errand dev`: everything in one process, in memory, to try things and to see what an activity does. Nothing to install.

import { Client } from '../../client/client.ts'
import type { Console } from '../../console/index.ts'
import type { ActivityEvent, EventGap } from '../../storage/storage.ts'
import { MemoryStorage } from '../../storage/memory/index.ts'
import type { Invocation } from '../command.ts'
import { defineCommand } from '../command.ts'
import { DEMO_ACTIVITIES, enqueueDemo, registerDemo } from '../dev/demo.ts'
import { doTypedLines } from '../dev/typed-lines.ts'
import { plain } from '../output/table.ts'
import { loadRegister } from '../service/handler-module.ts'
import { operationsPart } from '../service/operations-part.ts'
import { runService } from '../service/service.ts'
import type { ServicePart } from '../service/service.ts'
import { packageVersion } from '../version.ts'
import { isLoopback } from './console.ts'
import { workerOptions, workerPart } from './worker.ts'

/** The command. */
export const devCommand = defineCommand({
  name: 'dev',
  summary: 'try it: storage in memory, a worker, demo activities and the console in one process',
  description: `What happens to activities is written to stdout, one event a line; what you type is enqueued.
MEMORY FORGETS: when this process ends, everything in it is gone. Needs neither Kafka nor Redis.`,
  section: 'Begin',
  settings: ['worker', 'http', 'log'],
  hasOutput: true,
  answers: 'A line for each event: `{ id, activityType, type, attempt, atMs, worker, error, dueAtMs }`.',
  examples: ['errand dev', 'errand dev --import ./worker.ts', 'echo \'greet {"name":"Ada"}\' | errand dev -o jsonl'],
  async run(call) {
    const { config, terminal } = call
    const isDemo = config.worker.import === undefined
    const register = config.worker.import === undefined ? registerDemo : await loadRegister(config.worker.import)
    const { createConsole } = await import('../../console/index.ts')
    let pages: Console | undefined
    return runService(call, {
      name: 'errand-dev',
      openStorage: () => Promise.resolve(new MemoryStorage()),
      // Without a token, so only for who sits here.
      pages: () => (isLoopback(config.http.host) ? pages?.handler : undefined),
      parts: async context => {
        const client = new Client({ storage: context.storage, logger: context.logger })
        const work = await workerPart(context, register, workerOptions(config))
        const { storage, logger } = context
        const made = createConsole({ storage, logger, version: packageVersion(), environment: { name: 'memory' } })
        pages = made
        return [work, operationsPart(context), closing(made), watching(call, client, context.signal, isDemo)]
      },
      onRunning: (_, address) => {
        terminal.err(`MEMORY FORGETS: everything is gone when this ends (Ctrl-C).\n`)
        if (address !== undefined)
          terminal.err(`Console: ${address}/ · probes and figures: ${address}/readyz ${address}/metrics\n`)
        const types = isDemo ? ` Types: ${DEMO_ACTIVITIES.map(({ type }) => type).join(', ')}.` : ''
        terminal.err(`Type an activity and Enter, such as: greet {"name":"Ada"}.${types}\n`)
      },
    })
  },
})

/** Ends the console's streams, which would hold up the end. */
function closing(pages: Console): ServicePart {
  return {
    start: () => Promise.resolve(),
    stop: async () => {
      await pages.close()
      return { remaining: 0 }
    },
  }
}

/** Shows what happens, enqueues what is typed. */
function watching(call: Invocation, client: Client, signal: AbortSignal, isDemo: boolean): ServicePart {
  const ending = new AbortController()
  const until = AbortSignal.any([signal, ending.signal])
  let work: Promise<unknown> = Promise.resolve()
  return {
    start: async () => {
      work = Promise.allSettled([
        showEvents(call, client, until),
        doTypedLines(client, call.terminal, until).catch((error: unknown) => {
          if (!until.aborted) throw error
        }),
      ])
      if (isDemo) await enqueueDemo(client)
    },
    stop: async () => {
      ending.abort()
      await work
      return { remaining: 0 }
    },
  }
}

async function showEvents({ output }: Invocation, client: Client, signal: AbortSignal): Promise<void> {
  for await (const event of client.events({ signal })) await output.line(event, () => eventText(event))
}

function eventText(event: ActivityEvent | EventGap): string {
  const time = new Date(event.atMs).toISOString().slice(11, 23)
  if (event.type === 'gap') return `${time} (something was missed here)`
  const error = event.error === null || event.error === undefined ? '' : `: ${plain(event.error.message)}`
  return `${time} ${event.activityType} ${event.id} ${event.type} (attempt ${event.attempt})${error}`
}
