// `errand tail`: what becomes of activities, as it happens, until Ctrl-C.

import type { AttemptOutcome } from '../../core/activity.ts'
import { ATTEMPT_OUTCOMES } from '../../core/activity.ts'
import type { ActivityEvent, EventGap } from '../../storage/storage.ts'
import { failureWord } from '../activity-text.ts'
import { defineCommand } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { openStorage } from '../open-storage.ts'
import { typeValue } from '../option-values.ts'
import type { Output } from '../output/output.ts'
import { oneLine } from '../output/table.ts'

interface Options {
  readonly type?: readonly string[]
  readonly outcome?: readonly AttemptOutcome[]
}

/** The command. */
export const tailCommand = defineCommand<Options>({
  name: 'tail',
  summary: 'what becomes of activities, as it happens, until Ctrl-C',
  description: `Each attempt's end, from now on. Where it fell behind and left something out, it says so: a line of its own, and in JSON
\`{ "type": "gap" }\`.`,
  section: 'Activities',
  options: [
    { flags: '--type <type>', help: 'only of this type; may be given again', parse: typeValue, isRepeatable: true },
    {
      flags: '--outcome <outcome>',
      help: 'only these ends; may be given again',
      choices: ATTEMPT_OUTCOMES,
      isRepeatable: true,
    },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: `A line for each event, also with \`-o json\`: \`{ id, activityType, type, attempt, atMs, worker, error, dueAtMs }\` with the outcome as
its \`type\`, or \`{ type: "gap", atMs }\`.`,
  exits: 'it ends by Ctrl-C: 130',
  examples: ['errand tail --type send-invoice --outcome dead_letter', 'errand tail -o jsonl | jq -c "select(.error)"'],
  async run(call, { type: types, outcome: outcomes }) {
    const { output, terminal } = call
    await using storage = await openStorage(call)
    terminal.err('Watching from now on; Ctrl-C ends it.\n')
    for await (const event of storage.events({ signal: terminal.signal })) {
      if (event.type !== 'gap' && !isWanted(event, types, outcomes)) continue
      await output.line(event, () => eventText(event, output))
    }
    return terminal.signal.aborted ? EXIT_CODES.interrupted : EXIT_CODES.ok
  },
})

function isWanted(
  { activityType, type }: ActivityEvent,
  types: Options['type'],
  outcomes: Options['outcome'],
): boolean {
  if (types !== undefined && !types.includes(activityType)) return false
  return outcomes === undefined || outcomes.some(outcome => outcome === type)
}

function eventText(event: ActivityEvent | EventGap, output: Output): string {
  const { style } = output
  // A stream has no use for "now": the time of day tells its lines apart.
  const at = style.dim(new Date(event.atMs).toISOString())
  if (event.type === 'gap')
    return `${at} ${style.yellow('… something was missed here: it came faster than it could be read')}`
  const { id, activityType, type, attempt, worker, error, dueAtMs } = event
  const isBad = type === 'failed' || type === 'dead_letter' || type === 'lease_expired'
  const word = isBad ? style.red(type) : type === 'completed' ? style.green(type) : style.yellow(type)
  const due = dueAtMs === null || dueAtMs === undefined ? '' : `, next ${output.time(dueAtMs)}`
  const why =
    error === null || error === undefined ? '' : `: ${failureWord(error)} ${style.dim(oneLine(error.message))}`
  const by = worker === null || worker === undefined ? '' : ` on ${oneLine(worker)}`
  return `${at} ${oneLine(activityType)} ${oneLine(id)} ${word} attempt ${attempt}${by}${due}${why}`
}
