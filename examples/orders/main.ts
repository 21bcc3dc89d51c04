// `npm start`: reads orders, enqueues five activities for each, lets two workers run them, and checks that all adds up.
// The parts: activities.ts and handlers.ts (what a service has too), plan.ts (what is enqueued for an order), run.ts (one
// run), verify.ts and report.ts (what became of it).

import { relative } from 'node:path'
import { isErrandError } from '../../src/index.ts'
import { StackError } from '../../scripts/stack/stack-error.ts'
import { parseCommand, USAGE } from './command.ts'
import type { Place } from './place.ts'
import { openPlace } from './place.ts'
import { plans } from './plan.ts'
import type { OrderFile, RefusedLine } from './read-orders.ts'
import { readOrders } from './read-orders.ts'
import { Refusal } from './refusal.ts'
import { reportText } from './report.ts'
import { runOrders } from './run.ts'
import { say } from './say.ts'

const LINES_SHOWN_MAX = 20
const INTERRUPTED = 130

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt())

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

async function main(args: readonly string[]): Promise<number> {
  const command = parseCommand(args)
  if (command.isHelp) {
    process.stdout.write(USAGE)
    return 0
  }
  const { orders, refused } = await readOrders(command.file)
  say(`${orders.length + refused.length} lines, ${orders.length} orders in ${relative('.', command.file)}`)
  sayRefused(refused)
  await using place = await openPlace(command)
  // Loaded late: the bundler that makes its pages is not needed otherwise.
  const consoles = command.hasConsole ? await import('./show-console.ts') : undefined
  await using pages = await consoles?.makeConsole(place)
  try {
    const exitCode = await runAndReport(place, { orders, refused })
    if (pages !== undefined) await consoles?.showConsole(pages, place, interruption.signal)
    return exitCode
  } catch (error) {
    if (!interruption.signal.aborted) throw error
    say(`Stopped before the end. ${place.resumeHint}`)
    return INTERRUPTED
  } finally {
    if (place.hint !== undefined) say(place.hint)
  }
}

async function runAndReport(place: Place, { orders, refused }: OrderFile): Promise<number> {
  const { submitted, endings, problems } = await runOrders(place, orders, plans, interruption.signal)
  say(`\n${reportText({ plans, submitted, endings, refusedLines: refused.length })}`)
  if (problems.length > 0) {
    say(`\nIt does not add up:\n${shown(problems.map(problem => `  ${problem}`))}`)
  } else {
    say('\nAll adds up: every ending was read back from the storage and is the one that its order asks for.')
  }
  return problems.length === 0 ? 0 : 1
}

function sayRefused(refused: readonly RefusedLine[]): void {
  if (refused.length > 0)
    say(shown(refused.map(({ lineNumber, reason }) => `  line ${lineNumber} is left out: ${reason}`)))
}

function shown(lines: readonly string[]): string {
  const more = lines.length - LINES_SHOWN_MAX
  return [...lines.slice(0, LINES_SHOWN_MAX), ...(more > 0 ? [`  and ${more} more`] : [])].join('\n')
}

/** The first time: workers finish what they run, and end. The second time: at once. */
function interrupt(): void {
  if (interruption.signal.aborted) process.exit(INTERRUPTED)
  interruption.abort()
  say('\ninterrupted: letting the workers finish what they run')
}

function exitCodeOf(error: unknown): number {
  if (interruption.signal.aborted) return INTERRUPTED
  const isKnown = error instanceof Refusal || error instanceof StackError || isErrandError(error)
  process.stderr.write(`${isKnown ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  return error instanceof Refusal ? 2 : 1
}
