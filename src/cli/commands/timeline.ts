// `errand timeline`: what happened to an activity, with what lies between.

import { Client } from '../../client/client.ts'
import { isTerminal } from '../../core/activity.ts'
import { systemClock } from '../../core/clock.ts'
import { checkId } from '../../core/names.ts'
import { failureWord, stateSentence } from '../activity-text.ts'
import { defineCommand } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { sayUnknown } from '../looked-up.ts'
import { openStorage } from '../open-storage.ts'
import type { Output } from '../output/output.ts'
import type { Column } from '../output/table.ts'
import { oneLine, plain } from '../output/table.ts'
import { spanText } from '../output/time-text.ts'
import type { TimelineEntry } from '../../client/timeline.ts'
import { timelineEntries } from '../../client/timeline.ts'

/** The command. */
export const timelineCommand = defineCommand({
  name: 'timeline',
  summary: 'what happened to an activity, and what it waited for in between',
  description: `Each attempt with its worker, how long it took and how it ended; between them delay (it was not to run yet), backoff (not yet again)
and waited (ready, without a free slot).`,
  section: 'Activities',
  arguments: [{ name: '<id>', help: 'id of an activity' }],
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ items, id, type, status, events }\`; an item is \`{ kind: "event", type, atMs, dueAtMs }\`, \`{ kind: "attempt", attempt, worker,
startedAtMs, endedAtMs, durationMs, outcome, error }\` or \`{ kind: "gap", reason: "delay" | "backoff" | "waited", fromMs, untilMs, durationMs }\`.`,
  exits: 'unknown: 3',
  examples: ['errand timeline $ID', 'errand timeline $ID -o jsonl | jq \'select(.kind == "attempt") | .durationMs\''],
  async run(call) {
    const { args, output, terminal } = call
    const id = checkId(args[0])
    await using storage = await openStorage(call)
    const { inspect } = new Client({ storage })
    const snapshot = await inspect.get(id)
    if (snapshot === null) sayUnknown(call, id)
    if (snapshot === null) return EXIT_CODES.notFound
    const events = await inspect.events(id)
    const nowMs = systemClock.nowMs()
    const { type, status } = snapshot
    const entries = timelineEntries(events, nowMs, isTerminal(status))
    if (output.format === 'text') {
      await output.line(null, () => output.style.bold(`${plain(id)} ${stateSentence(snapshot, output, nowMs)}.`))
    }
    await output.items(entries, { columns: columns(output), empty: '', rest: { id, type, status, events } })
    if (isTerminal(status) && !entries.some(({ kind }) => kind === 'attempt')) {
      terminal.err('How it ended is older than what Kafka keeps of outcomes: it is gone, not that nothing happened.\n')
    }
    return EXIT_CODES.ok
  },
})

function columns(output: Output): readonly Column<TimelineEntry>[] {
  const { style } = output
  return [
    { head: 'WHEN', text: entry => (entry.kind === 'gap' ? '' : output.time(whenOf(entry))) },
    { head: 'WHAT', text: whatText, paint: (text, entry) => paint(text, entry, output) },
    { head: 'TOOK', text: tookText, isNumber: true },
    { head: 'WORKER', text: entry => (entry.kind === 'attempt' ? (entry.worker ?? '–') : '') },
    { head: 'ERROR', text: errorText, paint: text => style.red(text) },
  ]
}

function whenOf(entry: Exclude<TimelineEntry, { kind: 'gap' }>): number | null {
  return entry.kind === 'event' ? entry.atMs : (entry.startedAtMs ?? entry.endedAtMs)
}

function whatText(entry: TimelineEntry): string {
  if (entry.kind === 'event') return entry.type
  if (entry.kind === 'gap') return `  ${entry.untilMs === null ? 'waits' : entry.reason}`
  return `attempt ${entry.attempt} ${entry.outcome}`
}

function paint(text: string, entry: TimelineEntry, { style }: Output): string {
  if (entry.kind !== 'attempt') return style.dim(text)
  if (entry.outcome === 'completed') return style.green(text)
  return entry.outcome === 'running' ? style.cyan(text) : style.red(text)
}

function tookText(entry: TimelineEntry): string {
  if (entry.kind === 'event') return ''
  return entry.durationMs === null ? '–' : spanText(entry.durationMs)
}

function errorText(entry: TimelineEntry): string {
  if (entry.kind !== 'attempt' || entry.error === null) return ''
  const word = failureWord(entry.error)
  const said = oneLine(entry.error.message)
  return said.startsWith(word.replace(/…$/, '')) ? said.slice(0, 200) : `${word}: ${said.slice(0, 200)}`
}
