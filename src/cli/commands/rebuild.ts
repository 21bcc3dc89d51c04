// `errand rebuild`: restores everything that Redis should know from Kafka. Progress goes to stderr, the report to stdout.

import type { RebuildProgress, RebuildReport } from '../../storage/kafka/index.ts'
import { defineCommand } from '../command.ts'
import { storageOptions } from '../config/storage-options.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { ProgressLine } from '../output/progress-line.ts'

/** The command. */
export const rebuildCommand = defineCommand<{ readonly restart?: boolean }>({
  name: 'rebuild',
  summary: 'restore what Redis should know from Kafka, while workers run',
  description: `Restores results, markers, counts, idempotency keys, the schedule and redrives from Kafka into a Redis that was
emptied. What Redis knows already stays. Workers may run. One that was stopped goes on where it was; run it again.
Give --marker-life, --result-life and --key-life as the workers have them.`,
  section: 'Stack',
  settings: ['servers', 'retention'],
  goesOnUnheard: true,
  options: [{ flags: '--restart', help: 'begin anew, also where one that was stopped could go on' }],
  hasOutput: true,
  answers:
    'The report: `{ outcomes, activities, markers, results, keys, scheduled, redriven, unseen, unreadable, seconds, isContinued }`.',
  async run({ config, logger, output, terminal }, options) {
    const { rebuild } = await import('../../storage/kafka/index.ts')
    const display = new ProgressLine(terminal)
    // A namespace that has no topics is a typing error: none are made.
    const report = await rebuild(
      { ...storageOptions(config, logger, false), provision: false },
      {
        restart: options.restart === true,
        signal: terminal.signal,
        onProgress: progress => display.show(progress.phase, progressText(progress), progress.done === progress.total),
      },
    ).finally(() => display.end())
    await output.document(report, () => reportText(report))
    return EXIT_CODES.ok
  },
})

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
