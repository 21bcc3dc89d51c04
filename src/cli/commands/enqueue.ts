// `errand enqueue`: one activity from its arguments, or many from lines of JSON.

import { Client } from '../../client/client.ts'
import type { ActivityDefinition } from '../../client/define-activity.ts'
import { defineActivity } from '../../client/define-activity.ts'
import type { EnqueueOptions } from '../../client/submission.ts'
import type { DuplicateBehavior } from '../../core/activity.ts'
import { DUPLICATE_BEHAVIORS } from '../../core/activity.ts'
import { ErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkType } from '../../core/names.ts'
import type { Priority } from '../../core/priority.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { Storage } from '../../storage/storage.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import { readLine } from '../enqueue-lines.ts'
import { definitionsOf, EnqueueRun, openLines } from '../enqueue-run.ts'
import type { LineCounts } from '../enqueue-run.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { withWayToTopics } from '../missing-topics.ts'
import { openStorage } from '../open-storage.ts'
import { attemptsValue, durationValue, pairValue, timeValue } from '../option-values.ts'
import { anything } from '../pass-through.ts'

interface Options {
  readonly key?: string
  readonly onDuplicate?: DuplicateBehavior
  readonly priority?: Priority
  readonly delay?: number
  readonly at?: number
  readonly maxAttempts?: number | 'unlimited'
  readonly timeout?: number
  readonly metadata?: readonly (readonly [string, string])[]
  readonly id?: string
  readonly file?: string
  readonly raw?: boolean
  readonly stopOnError?: boolean
}

/** The command. */
export const enqueueCommand = defineCommand<Options>({
  name: 'enqueue',
  summary: 'enqueue an activity, or one for each line of JSON',
  description: `With a payload: one activity; prints its id. With --file, - or piped stdin: an activity for each line
  {"payload": …, "key": …, "onDuplicate": …, "priority": …, "delayMs": … or "scheduledAt": …, "maxAttempts": …, "timeoutMs": …,
   "metadata": {…}, "id": …, "type": …}
of which only the payload is needed; options hold for lines that do not say otherwise. Lines travel in batches of at most 500; one
that is refused is told with its number and passed over. Giving the same input again is safe where lines have a key or an id: no
activity becomes two. What the payload should look like is for the worker to say: it checks it.`,
  section: 'Activities',
  arguments: [
    { name: '<type>', help: 'type of the activity; for lines, of those that name none' },
    { name: '[payload]', help: 'its payload as JSON; -: lines from stdin' },
  ],
  options: [
    { flags: '--key <key>', help: 'idempotency key: with it, enqueuing again is safe' },
    { flags: '--on-duplicate <what>', help: 'what a key in use does (return_existing)', choices: DUPLICATE_BEHAVIORS },
    { flags: '--priority <priority>', help: 'its lane (normal)', choices: PRIORITIES },
    {
      flags: '--delay <duration>',
      help: 'not before so long from now',
      parse: durationValue('--delay', 0, LIMITS.scheduleAheadMsMax),
    },
    { flags: '--at <time>', help: 'not before this time, such as 2026-11-29T14:03:57Z', parse: timeValue('--at') },
    { flags: '--max-attempts <n>', help: 'attempts in all, or unlimited (3)', parse: attemptsValue('--max-attempts') },
    {
      flags: '--timeout <duration>',
      help: 'longest run of an attempt (30s)',
      parse: durationValue('--timeout', 1, LIMITS.timeoutMsMax),
    },
    {
      flags: '--metadata <name=value>',
      help: 'travels with it; may be given again',
      parse: pairValue('--metadata'),
      isRepeatable: true,
    },
    { flags: '--id <id>', help: 'its id (a new UUIDv7)' },
    { flags: '--file <path>', help: 'lines from this file; -: from stdin' },
    { flags: '--raw', help: 'each line is the payload itself' },
    { flags: '--stop-on-error', help: 'end at the first line that is not accepted' },
  ],
  settings: ['servers', 'topics'],
  goesOnUnheard: true,
  hasOutput: true,
  isTraced: true,
  answers: `One activity: its handle \`{ id, type, outcome: "created" | "existing", coordinates: { topic, partition, offset } }\`. Lines: with
\`-o jsonl\` a handle with its \`line\` for each that was accepted; else the counts \`{ lines, created, existing, refused, unavailable }\`.`,
  exits: `the key is in use and may not be, or the type has no topics: 4 · Kafka or Redis away, also for some lines (outcome unknown: the same key or id
may be sent again): 5 · some lines were refused: 6 (all: 1) · Ctrl-C: 130, after the batch under way`,
  examples: [
    `errand enqueue send-invoice '{"orderId":"42"}' --key invoice-42 --priority high`,
    `jq -c '{payload: ., key: .orderId}' orders.json | errand enqueue send-invoice -`,
    'errand enqueue send-invoice --file payloads.ndjson --raw -o jsonl > handles.ndjson',
  ],
  async run(call, options) {
    const [type = '', payload] = call.args
    const definitionOf = definitionsOf(named => defineActivity({ type: named, input: anything }))
    definitionOf(checkType(type))
    const path = options.file ?? (payload === undefined || payload === '-' ? '-' : undefined)
    if (path === undefined) return enqueueOne(call, definitionOf(type), payload ?? '', options)
    if (options.file !== undefined && payload !== undefined)
      throw usage('give a payload or --file, not both.', '--file')
    const isImplied = options.file === undefined && payload === undefined
    if (isImplied && call.terminal.isInTerminal) {
      throw usage(
        `give a payload as JSON (null for none), --file, or pipe lines: errand enqueue ${type} '{"a":1}'`,
        'payload',
      )
    }
    return enqueueLines(call, definitionOf, { type, path, isImplied }, options)
  },
})

async function enqueueOne(
  call: Invocation,
  definition: ActivityDefinition,
  text: string,
  options: Options,
): Promise<ExitCode> {
  if (options.raw === true || options.stopOnError === true)
    throw usage('--raw and --stop-on-error are for lines.', '--raw')
  const read = readLine(text, { type: definition.type, isRaw: true, options: {} })
  if ('error' in read)
    throw new ErrandError(read.error.code, read.error.message.replace(/^\[\w+\] the line/, 'the payload'), {
      details: { field: 'payload' },
    })
  await using storage = await openStorage(call)
  await declare(call, storage, definition.type)
  const client = new Client({ storage, logger: call.logger })
  const handle = await client.enqueue(definition, read.item.input, enqueueOptions(options))
  if (handle.outcome === 'existing')
    call.terminal.err('It existed already: its key or id is in use, and nothing was written.\n')
  await call.output.document(handle.toJSON(), () => handle.id)
  return EXIT_CODES.ok
}

function enqueueOptions({
  delay,
  at,
  timeout,
  metadata,
  key,
  onDuplicate,
  priority,
  maxAttempts,
  id,
}: Options): EnqueueOptions {
  if (delay !== undefined && at !== undefined) throw usage('give --delay or --at, not both.', '--delay')
  if (onDuplicate !== undefined && key === undefined)
    throw usage('--on-duplicate is for --key; give both.', '--on-duplicate')
  return { ...sharedOptions({ delay, at, timeout, metadata, priority, maxAttempts }), key, onDuplicate, id }
}

/** Those that can hold for many. */
function sharedOptions({ delay, at, timeout, metadata, priority, maxAttempts }: Shared): EnqueueOptions {
  return {
    priority,
    maxAttempts,
    delayMs: delay,
    scheduledAt: at === undefined ? undefined : new Date(at),
    timeoutMs: timeout,
    metadata: metadata === undefined ? undefined : Object.fromEntries(metadata),
  }
}

type Shared = {
  readonly [Name in 'delay' | 'at' | 'timeout' | 'metadata' | 'priority' | 'maxAttempts']: Options[Name] | undefined
}

interface LineInput {
  readonly type: string
  readonly path: string
  /** Nobody asked for lines: there was no payload. */
  readonly isImplied: boolean
}

async function enqueueLines(
  call: Invocation,
  definitionOf: (type: string) => ActivityDefinition,
  { type, path, isImplied }: LineInput,
  options: Options,
): Promise<ExitCode> {
  const { terminal, output } = call
  const {
    raw: isRaw = false,
    stopOnError: stopsOnError = false,
    onDuplicate,
    delay,
    at,
    timeout,
    metadata,
    priority,
    maxAttempts,
  } = options
  if (options.key !== undefined || options.id !== undefined) {
    throw usage('--key and --id are for one activity; each line has its own.', '--key')
  }
  if (delay !== undefined && at !== undefined) throw usage('give --delay or --at, not both.', '--delay')
  const source = openLines(path, terminal.stdin)
  await using storage = await openStorage(call)
  await declare(call, storage, type)
  const shared = { ...sharedOptions({ delay, at, timeout, metadata, priority, maxAttempts }), onDuplicate }
  const client = new Client({ storage, logger: call.logger })
  const run = new EnqueueRun({ call, client, defaults: { type, isRaw, options: shared }, definitionOf, stopsOnError })
  const counts = await run.perform(source)
  if (counts.lines === 0 && isImplied && !terminal.signal.aborted) {
    throw usage(
      `no payload was given, and there is nothing on stdin; give JSON (null for none): errand enqueue ${type} '{"a":1}'`,
      'payload',
    )
  }
  if (output.format !== 'jsonl') await output.document(counts, () => countsText(counts))
  else terminal.err(`${countsText(counts)}\n`)
  return terminal.signal.aborted ? EXIT_CODES.interrupted : endOf(counts)
}

function endOf({ created, existing, refused, unavailable }: LineCounts): ExitCode {
  if (unavailable > 0) return EXIT_CODES.unreachable
  if (refused === 0) return EXIT_CODES.ok
  return created + existing === 0 ? EXIT_CODES.failed : EXIT_CODES.partly
}

function countsText({ lines, created, existing, refused, unavailable }: LineCounts): string {
  const number = (value: number): string => value.toLocaleString('en-US')
  const wrong = [
    ...(existing === 0 ? [] : [`${number(existing)} existed already`]),
    ...(refused === 0 ? [] : [`${number(refused)} refused`]),
    ...(unavailable === 0 ? [] : [`${number(unavailable)} with an unknown outcome`]),
  ]
  return `Enqueued ${number(created)} of ${number(lines)} ${lines === 1 ? 'line' : 'lines'}${wrong.length === 0 ? '' : `: ${wrong.join(', ')}`}.`
}

/** Says how a type gets its topics, where it has none. */
async function declare({ config }: Invocation, storage: Storage, type: string): Promise<void> {
  await storage.declareTypes({ types: [type] }).catch((error: unknown) => {
    throw withWayToTopics(error, { namespace: config.namespace, type })
  })
}
