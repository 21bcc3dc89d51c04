// Commands that act on dead letters: on those that are named at once, on those that a filter matches by an operation.

import { Client } from '../client/client.ts'
import type { ErrorCode } from '../core/errors.ts'
import { fromUnknown } from '../core/errors.ts'
import { checkId } from '../core/names.ts'
import type { OperationSpec } from '../operations/operation.ts'
import type { BulkOptions } from './bulk.ts'
import { BULK_OPTIONS, runBulk } from './bulk.ts'
import type { Invocation, OptionSpec } from './command.ts'
import { usage } from './command.ts'
import type { DeadLetterFilter } from './dead-letters.ts'
import { DEAD_LETTER_FILTER } from './dead-letters.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { endOfNone, endOfSeveral, sayUnknown } from './looked-up.ts'
import { openStorage } from './open-storage.ts'
import { plain } from './output/table.ts'

/** Values of the options of {@link deadLetterActOptions}. */
export interface DeadLetterActOptions extends BulkOptions, DeadLetterFilter {
  readonly status?: NonNullable<OperationSpec['filter']['status']>
  readonly all?: boolean
}

/** The options of such a command, with its own among them. */
export function deadLetterActOptions(...own: readonly OptionSpec[]): readonly OptionSpec[] {
  return [
    ...DEAD_LETTER_FILTER,
    ...own,
    { flags: '--all', help: 'every one' },
    { flags: '--reason <text>', help: 'why, for people' },
    ...BULK_OPTIONS,
  ]
}

/** What follows "By a filter" in what such a command answers, and how it then ends. */
export const BULK_ANSWERS = `By a filter: the operation, as \`ops show\` shows it; with --detach \`{ id }\`; with
--dry-run \`{ kind, count, isExact, already, lookedAt, samples }\`.`
export const BULK_EXITS = `By a filter: some failed, or it was cancelled: 6 · the answer is no: 1 · a
question and nobody to answer: 2 · Ctrl-C while it goes on: 130`

/** What is done to each that is named. */
export interface DeadLetterAct<End extends object> {
  readonly kind: OperationSpec['kind']
  readonly act: (client: Client, id: string, options: { readonly reason: string | undefined }) => Promise<End>
  /** What is answered of one that it could not be done to. */
  readonly undone: End
  /** What became of one, in words. */
  readonly said: (id: string, end: End) => string
}

/** Runs such a command. Throws `invalid_argument` where neither ids nor a filter are given, or both. */
export async function actOnDeadLetters<End extends object>(
  call: Invocation,
  options: DeadLetterActOptions,
  act: DeadLetterAct<End>,
): Promise<ExitCode> {
  const { kind } = act
  const { type, fingerprint, status, after: afterMs, before: beforeMs, all } = options
  const filter = { type, fingerprint, status, afterMs, beforeMs, all }
  const isFiltered = Object.values(filter).some(value => value !== undefined)
  if (isFiltered === call.args.length > 0) {
    const way = 'name dead letters by their ids, or by a filter (--type, --fingerprint, --after, --before, --all).'
    throw usage(way, 'ids')
  }
  const ids = [...new Set(call.args.map(id => checkId(id)))]
  await using storage = await openStorage(call)
  if (isFiltered) return await runBulk(call, storage, { kind, filter }, options)
  if (options.dryRun === true || options.detach === true) {
    return await runBulk(call, storage, { kind, filter: { ids } }, options)
  }
  return await actOnIds(
    call,
    { client: new Client({ storage, logger: call.logger }), ids, reason: options.reason },
    act,
  )
}

/** Dead letters that are named. */
export interface Named {
  readonly client: Client
  readonly ids: readonly string[]
  readonly reason: string | undefined
}

/** Acts on one after the other; one that it cannot be done to is told, and the rest goes on. Ctrl-C ends it before the next. */
export async function actOnIds<End extends object>(
  call: Pick<Invocation, 'output' | 'terminal' | 'config'>,
  { client, ids, reason }: Named,
  { act, undone, said }: Omit<DeadLetterAct<End>, 'kind'>,
): Promise<ExitCode> {
  const { output, terminal } = call
  const ends: (End & { readonly id: string; readonly error: string | null })[] = []
  const codes: ErrorCode[] = []
  for (const id of ids) {
    if (terminal.signal.aborted) break
    const end = await act(client, id, { reason }).then(
      done => ({ id, ...done, error: null }),
      (thrown: unknown) => {
        const error = fromUnknown(thrown, 'internal')
        if (error.code === 'not_found') sayUnknown(call, id)
        else terminal.err(`${id}: ${plain(error.message)}\n`)
        codes.push(error.code)
        return { id, ...undone, error: error.code }
      },
    )
    ends.push(end)
    if (output.format === 'jsonl' || (output.format === 'text' && end.error === null)) {
      await output.line(end, () => said(id, end))
    }
  }
  if (output.format === 'json') await output.items(ends, { columns: [], empty: '' })
  if (ends.length < ids.length) return EXIT_CODES.interrupted
  return endOfSeveral(ids.length, ends.filter(({ error }) => error === null).length, endOfNone(codes))
}
