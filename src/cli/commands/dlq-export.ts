// `errand dlq export`: dead letters with their payloads, a line of JSON each, for another system, or to keep them longer than
// Kafka does.

import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { saidBy } from '../../core/errors.ts'
import { OPERATION_LIMITS } from '../../core/limits.ts'
import type { DeadLetterSummary, Storage } from '../../storage/storage.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import type { DeadLetterFilter } from '../dead-letters.ts'
import { DEAD_LETTER_FILTER, INCLUDE_DISCARDED, deadLetterPages } from '../dead-letters.ts'
import { parseExact } from '../../core/exact-json.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { openStorage } from '../open-storage.ts'
import { wholeNumber } from '../option-values.ts'
import { Output } from '../output/output.ts'
import { ProgressLine } from '../output/progress-line.ts'

interface Options extends DeadLetterFilter {
  readonly includeDiscarded?: boolean
  readonly out?: string
  readonly max?: number
}

/** Takes what is a line each. */
type Sink = (letter: object) => Promise<void>

/** The command. */
export const dlqExportCommand = defineCommand<Options>({
  name: 'dlq export',
  summary: 'dead letters with their payloads, as lines of JSON',
  description: 'Newest first, to stdout or into a file, which is there in whole or not at all.',
  section: 'Dead letters',
  options: [
    ...DEAD_LETTER_FILTER,
    INCLUDE_DISCARDED,
    { flags: '--max <n>', help: 'so many at most', parse: wholeNumber('--max', 1, OPERATION_LIMITS.itemsMax) },
    { flags: '--out <file>', help: 'into this file; one that is there is replaced' },
  ],
  settings: ['servers'],
  answers: `Lines of \`{ id, type, …, error, fingerprint, redrivenAs, discarded, payload, metadata, key, parentId, redriveOf, failures }\`; every digit of a payload is kept.`,
  exits: 'the file cannot be written: 2',
  examples: [
    'errand dlq export --type send-invoice --out dead.ndjson',
    `errand dlq export | jq -c '{payload: .payload}' | errand enqueue send-invoice -`,
  ],
  async run(call, { out, max = OPERATION_LIMITS.itemsMax, includeDiscarded = false, ...filter }) {
    await using storage = await openStorage(call)
    const write = (sink: Sink): Promise<ExitCode> => exportTo(call, storage, { filter, includeDiscarded, max, sink })
    const lines = new Output(call.terminal, 'jsonl', 'iso')
    // Awaited, or the storage would be closed under it.
    return await (out === undefined ? write(letter => lines.line(letter, () => '')) : intoFile(out, write))
  },
})

interface ExportParams {
  readonly filter: DeadLetterFilter
  readonly includeDiscarded: boolean
  readonly max: number
  readonly sink: Sink
}

async function exportTo(
  call: Invocation,
  storage: Storage,
  { filter, includeDiscarded, max, sink }: ExportParams,
): Promise<ExitCode> {
  const { terminal } = call
  const display = new ProgressLine(terminal)
  const wanted = { filter, includeDiscarded, cursor: null, limit: max, signal: terminal.signal, withActivity: true }
  let written = 0
  try {
    for await (const { items } of deadLetterPages(storage, wanted)) {
      for (const letter of items) await sink(shownOf(letter))
      written += items.length
      display.show('export', `${written.toLocaleString('en-US')} exported`)
    }
  } finally {
    display.end()
  }
  terminal.err(`${written.toLocaleString('en-US')} dead letters exported.\n`)
  return EXIT_CODES.ok
}

/** A dead letter with what went in. */
function shownOf({ activity, ...letter }: DeadLetterSummary): object {
  if (activity === undefined) return letter
  const { payloadJson, metadata, key, parentId, redriveOf, failures } = activity
  const payload = parseExact(payloadJson)
  return { ...letter, payload, metadata, key: key?.key ?? null, parentId, redriveOf, failures }
}

/** Beside it first: whoever reads it finds all of it, or what was there before. */
async function intoFile(path: string, write: (sink: Sink) => Promise<ExitCode>): Promise<ExitCode> {
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`
  const file = await open(partial, 'wx').catch((error: unknown) => {
    throw usage(`--out ${path} cannot be written: ${saidBy(error)}.`, '--out')
  })
  try {
    const code = await write(letter => file.appendFile(`${JSON.stringify(letter)}\n`))
    await file.close()
    await rename(partial, path)
    return code
  } catch (error) {
    await file.close()
    await rm(partial, { force: true })
    throw error
  }
}
