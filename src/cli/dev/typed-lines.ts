// What is typed into `errand dev`: a type and a payload enqueue an activity, an id shows it.

import { createInterface } from 'node:readline'
import type { Client } from '../../client/client.ts'
import { defineActivity } from '../../client/define-activity.ts'
import { saidBy } from '../../core/errors.ts'
import { anything } from '../pass-through.ts'
import type { Terminal } from '../terminal.ts'

const HELP =
  'Type an activity: <type> [payload as JSON], such as: greet {"name":"Ada"}\nOr: get <id> · cancel <id> · stats\n'

/** Does what is typed, line by line, until the signal aborts or stdin ends. */
export async function doTypedLines(client: Client, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const lines = createInterface({ input: terminal.stdin, signal, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    if (line.trim() === '') continue
    try {
      terminal.err(`${await answer(client, line.trim())}\n`)
    } catch (error) {
      terminal.err(`${saidBy(error)}\n${HELP}`)
    }
  }
}

async function answer(client: Client, line: string): Promise<string> {
  const at = line.search(/\s/)
  const [word, rest] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at).trim()]
  if (word === 'help') return HELP.trimEnd()
  if (word === 'stats') return JSON.stringify(await client.inspect.stats(), null, 2)
  if (word === 'get') return JSON.stringify(await client.inspect.get(rest), null, 2)
  if (word === 'cancel') return (await client.cancel(rest)).outcome
  const definition = defineActivity({ type: word, input: anything, output: anything })
  const handle = await client.enqueue(definition, rest === '' ? {} : (JSON.parse(rest) as unknown))
  return `enqueued ${handle.id}`
}
