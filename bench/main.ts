// `npm run bench`: see USAGE in command.ts, and README.md for how to read the figures.

import { ensureStack, type Stack } from '../scripts/stack/stack.ts'
import { StackError } from '../scripts/stack/stack-error.ts'
import { systemClock } from '../src/core/clock.ts'
import { patchRequestQueue } from '../src/producer/request-queue-patch.ts'
import { measureAlone } from './alone.ts'
import type { BenchCommand } from './command.ts'
import { parseBenchCommand, USAGE, UsageError } from './command.ts'
import { measureCompared } from './compared.ts'
import { redisText } from './ground.ts'
import type { BenchReport } from './report.ts'
import { machineOf, reportText } from './report.ts'
import { keepReport } from './results.ts'
import { say } from './say.ts'
import { PAYLOAD_BYTES } from './subject.ts'

try {
  const command = parseBenchCommand(process.argv.slice(2))
  if (command === 'help') process.stdout.write(USAGE)
  else await main(command)
} catch (error) {
  if (!(error instanceof UsageError || error instanceof StackError)) throw error
  say(error.message)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function main(command: BenchCommand): Promise<void> {
  const report = await measured(command)
  process.stdout.write(`${command.isJson ? JSON.stringify(report) : reportText(report)}\n`)
  say(`kept in ${keepReport(report, command.resultsDir)}`)
}

async function measured(command: BenchCommand): Promise<BenchReport> {
  const { mode, storage, seconds, rounds } = command
  const startedAt = new Date(systemClock.nowMs()).toISOString()
  patchRequestQueue() // plain kafkajs's idle connections would burn the processor that others are measured on
  const stack = storage === 'kafka' ? await ensureStack() : undefined
  const isCompared = mode === 'throughput' || mode === 'latency' || mode === 'smoke'
  const compared = isCompared ? await measureCompared(command, stack) : { subjects: [], figures: [], ratios: [] }
  const isAlone = stack !== undefined && mode !== 'throughput' && mode !== 'latency'
  const alone = isAlone ? await measureAlone(command, stack) : []
  return {
    mode,
    storage,
    startedAt,
    rounds,
    secondsPerMeasure: seconds,
    payloadBytes: PAYLOAD_BYTES,
    machine: machineOf(stack === undefined ? 'no servers' : await serversText(stack)),
    ...compared,
    figures: [...compared.figures, ...alone],
  }
}

async function serversText({ kafkaBrokers, redisUrl, source }: Stack): Promise<string> {
  const brokers = `${kafkaBrokers.length} Kafka broker${kafkaBrokers.length === 1 ? '' : 's'}`
  return `${brokers} and ${await redisText(redisUrl)}, ${source}`
}
