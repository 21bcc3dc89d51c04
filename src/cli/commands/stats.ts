// `errand stats`: how many activities stand where, by type, priority and lane; once, or again and again.

import { STATUSES } from '../../core/activity.ts'
import { systemClock } from '../../core/clock.ts'
import { isErrandError } from '../../core/errors.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { LaneFigures, StatusCounts, Storage, StorageStats } from '../../storage/storage.ts'
import type { Invocation } from '../command.ts'
import { defineCommand } from '../command.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { openStorage } from '../open-storage.ts'
import { durationValue } from '../option-values.ts'
import type { Output } from '../output/output.ts'
import type { Column } from '../output/table.ts'
import { tableText } from '../output/table.ts'
import { spanText } from '../output/time-text.ts'

interface Options {
  /** True without an interval. */
  readonly watch?: number | true
}

interface Figures extends StorageStats {
  readonly atMs: number
  readonly lanes: readonly (Omit<LaneFigures, 'frontierStuckMs'> & {
    /** Unit: ms. Null in a first look, which has nothing to compare with. */
    readonly frontierStuckMs: number | null
  })[]
}

interface Row {
  readonly name: string
  readonly counts: StatusCounts
  readonly oldestAtMs: number | null
  readonly consumers: number | null
}

const DEFAULT_WATCH_MS = 2_000
const WATCH_MS_MAX = 3_600_000
/** Clears the screen and begins at its top. */
const REDRAW = '\u001B[2J\u001B[H'

/** The command. */
export const statsCommand = defineCommand<Options>({
  name: 'stats',
  summary: 'how many activities stand where, by type and priority',
  description: `What waits is counted in Kafka, without anybody working; OLDEST is since when the oldest that waits has been ready. What has ended
is counted while it is remembered. MEMBERS: who subscribes to the type; 0 with something pending is why nothing moves.`,
  section: 'Activities',
  options: [
    {
      flags: '--watch [interval]',
      help: `again and again (${spanText(DEFAULT_WATCH_MS)}), until Ctrl-C`,
      parse: durationValue('--watch', 200, WATCH_MS_MAX),
    },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: `\`{ atMs, pending, scheduled, running, completed, failed, dead_letter, cancelled, byType: { <type>: counts }, byPriority: { <priority>:
counts }, lanes: [{ type, priority, pending, oldestPendingAtMs, running, scheduled, deadLetters, finishedAhead, frontierStuckMs, consumers }] }\`;
with --watch one document a line. How long a frontier has stood (frontierStuckMs) is known from the second look on: null in the first.`,
  exits: '--watch ends by Ctrl-C: 130',
  examples: ['errand stats', 'errand stats --watch 5s', 'errand stats --json | jq .byType'],
  async run(call, { watch }) {
    await using storage = await openStorage(call)
    if (watch !== undefined) return await watchFigures(call, storage, watch === true ? DEFAULT_WATCH_MS : watch)
    const figures = await lookAtFigures(storage, true)
    await call.output.document(figures, () => figuresText(figures, call.output))
    return EXIT_CODES.ok
  },
})

async function watchFigures({ output, terminal }: Invocation, storage: Storage, everyMs: number): Promise<ExitCode> {
  for (let looks = 0; !terminal.signal.aborted; looks++) {
    const figures = await lookAtFigures(storage, looks === 0)
    const redraw = terminal.isOutTerminal && terminal.isInteractive ? REDRAW : ''
    await output.line(
      figures,
      () => `${redraw}${new Date(figures.atMs).toISOString()}\n${figuresText(figures, output)}\n`,
    )
    await systemClock.sleep(everyMs, { signal: terminal.signal }).catch((error: unknown) => {
      if (!isErrandError(error, 'cancelled')) throw error // cancelled: the loop ends
    })
  }
  return EXIT_CODES.interrupted
}

/** The figures of one look, in whole milliseconds. */
export async function lookAtFigures(storage: Storage, isFirst: boolean): Promise<Figures> {
  const [stats, figures] = await Promise.all([storage.stats(), storage.laneFigures()])
  const stuckMs = ({ frontierStuckMs }: LaneFigures): number | null => (isFirst ? null : Math.round(frontierStuckMs))
  const lanes = figures.map(lane => ({ ...lane, frontierStuckMs: stuckMs(lane) }))
  return { atMs: systemClock.nowMs(), ...stats, lanes }
}

function figuresText(figures: Figures, output: Output): string {
  const { style } = output
  const types = Object.entries(figures.byType)
  if (types.length === 0) return 'There are no types yet: the first worker or enqueue with --provision makes one.'
  const byType = types.map(([name, counts]) =>
    rowOf(
      name,
      counts,
      figures.lanes.filter(({ type }) => type === name),
    ),
  )
  const total = { name: 'all', counts: figures, oldestAtMs: oldestOf(figures.lanes), consumers: null }
  const byPriority = PRIORITIES.map(name =>
    rowOf(
      name,
      figures.byPriority[name],
      figures.lanes.filter(({ priority }) => priority === name),
      false,
    ),
  )
  return [
    tableText([...byType, total], columns('TYPE', figures.atMs, true), style),
    tableText(byPriority, columns('PRIORITY', figures.atMs, false), style),
  ].join('\n\n')
}

function rowOf(name: string, counts: StatusCounts, lanes: Figures['lanes'], hasMembers = true): Row {
  return { name, counts, oldestAtMs: oldestOf(lanes), consumers: hasMembers ? (lanes[0]?.consumers ?? null) : null }
}

function oldestOf(lanes: Figures['lanes']): number | null {
  const times = lanes.map(({ oldestPendingAtMs }) => oldestPendingAtMs).filter(atMs => atMs !== null)
  return times.length === 0 ? null : Math.min(...times)
}

function columns(head: string, nowMs: number, hasMembers: boolean): readonly Column<Row>[] {
  const counts = STATUSES.map((status): Column<Row> => ({
    head: status === 'dead_letter' ? 'DEAD' : status.toUpperCase(),
    text: row => row.counts[status].toLocaleString('en-US'),
    isNumber: true,
  }))
  const age = (atMs: number | null): string => (atMs === null ? '–' : spanText(nowMs - atMs))
  return [
    { head, text: ({ name }) => name },
    ...counts.slice(0, 1),
    { head: 'OLDEST', text: ({ oldestAtMs }) => age(oldestAtMs), isNumber: true },
    ...counts.slice(1),
    ...(hasMembers
      ? [{ head: 'MEMBERS', text: ({ consumers }: Row) => String(consumers ?? '–'), isNumber: true as const }]
      : []),
  ]
}
