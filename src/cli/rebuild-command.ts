// `errand rebuild`: restores everything that Redis should know from Kafka. Progress goes to stderr, the report to stdout.

import { systemClock } from '../core/clock.ts'
import type { RebuildProgress, RebuildReport } from '../storage/kafka/index.ts'
import { rebuild } from '../storage/kafka/index.ts'
import type { Command, Terminal } from './command-line.ts'
import { EXIT_CODES, SERVER_HELP, SERVER_OPTIONS, parseOptions, serversFrom } from './command-line.ts'
import { stderrLogger } from './stderr-logger.ts'

const LINE_MS = 1_000
const REDRAW_MS = 100

/** The command. */
export const rebuildCommand: Command = {
  summary: 'restore what Redis should know from Kafka, while workers run',
  help: `errand rebuild --namespace <name> --brokers <host:port> --redis <url> [--restart] [--json]

Restores results, markers, counts, idempotency keys, the schedule and redrives from Kafka into a Redis that was emptied.
What Redis knows already stays. Workers may run. One that was stopped goes on where it was; run it again.

${SERVER_HELP}
  --restart               begin anew, also where one that was stopped could go on
  --json                  the report as JSON

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (its position is kept).`,

  async run(args, terminal) {
    const { values } = parseOptions({
      args: [...args],
      options: { ...SERVER_OPTIONS, restart: { type: 'boolean' }, json: { type: 'boolean' } },
    })
    const servers = serversFrom(values, terminal.env)
    const display = new ProgressDisplay(terminal)
    // A namespace that has no topics is a typing error: none are made.
    const report = await rebuild(
      { ...servers, provision: false, logger: stderrLogger },
      { restart: values.restart === true, signal: terminal.signal, onProgress: progress => display.show(progress) },
    ).finally(() => display.end())
    terminal.out(values.json === true ? JSON.stringify(report) : reportText(report))
    return EXIT_CODES.ok
  },
}

/** One line a second; on a terminal one line that is drawn anew. */
class ProgressDisplay {
  readonly #terminal: Terminal
  #shownMs = Number.NEGATIVE_INFINITY
  #phase = ''
  #isOpen = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  show(progress: RebuildProgress): void {
    const nowMs = systemClock.monotonicMs()
    const everyMs = this.#terminal.isInteractive ? REDRAW_MS : LINE_MS
    // The end of a phase is shown whenever it comes.
    const isDue = nowMs - this.#shownMs >= everyMs || progress.phase !== this.#phase || progress.done === progress.total
    if (!isDue) return
    this.#shownMs = nowMs
    if (this.#terminal.isInteractive) this.#redraw(progress)
    else this.#terminal.err(`${progressText(progress)}\n`)
    this.#phase = progress.phase
  }

  #redraw(progress: RebuildProgress): void {
    if (this.#isOpen && progress.phase !== this.#phase) this.#terminal.err('\n')
    this.#terminal.err(`\r\u001B[K${progressText(progress)}`)
    this.#isOpen = true
  }

  end(): void {
    if (this.#isOpen) this.#terminal.err('\n')
  }
}

function progressText({ phase, done, total, perSecond }: RebuildProgress): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100)
  return `${phase}: ${number(done)} of ${number(total)} (${percent} %), ${number(perSecond)} a second`
}

function reportText(report: RebuildReport): string {
  const begun = report.isContinued ? 'Went on where another had stopped.\n' : ''
  return `${begun}Read ${number(report.outcomes)} outcomes and ${number(report.activities)} waiting activities in ${report.seconds.toFixed(1)} s.
Restored what Redis did not know: ${number(report.markers)} markers, ${number(report.results)} results, ${number(report.keys)} keys,
${number(report.scheduled)} scheduled, ${number(report.redriven)} redrives, ${number(report.unseen)} cancelled that wait. Unreadable: ${number(report.unreadable)}.`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
