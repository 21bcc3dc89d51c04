// `errand cancel`: ends activities that wait, asks those that run to end.

import { Client } from '../../client/client.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { fromUnknown } from '../../core/errors.ts'
import { checkId } from '../../core/names.ts'
import { STATUSES_OF } from '../../operations/operation.ts'
import type { CancelAnswer } from '../../storage/storage.ts'
import type { BulkOptions } from '../bulk.ts'
import { BULK_OPTIONS, runBulk } from '../bulk.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { endOfNone, endOfSeveral, sayUnknown } from '../looked-up.ts'
import { openStorage } from '../open-storage.ts'
import { timeOrAgo, typeValue } from '../option-values.ts'
import { plain } from '../output/table.ts'

interface Options extends BulkOptions {
  readonly type?: string
  readonly status?: (typeof STATUSES_OF.cancel)[number]
  readonly after?: number
  readonly before?: number
  readonly all?: boolean
}

interface Cancelled {
  readonly id: string
  readonly outcome: CancelAnswer['outcome'] | 'not_found' | 'failed'
  /** Why it failed, where it did. */
  readonly error?: ErrorCode
}

const SAID: Readonly<Record<Cancelled['outcome'], string>> = {
  cancelled: 'is cancelled',
  cancel_requested: 'runs, and is asked to end',
  already_ended: 'had ended already',
  not_found: 'is not known',
  failed: 'could not be cancelled',
}

/** The command. */
export const cancelCommand = defineCommand<Options>({
  name: 'cancel',
  summary: 'end activities that wait, ask those that run to end',
  description: `By ids: at once. By a filter: first the count and three samples, then the question, then an operation that runs where a reaper
runs: Ctrl-C leaves it going, and \`errand ops attach\` shows how far it is. What is enqueued meanwhile is left alone.`,
  section: 'Activities',
  arguments: [{ name: '[id...]', help: 'ids of activities' }],
  options: [
    { flags: '--type <type>', help: 'all of this type', parse: typeValue },
    { flags: '--status <status>', help: 'all that stand so', choices: STATUSES_OF.cancel },
    {
      flags: '--after <time>',
      help: 'created then or later: a time, or how long ago, such as 2h',
      parse: timeOrAgo('--after'),
    },
    { flags: '--before <time>', help: 'created earlier', parse: timeOrAgo('--before') },
    { flags: '--all', help: 'everything that waits or runs' },
    { flags: '--reason <text>', help: 'why, for people: it stands in the timeline' },
    ...BULK_OPTIONS,
  ],
  settings: ['servers'],
  goesOnUnheard: true,
  hasOutput: true,
  answers: `By ids: \`{ items: [{ id, outcome: "cancelled" | "cancel_requested" | "already_ended" | "not_found" | "failed", error? }] }\`. By a filter: the operation,
as \`ops show\` shows it; with --detach \`{ id }\`; with --dry-run \`{ kind, count, isExact, already, lookedAt, samples }\`.`,
  exits: `by ids: all had ended: 4 · none is known: 3 · none, as Kafka or Redis are away: 5 · only some could be cancelled: 6. By a filter: some failed: 6 · the answer is no: 1 · a question
and nobody to answer: 2 · Ctrl-C while it goes on: 130`,
  examples: [
    'errand cancel $ID --reason "wrong customer"',
    'errand cancel --type send-invoice --status scheduled --dry-run',
  ],
  async run(call, options) {
    const { type, status, after: afterMs, before: beforeMs, all, reason } = options
    const filter = { type, status, afterMs, beforeMs, all }
    const isFiltered = Object.values(filter).some(value => value !== undefined)
    if (isFiltered === call.args.length > 0) {
      throw usage('name activities by their ids, or by a filter (--type, --status, --after, --before, --all).', 'ids')
    }
    const ids = [...new Set(call.args.map(id => checkId(id)))]
    await using storage = await openStorage(call)
    if (!isFiltered) return await cancelIds(call, new Client({ storage }), ids, reason)
    return await runBulk(call, storage, { kind: 'cancel', filter }, options)
  },
})

/** Cancels one after the other; one that cannot be is told, and the rest goes on. Ctrl-C ends it before the next. */
export async function cancelIds(
  call: Pick<Invocation, 'output' | 'terminal' | 'config'>,
  client: Pick<Client, 'cancel'>,
  ids: readonly string[],
  reason: string | undefined,
): Promise<ExitCode> {
  const { output, terminal } = call
  const done: Cancelled[] = []
  const codes: ErrorCode[] = []
  for (const id of ids) {
    if (terminal.signal.aborted) break
    const end = await client.cancel(id, { reason }).then(
      ({ outcome }): Cancelled => ({ id, outcome }),
      (thrown: unknown): Cancelled => {
        const error = fromUnknown(thrown, 'internal')
        codes.push(error.code)
        if (error.code === 'not_found') {
          sayUnknown(call, id)
          return { id, outcome: 'not_found' }
        }
        terminal.err(`${id}: ${plain(error.message)}\n`)
        return { id, outcome: 'failed', error: error.code }
      },
    )
    done.push(end)
    if (end.outcome === 'already_ended') codes.push('conflict')
    if (
      output.format === 'jsonl' ||
      (output.format === 'text' && end.outcome !== 'not_found' && end.outcome !== 'failed')
    ) {
      await output.line(end, () => `${id} ${SAID[end.outcome]}`)
    }
  }
  if (output.format === 'json') await output.items(done, { columns: [], empty: '' })
  if (done.length < ids.length) return EXIT_CODES.interrupted
  const acted = done.filter(({ outcome }) => outcome === 'cancelled' || outcome === 'cancel_requested').length
  return endOfSeveral(ids.length, acted, endOfNone(codes))
}
