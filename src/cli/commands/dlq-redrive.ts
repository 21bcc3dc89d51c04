// `errand dlq redrive`: enqueues dead letters anew, those that are named at once, those that a filter matches by an operation.

import { Client } from '../../client/client.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { fromUnknown } from '../../core/errors.ts'
import { checkId } from '../../core/names.ts'
import { STATUSES_OF } from '../../operations/operation.ts'
import type { BulkOptions } from '../bulk.ts'
import { BULK_OPTIONS, runBulk } from '../bulk.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import type { DeadLetterFilter } from '../dead-letters.ts'
import { DEAD_LETTER_FILTER } from '../dead-letters.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { endOfNone, endOfSeveral, sayUnknown } from '../looked-up.ts'
import { openStorage } from '../open-storage.ts'
import { plain } from '../output/table.ts'

interface Options extends BulkOptions, DeadLetterFilter {
  readonly status?: (typeof STATUSES_OF.redrive)[number]
  readonly all?: boolean
}

/** What became of one that was named. */
interface Redriven {
  readonly id: string
  readonly redrivenAs: string | null
  readonly error: string | null
}

/** The command. */
export const dlqRedriveCommand = defineCommand<Options>({
  name: 'dlq redrive',
  summary: 'enqueue dead letters anew',
  description: `Each becomes a new activity with the same payload and policy; the old one stays as it is and names the new one. Redriving one
twice gives the same activity. By ids: at once (with --detach, or to look with --dry-run: as by a filter). By a filter: first the count
and three samples, then the question, then an operation that runs where a reaper runs: Ctrl-C leaves it going, and \`errand ops attach\`
shows how far it is. What dies meanwhile is left alone.`,
  section: 'Dead letters',
  arguments: [{ name: '[id...]', help: 'ids of dead letters' }],
  options: [
    ...DEAD_LETTER_FILTER,
    { flags: '--status <status>', help: 'others that have ended (dead_letter)', choices: STATUSES_OF.redrive },
    { flags: '--all', help: 'every one' },
    { flags: '--reason <text>', help: 'why, for people' },
    ...BULK_OPTIONS,
  ],
  settings: ['servers'],
  goesOnUnheard: true,
  hasOutput: true,
  isTraced: true,
  answers: `By ids: \`{ items: [{ id, redrivenAs, error }] }\`. By a filter: the operation, as \`ops show\` shows it; with --detach \`{ id }\`; with
--dry-run \`{ kind, count, isExact, already, lookedAt, samples }\`.`,
  exits: `by ids: none is known: 3 · none can be redriven: 4 (Kafka or Redis away: 5) · some: 6. By a filter: some failed, or it was cancelled: 6 · the answer is no: 1 · a
question and nobody to answer: 2 · Ctrl-C while it goes on: 130`,
  examples: [
    'errand dlq redrive --fingerprint 5c0f3a9be1d24a77 --dry-run',
    'errand dlq redrive --type send-invoice --after 2h --rate 20/s --reason "printer mended" --yes',
  ],
  async run(call, options) {
    const { type, fingerprint, status, after: afterMs, before: beforeMs, all } = options
    const filter = { type, fingerprint, status, afterMs, beforeMs, all }
    const isFiltered = Object.values(filter).some(value => value !== undefined)
    if (isFiltered === call.args.length > 0) {
      const way = 'name dead letters by their ids, or by a filter (--type, --fingerprint, --after, --before, --all).'
      throw usage(way, 'ids')
    }
    const ids = [...new Set(call.args.map(id => checkId(id)))]
    await using storage = await openStorage(call)
    if (isFiltered) return await runBulk(call, storage, { kind: 'redrive', filter }, options)
    if (options.dryRun === true || options.detach === true) {
      return await runBulk(call, storage, { kind: 'redrive', filter: { ids } }, options)
    }
    return await redriveIds(call, new Client({ storage, logger: call.logger }), ids, options.reason)
  },
})

/** Redrives one after the other; one that cannot be is told, and the rest goes on. Ctrl-C ends it before the next. */
export async function redriveIds(
  call: Pick<Invocation, 'output' | 'terminal' | 'config'>,
  client: Pick<Client, 'redrive'>,
  ids: readonly string[],
  reason: string | undefined,
): Promise<ExitCode> {
  const { output, terminal } = call
  const ends: Redriven[] = []
  const codes: ErrorCode[] = []
  for (const id of ids) {
    if (terminal.signal.aborted) break
    const end = await client.redrive(id, { reason }).then(
      (again): Redriven => ({ id, redrivenAs: again.id, error: null }),
      (thrown: unknown): Redriven => {
        const error = fromUnknown(thrown, 'internal')
        if (error.code === 'not_found') sayUnknown(call, id)
        else terminal.err(`${id}: ${plain(error.message)}\n`)
        codes.push(error.code)
        return { id, redrivenAs: null, error: error.code }
      },
    )
    ends.push(end)
    if (output.format === 'jsonl' || (output.format === 'text' && end.redrivenAs !== null)) {
      await output.line(end, () => `${id} is enqueued anew as ${end.redrivenAs ?? ''}`)
    }
  }
  if (output.format === 'json') await output.items(ends, { columns: [], empty: '' })
  if (ends.length < ids.length) return EXIT_CODES.interrupted
  return endOfSeveral(ids.length, ends.filter(({ redrivenAs }) => redrivenAs !== null).length, endOfNone(codes))
}
