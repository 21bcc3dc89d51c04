// `errand dlq groups|list|show`: dead letters by what went wrong, one by one, and everything about one.

import { systemClock } from '../../core/clock.ts'
import type { Discard } from '../../core/discard.ts'
import { failureFingerprint } from '../../core/failure.ts'
import { CLI_LIMITS, OPERATION_LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import type { DeadLetterGroup, DeadLetterGroups } from '../../operations/dead-letter-groups.ts'
import { groupDeadLetters } from '../../operations/dead-letter-groups.ts'
import type { ActivityEvent, ActivitySnapshot, DeadLetterSummary } from '../../storage/storage.ts'
import { failureText, failureWord, stateSentence } from '../activity-text.ts'
import { defineCommand, usage } from '../command.ts'
import type { DeadLetterFilter } from '../dead-letters.ts'
import { DEAD_LETTER_FILTER, INCLUDE_DISCARDED, deadLetterPages } from '../dead-letters.ts'
import { parseExact } from '../../core/exact-json.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { sayUnknown } from '../looked-up.ts'
import { openStorage } from '../open-storage.ts'
import { typeValue, wholeNumber } from '../option-values.ts'
import type { Output } from '../output/output.ts'
import type { Column } from '../output/table.ts'
import { oneLine, pairsText, plain } from '../output/table.ts'

const DEFAULT_LIMIT = 50
const [LOOKED_AT_MIN, LOOKED_AT_DEFAULT, LOOKED_AT_MAX] = OPERATION_LIMITS.lookedAt

/** `errand dlq groups`. */
export const dlqGroupsCommand = defineCommand<{ readonly type?: string; readonly lookAt?: number }>({
  name: 'dlq groups',
  summary: 'dead letters by what went wrong',
  description: `Dead letters of one fingerprint are a group: the same class and code, the same text but for numbers, ids and what stands in
quotes, the same first frames of the stack. It looks at the newest, and says so when there are more.`,
  section: 'Dead letters',
  options: [
    { flags: '--type <type>', help: 'only of this type', parse: typeValue },
    {
      flags: '--look-at <n>',
      help: `dead letters to look at, at most (${LOOKED_AT_DEFAULT.toLocaleString('en-US')})`,
      parse: wholeNumber('--look-at', LOOKED_AT_MIN, LOOKED_AT_MAX),
    },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ items: [{ fingerprint, count, redriven, types, firstFailedAtMs, lastFailedAtMs, error, sampleIds }], lookedAt, isComplete }\`, the
largest group first.`,
  examples: ['errand dlq groups', "errand dlq groups --json | jq -r '.items[0].fingerprint'"],
  async run(call, { type, lookAt }) {
    const { output, terminal } = call
    await using storage = await openStorage(call)
    const found = await groupDeadLetters(storage, { type, limit: lookAt, signal: terminal.signal })
    const { groups, lookedAt, isComplete } = found
    await output.items(groups, {
      columns: groupColumns(output),
      empty: emptyText(type),
      rest: { lookedAt, isComplete },
    })
    if (output.format === 'text' && groups.length > 0) terminal.err(lookedText(found))
    return EXIT_CODES.ok
  },
})

function groupColumns(output: Output): readonly Column<DeadLetterGroup>[] {
  return [
    { head: 'FINGERPRINT', text: ({ fingerprint }) => fingerprint },
    { head: 'COUNT', text: ({ count }) => number(count), isNumber: true },
    { head: 'REDRIVEN', text: ({ redriven }) => number(redriven), isNumber: true },
    { head: 'FIRST', text: ({ firstFailedAtMs }) => output.time(firstFailedAtMs) },
    { head: 'LAST', text: ({ lastFailedAtMs }) => output.time(lastFailedAtMs) },
    { head: 'TYPES', text: ({ types }) => types.join(', ') },
    { head: 'ERROR', text: ({ error }) => errorText(error) },
  ]
}

function lookedText({ groups, lookedAt, isComplete }: DeadLetterGroups): string {
  const more = isComplete ? '' : ' There are older ones, which are in no group: --look-at looks further.'
  const [first] = groups
  const way =
    first === undefined ? '' : `\`errand dlq redrive --fingerprint ${first.fingerprint}\` enqueues a group anew.\n`
  return `${number(lookedAt)} dead letters were looked at.${more}\n${way}`
}

interface ListOptions extends DeadLetterFilter {
  readonly limit?: number
  readonly cursor?: string
  readonly all?: boolean
  readonly includeDiscarded?: boolean
}

/** `errand dlq list`. */
export const dlqListCommand = defineCommand<ListOptions>({
  name: 'dlq list',
  summary: 'dead letters, newest first',
  section: 'Dead letters',
  options: [
    ...DEAD_LETTER_FILTER,
    INCLUDE_DISCARDED,
    {
      flags: '--limit <n>',
      help: `at most so many (${DEFAULT_LIMIT})`,
      parse: wholeNumber('--limit', 1, CLI_LIMITS.listItemsMax),
    },
    { flags: '--cursor <cursor>', help: 'go on where an earlier list ended' },
    { flags: '--all', help: 'all of them; `dlq export` has them with their payloads' },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ items: [{ id, type, status, priority, attempt, attempts, maxAttempts, createdAtMs, failedAtMs, worker, error, fingerprint,
redrivenAs, discarded, … }], cursor }\`; \`cursor\` is for the next page, or null.`,
  examples: ['errand dlq list --type send-invoice --after 2h', 'errand dlq list --all -o jsonl | jq .error.message'],
  async run(call, { limit, cursor, all, includeDiscarded = false, ...filter }) {
    if (all === true && limit !== undefined) throw usage('give --all or --limit, not both.', '--all')
    const { output, terminal } = call
    const isStreamed = all === true && output.format !== 'json'
    const limitMax = isStreamed ? Number.POSITIVE_INFINITY : all === true ? CLI_LIMITS.listItemsMax : DEFAULT_LIMIT
    await using storage = await openStorage(call)
    const wanted = {
      ...{ filter, cursor: cursor ?? null, limit: limit ?? limitMax, signal: terminal.signal },
      includeDiscarded,
    }
    const found: DeadLetterSummary[] = []
    let shown = 0
    let next: string | null = null
    for await (const page of deadLetterPages(storage, wanted)) {
      next = page.cursor
      shown += page.items.length
      if (!isStreamed) found.push(...page.items)
      else if (page.items.length > 0) await output.items(page.items, { columns: letterColumns(output), empty: '' })
    }
    if (!isStreamed || shown === 0) {
      await output.items(found, {
        columns: letterColumns(output),
        empty: emptyText(filter.type),
        rest: { cursor: next },
      })
    }
    if (next !== null && output.format === 'text') terminal.err(`There may be more: --cursor '${next}', or --all.\n`)
    return EXIT_CODES.ok
  },
})

function letterColumns(output: Output): readonly Column<DeadLetterSummary>[] {
  return [
    { head: 'ID', text: ({ id }) => id },
    { head: 'TYPE', text: ({ type }) => type },
    { head: 'DIED', text: ({ failedAtMs }) => output.time(failedAtMs) },
    { head: 'ATTEMPTS', text: ({ attempts }) => String(attempts), isNumber: true },
    { head: 'FINGERPRINT', text: ({ fingerprint }) => fingerprint },
    {
      head: 'REDRIVEN AS',
      text: ({ redrivenAs, discarded }) => redrivenAs ?? (discarded === null ? '–' : 'discarded'),
    },
    { head: 'ERROR', text: ({ error }) => errorText(error) },
  ]
}

/** `errand dlq show`. */
export const dlqShowCommand = defineCommand({
  name: 'dlq show',
  summary: 'everything about a dead letter: payload, each attempt and its error',
  section: 'Dead letters',
  arguments: [{ name: '<id>', help: 'id of the activity' }],
  settings: ['servers'],
  hasOutput: true,
  answers: `What \`get\` shows, and \`fingerprint\` and \`events: [{ type, attempt, atMs, worker, error }]\`.`,
  exits: 'it is known, and no dead letter: 4',
  examples: ['errand dlq show 0199f3a2-7c1e-7d4b-9b1a-52f0c0a1b2c3'],
  async run(call) {
    const { args, output, terminal } = call
    const id = checkId(args[0])
    await using storage = await openStorage(call)
    const snapshot = await storage.getActivity({ id })
    if (snapshot === null) {
      sayUnknown(call, id)
      return EXIT_CODES.notFound
    }
    if (snapshot.status !== 'dead_letter') {
      const sentence = stateSentence(snapshot, output, systemClock.nowMs())
      terminal.err(`${id} is no dead letter: it ${sentence}. \`errand get ${id}\` shows it.\n`)
      return EXIT_CODES.conflict
    }
    const events = await storage.getEvents({ id })
    const { payloadJson, ...rest } = snapshot
    const payload = payloadJson === null ? null : parseExact(payloadJson)
    const fingerprint = fingerprintOf(snapshot)
    await output.document({ ...rest, payload, fingerprint, events }, () => letterText(snapshot, events, output))
    return EXIT_CODES.ok
  },
})

function letterText(snapshot: ActivitySnapshot, events: readonly ActivityEvent[], output: Output): string {
  const { style } = output
  const { id, type, priority, key, createdAtMs, endedAtMs, lastWorker, payloadJson } = snapshot
  const { redriveOf, redrivenAs, discarded } = snapshot
  const text = (value: string | null): string | undefined => (value === null ? undefined : plain(value))
  const sentence = `${plain(id)} ${stateSentence(snapshot, output, systemClock.nowMs())}.`
  const fields = pairsText(
    [
      ['type', plain(type)],
      ['priority', priority],
      ['fingerprint', fingerprintOf(snapshot) ?? undefined],
      ['key', text(key)],
      ['created', output.time(createdAtMs)],
      ['died', output.time(endedAtMs)],
      ['worker', text(lastWorker)],
      ['redrive of', text(redriveOf)],
      ['redriven as', text(redrivenAs)],
      ['discarded', discarded === null ? undefined : discardText(discarded, output)],
    ],
    style,
  )
  const payload =
    payloadJson === null ? 'is not kept any more' : `\n${plain(JSON.stringify(parseExact(payloadJson), null, 2))}`
  const parts = [style.bold(sentence), fields, `${style.dim('payload')}  ${payload}`]
  const attempts = events
    .filter(({ error }) => error !== null && error !== undefined)
    .map(each => attemptText(each, output))
  if (attempts.length > 0) parts.push(`${style.dim('attempts')}\n${attempts.join('\n')}`)
  if (snapshot.lastError !== null) {
    parts.push(`${style.dim('last error')}\n${style.red(failureText(snapshot.lastError))}`)
  }
  if (redrivenAs === null) parts.push(`\`errand dlq redrive ${plain(id)}\` enqueues it anew.`)
  return parts.join('\n\n')
}

function discardText({ atMs, reason }: Discard, output: Output): string {
  return `${output.time(atMs)}${reason === null ? '' : `: ${oneLine(reason)}`}`
}

function attemptText({ attempt, type, atMs, worker, error }: ActivityEvent, output: Output): string {
  const by = worker === null || worker === undefined ? '' : ` on ${worker}`
  const why = error === null || error === undefined ? '' : `: ${errorText(error)}`
  return oneLine(`${attempt}  ${output.time(atMs)}  ${type}${by}${why}`)
}

function fingerprintOf({ lastError }: ActivitySnapshot): string | null {
  return lastError === null ? null : failureFingerprint(lastError)
}

function errorText(error: DeadLetterSummary['error']): string {
  const word = failureWord(error)
  const text = oneLine(error.message)
  return word === text || text === '' || text.startsWith(word.replace(/…$/, ''))
    ? word
    : `${word}: ${text.slice(0, 80)}`
}

function emptyText(type: string | undefined): string {
  return `No dead letters${type === undefined ? '' : ` of type ${type}`} that match.`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
