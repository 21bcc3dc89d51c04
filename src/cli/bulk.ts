// Commands that act on everything a filter matches: first the count and three samples, then the question, then an operation that
// runs on the server side, watched until it ends or until Ctrl-C lets it go on alone.

import { hostname, userInfo } from 'node:os'
import { isErrandError } from '../core/errors.ts'
import { OPERATION_LIMITS } from '../core/limits.ts'
import { clipUtf8 } from '../core/text.ts'
import type { OperationKind, OperationSpec } from '../operations/operation.ts'
import { OPERATION_TYPE } from '../operations/operation.ts'
import type { Item } from '../operations/operation-items.ts'
import type { OperationPreview } from '../operations/preview-operation.ts'
import { previewOperation } from '../operations/preview-operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { OperationView } from '../operations/watch-operation.ts'
import { hasEnded } from '../operations/watch-operation.ts'
import type { Storage } from '../storage/storage.ts'
import { failureWord } from './activity-text.ts'
import type { Invocation, OptionSpec } from './command.ts'
import { usage } from './command.ts'
import type { AskOptions } from './confirm.ts'
import { confirm } from './confirm.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { withWayToTopics } from './missing-topics.ts'
import { rateValue, wholeNumber } from './option-values.ts'
import { barText, ProgressLine } from './output/progress-line.ts'
import { oneLine, plain } from './output/table.ts'
import { watchPatiently } from './patient-watch.ts'

/** Values of {@link BULK_OPTIONS}. */
export interface BulkOptions extends AskOptions {
  readonly dryRun?: boolean
  readonly max?: number
  readonly rate?: number
  readonly reason?: string
  readonly wait?: boolean
  readonly detach?: boolean
}

/** Options of every command that acts on many. */
export const BULK_OPTIONS: readonly OptionSpec[] = [
  { flags: '--yes', help: 'do not ask' },
  { flags: '--no-input', help: 'never ask: a question is an error' },
  { flags: '--dry-run', help: 'count and show samples only' },
  { flags: '--max <n>', help: 'so many at most', parse: wholeNumber('--max', 1, OPERATION_LIMITS.itemsMax) },
  {
    flags: '--rate <rate>',
    help: 'how fast, such as 50/s or 30/m (50/s)',
    parse: rateValue('--rate', ...OPERATION_LIMITS.ratePerSecond),
  },
  { flags: '--wait', help: 'show how far it is until it ends (this is so unless --detach)' },
  { flags: '--detach', help: 'start it and leave; `errand ops attach <id>` shows how far it is' },
]

const DONE: Readonly<Record<OperationKind, string>> = {
  cancel: 'cancelled',
  redrive: 'enqueued anew',
  discard: 'discarded',
}
const ALREADY: Readonly<Record<OperationKind, string>> = {
  cancel: 'had ended already',
  redrive: 'redriven before',
  discard: 'redriven or discarded before',
}

/** Previews, asks, starts and watches an operation. Throws `invalid_argument` for a filter that is wrong, or nobody to ask. */
export async function runBulk(
  call: Invocation,
  storage: Storage,
  { kind, filter }: Pick<OperationSpec, 'kind' | 'filter'>,
  options: BulkOptions,
): Promise<ExitCode> {
  if (options.wait === true && options.detach === true) throw usage('give --wait or --detach, not both.', '--detach')
  const { output, terminal } = call
  const { max, rate: ratePerSecond, reason } = options
  const spec: OperationSpec = { kind, filter, max, ratePerSecond, reason, requestedBy: whoAsks() }
  const preview = await previewOperation({ storage, spec, signal: terminal.signal })
  terminal.err(previewText(kind, preview))
  if (options.dryRun === true || (preview.count === 0 && preview.isExact)) {
    await output.document({ kind, ...preview }, () => countText(preview))
    return EXIT_CODES.ok
  }
  if (!(await confirm(terminal, `Shall ${countText(preview)} be ${DONE[kind]}?`, options))) {
    terminal.err('Nothing was done.\n')
    return EXIT_CODES.failed
  }
  const expected = preview.isExact ? preview.count : undefined
  const { id } = await startOperation({ storage, spec: { ...spec, expected }, logger: call.logger }).catch(
    (error: unknown) => {
      throw withWayToTopics(error, { namespace: call.config.namespace, type: OPERATION_TYPE })
    },
  )
  await sayIfUnserved(call, storage)
  if (options.detach !== true) {
    terminal.err(`Started as ${id}.\n`)
    return attachTo(call, storage, id)
  }
  sayHowToAttach(call, id)
  await output.document({ id }, () => id)
  return EXIT_CODES.ok
}

/** Shows how far an operation is until it ends; Ctrl-C lets it go on alone. Throws `not_found`. */
export async function attachTo(
  call: Pick<Invocation, 'output' | 'terminal'>,
  storage: Storage,
  id: string,
): Promise<ExitCode> {
  const { output, terminal } = call
  const display = new ProgressLine(terminal)
  let last: OperationView | undefined
  try {
    const onAway = (why: string): void => {
      display.end()
      terminal.err(`It cannot be looked at just now; looking again: ${plain(why)}\n`)
    }
    for await (const view of watchPatiently({ storage, id, signal: terminal.signal, onAway })) {
      last = view
      display.show(view.state, progressText(view), hasEnded(view))
    }
  } catch (error) {
    display.end()
    if (!isErrandError(error, 'not_found')) sayHowToAttach(call, id)
    throw error
  } finally {
    display.end()
  }
  if (last === undefined || !hasEnded(last)) {
    sayHowToAttach(call, id)
    return EXIT_CODES.interrupted
  }
  const view = last
  for (const failure of view.failures) terminal.err(`${plain(failure.id)}: ${plain(failure.message)}\n`)
  await output.document(view, () => endText(view))
  return endOf(view)
}

function sayHowToAttach({ terminal }: Pick<Invocation, 'terminal'>, id: string): void {
  terminal.err(`It goes on without you: \`errand ops attach ${id}\` shows how far it is.\n`)
}

function endOf({ state, failed, done }: OperationView): ExitCode {
  if (state === 'failed') return EXIT_CODES.failed
  if (state === 'cancelled' || (failed > 0 && done > 0)) return EXIT_CODES.partly
  return failed > 0 ? EXIT_CODES.failed : EXIT_CODES.ok
}

/** How an operation stands, in a line. */
export function progressText({ state, head, done, already, failed, left, perSecond }: OperationView): string {
  const total = left === null ? null : done + already + failed + left
  const bar = total === null ? '' : `${barText(done + already + failed, total)}  `
  const speed = perSecond === null ? '' : `, ${perSecond.toFixed(1)} a second`
  return `${bar}${state}: ${number(done)} ${DONE[head.kind]}${others(head.kind, already, failed)}${speed}`
}

function endText({ state, head, done, already, failed, error }: OperationView): string {
  const how = state === 'completed' ? '' : ` It ${state === 'failed' ? 'failed' : 'was cancelled'}.`
  const why = state === 'failed' && error !== null ? ` ${oneLine(error)}` : ''
  return `${number(done)} ${DONE[head.kind]}${others(head.kind, already, failed)}.${how}${why}`
}

function others(kind: OperationKind, already: number, failed: number): string {
  const told = already === 0 ? '' : `, ${number(already)} ${ALREADY[kind]}`
  return failed === 0 ? told : `${told}, ${number(failed)} failed`
}

function previewText(kind: OperationKind, preview: OperationPreview): string {
  const { already, samples, isExact, lookedAt } = preview
  const more = already === 0 ? '' : `; ${number(already)} more were ${ALREADY[kind]}`
  const bound = isExact ? '' : ` (${number(lookedAt)} were looked at; there may be more)`
  const lines = samples.map(sample => `  ${sampleText(sample)}\n`)
  return `${countText(preview)} to be ${DONE[kind]}${more}${bound}${lines.length === 0 ? '.' : ', such as'}\n${lines.join('')}`
}

function sampleText({ id, type, status, error }: Item): string {
  const why = error === null ? '' : `: ${failureWord(error)}`
  return oneLine(`${id} ${type ?? 'unknown'} ${status ?? 'not remembered'}${why}`)
}

function countText({ count, isExact }: OperationPreview): string {
  const activities = count === 1 ? 'activity' : 'activities'
  return `${isExact ? '' : 'at least '}${number(count)} ${activities}`
}

/** Else it would seem to hang. */
async function sayIfUnserved({ terminal }: Invocation, storage: Storage): Promise<void> {
  const lanes = await storage.laneFigures().catch(() => []) // only for a hint
  const members = lanes.find(({ type }) => type === OPERATION_TYPE)?.consumers
  if (members === 0) terminal.err('Queued; nobody serves it: start `errand reaper`.\n')
}

function whoAsks(): string {
  return clipUtf8(`${userName()}@${hostname()}`, OPERATION_LIMITS.requestedByBytesMax)
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown' // a container's user without a name
  }
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
