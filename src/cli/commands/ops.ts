// `errand ops list|show|attach|cancel`: bulk work that was started, by whomever.

import { Client } from '../../client/client.ts'
import { isErrandError } from '../../core/errors.ts'
import { LIMITS, OPERATION_LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import type { OperationHead } from '../../operations/operation-progress.ts'
import type { OperationState, OperationView } from '../../operations/watch-operation.ts'
import { hasEnded, listOperations, readOperation } from '../../operations/watch-operation.ts'
import { attachTo, progressText } from '../bulk.ts'
import { defineCommand } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { openStorage } from '../open-storage.ts'
import { wholeNumber } from '../option-values.ts'
import type { Output } from '../output/output.ts'
import type { Style } from '../output/style.ts'
import type { Column } from '../output/table.ts'
import { oneLine, pairsText, plain } from '../output/table.ts'

const DEFAULT_LIMIT = 20
const VIEW = `\`{ id, state, head: { kind, filter, max, ratePerSecond, reason, requestedBy, expected }, found, done, already, failed, failures: [{ id,
code, message, atMs }], left, perSecond, requestedAtMs, startedAtMs, updatedAtMs, endedAtMs, worker, error }\``

/** `errand ops list`. */
export const opsListCommand = defineCommand<{ readonly limit?: number }>({
  name: 'ops list',
  summary: 'bulk work, that which was busy last first',
  description: 'What has ended is shown for seven days.',
  section: 'Bulk work',
  options: [
    {
      flags: '--limit <n>',
      help: `at most so many (${DEFAULT_LIMIT})`,
      parse: wholeNumber('--limit', 1, LIMITS.pageItemsMax),
    },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ items: [operation] }\`, each as \`ops show\` shows it.`,
  async run(call, { limit = DEFAULT_LIMIT }) {
    const { output } = call
    await using storage = await openStorage(call)
    const views = await listOperations(storage, { limit })
    await output.items(views, { columns: columnsOf(output), empty: 'There is no bulk work.' })
    return EXIT_CODES.ok
  },
})

function columnsOf(output: Output): readonly Column<OperationView>[] {
  return [
    { head: 'ID', text: ({ id }) => id },
    { head: 'KIND', text: ({ head }) => head.kind },
    { head: 'STATE', text: ({ state }) => state, paint: (text, { state }) => stateText(text, state, output.style) },
    { head: 'DONE', text: ({ done }) => number(done), isNumber: true },
    { head: 'FAILED', text: ({ failed }) => number(failed), isNumber: true },
    { head: 'LEFT', text: ({ left }) => (left === null ? '–' : number(left)), isNumber: true },
    { head: 'REQUESTED', text: ({ requestedAtMs }) => output.time(requestedAtMs) },
    { head: 'BY', text: ({ head }) => head.requestedBy ?? '–' },
    { head: 'WHAT', text: ({ head }) => filterText(head, output) },
  ]
}

/** `errand ops show`. */
export const opsShowCommand = defineCommand({
  name: 'ops show',
  summary: 'how far bulk work is, what was asked for, and what failed',
  section: 'Bulk work',
  arguments: [{ name: '<id>', help: 'id of the operation' }],
  settings: ['servers'],
  hasOutput: true,
  answers: VIEW,
  exits: 'no such operation: 3',
  async run(call) {
    const { args, output } = call
    const id = checkId(args[0])
    await using storage = await openStorage(call)
    const view = await readOperation(storage, id)
    await output.document(view, () => viewText(view, output))
    return EXIT_CODES.ok
  },
})

/** `errand ops attach`. */
export const opsAttachCommand = defineCommand({
  name: 'ops attach',
  summary: 'show how far bulk work is until it ends',
  description: 'Ctrl-C leaves; the work goes on.',
  section: 'Bulk work',
  arguments: [{ name: '<id>', help: 'id of the operation' }],
  settings: ['servers'],
  hasOutput: true,
  answers: VIEW,
  exits: 'some failed, or it was cancelled: 6 · it failed, or all did: 1 · Ctrl-C while it goes on: 130',
  async run(call) {
    const id = checkId(call.args[0])
    await using storage = await openStorage(call)
    return await attachTo(call, storage, id)
  },
})

/** `errand ops cancel`. */
export const opsCancelCommand = defineCommand<{ readonly reason?: string }>({
  name: 'ops cancel',
  summary: 'end bulk work; what it has done stays done',
  section: 'Bulk work',
  arguments: [{ name: '<id>', help: 'id of the operation' }],
  options: [{ flags: '--reason <text>', help: 'why, for people' }],
  settings: ['servers'],
  goesOnUnheard: true,
  hasOutput: true,
  answers: '`{ id, outcome: "cancelled" | "cancel_requested" | "already_ended" }`',
  exits: 'it had ended: 4',
  async run(call, { reason }) {
    const { args, output } = call
    const id = checkId(args[0])
    await using storage = await openStorage(call)
    const view = await readOperation(storage, id) // else any activity could be cancelled here
    const outcome = hasEnded(view) ? 'already_ended' : await cancelled(new Client({ storage }), id, reason)
    const said = { cancelled: 'is cancelled', cancel_requested: 'is asked to end', already_ended: 'had ended already' }
    await output.document({ id, outcome }, () => `${id} ${said[outcome]}`)
    return outcome === 'already_ended' ? EXIT_CODES.conflict : EXIT_CODES.ok
  },
})

async function cancelled(
  client: Client,
  id: string,
  reason: string | undefined,
): Promise<'cancelled' | 'cancel_requested' | 'already_ended'> {
  try {
    return (await client.cancel(id, { reason })).outcome
  } catch (error) {
    if (isErrandError(error, 'not_found')) return 'already_ended' // so long ago that only its progress is left
    throw error
  }
}

function viewText(view: OperationView, output: Output): string {
  const { style } = output
  const { head, failures, worker, error } = view
  const text = (value: string | null): string | undefined => (value === null ? undefined : plain(value))
  const time = (atMs: number | null): string | undefined => (atMs === null ? undefined : output.time(atMs))
  const fields = pairsText(
    [
      ['what', `${head.kind} ${oneLine(filterText(head, output))}`],
      ['rate', `${head.ratePerSecond}/s at most`],
      ['reason', text(head.reason)],
      ['requested by', text(head.requestedBy)],
      ['requested', time(view.requestedAtMs)],
      ['begun', time(view.startedAtMs)],
      ['ended', time(view.endedAtMs)],
      ['worker', text(worker)],
      ['last trouble', error === null ? undefined : oneLine(error)],
    ],
    style,
  )
  const parts = [`${style.bold(plain(view.id))} ${progressText(view)}`, fields]
  if (failures.length > 0) {
    const lines = failures.map(each => oneLine(`${each.id}: ${each.message}`))
    const which =
      failures.length < view.failed ? `the latest ${failures.length} of ${number(view.failed)} failures` : 'failures'
    parts.push(`${style.dim(which)}\n${lines.join('\n')}`)
  }
  return parts.join('\n\n')
}

/** What an operation is over, in words. */
function filterText({ filter, max }: OperationHead, output: Output): string {
  const { type, fingerprint, statuses, ids, afterMs, beforeMs } = filter
  if (ids !== null) return `${number(ids)} by their ids`
  return [
    statuses.join('|'),
    ...(type === null ? [] : [`of ${type}`]),
    ...(fingerprint === null ? [] : [`of group ${fingerprint}`]),
    ...(afterMs === null ? [] : [`from ${output.time(afterMs)}`]),
    ...(beforeMs === null ? [] : [`until ${output.time(beforeMs)}`]),
    ...(max === OPERATION_LIMITS.itemsMax ? [] : [`${number(max)} at most`]),
  ].join(' ')
}

function stateText(text: string, state: OperationState, style: Style): string {
  if (state === 'completed') return style.green(text)
  if (state === 'failed') return style.red(text)
  return state === 'running' ? style.cyan(text) : text
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
