// `npm run bench`: see USAGE in command.ts, and README.md for how to read the figures.

import { cpus, totalmem } from 'node:os'
import { ensureStack, type Stack } from '../scripts/stack/stack.ts'
import { StackError } from '../scripts/stack/stack-error.ts'
import { systemClock } from '../src/core/clock.ts'
import { patchRequestQueue } from '../src/producer/request-queue-patch.ts'
import type { BenchCommand } from './command.ts'
import { parseBenchCommand, USAGE, UsageError } from './command.ts'
import type { BenchReport, Figure, Machine } from './figures.ts'
import { reportText } from './figures.ts'
import { measureLatency } from './latency.ts'
import type { Subject } from './subject.ts'
import { type ErrandKafkaOptions, openErrandOnKafka } from './subjects/errand-kafka.ts'
import { openErrandOnMemory } from './subjects/errand-memory.ts'
import { openPlainKafka } from './subjects/plain-kafka.ts'
import { measureThroughput } from './throughput.ts'

try {
  await main(parseBenchCommand(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof UsageError || error instanceof StackError)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function main(command: BenchCommand): Promise<void> {
  if (command.mode === 'help') {
    process.stdout.write(USAGE)
    return
  }
  const { mode, storage, seconds, isJson } = command
  patchRequestQueue() // for plain kafkajs too, whose idle connections would burn the processor otherwise
  const stack = storage === 'kafka' ? await ensureStack() : undefined
  const namespace = `bench-${systemClock.nowMs().toString(36)}`
  const place = stack && { namespace, brokers: stack.kafkaBrokers, redisUrl: stack.redisUrl }
  const report: BenchReport = {
    mode,
    storage,
    namespace: place?.namespace ?? null,
    secondsPerMeasure: seconds,
    payloadBytes: 300,
    machine: machineOf(stack),
    figures: await figuresOf(command, place),
  }
  process.stdout.write(`${isJson ? JSON.stringify(report) : reportText(report)}\n`)
}

/** One subject after the other, so that none has to share the machine. */
async function figuresOf(
  { mode, seconds }: BenchCommand,
  place: ErrandKafkaOptions | undefined,
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  {
    await using errand: Subject = place === undefined ? openErrandOnMemory() : await openErrandOnKafka(place)
    if (mode !== 'latency') figures.push(...(await measureThroughput(errand, seconds)))
    if (mode !== 'throughput') figures.push(...(await measureLatency(errand, seconds)))
  }
  if (place === undefined || mode === 'latency') return figures
  await using plain = await openPlainKafka(place)
  return withShares([...figures, ...(await measureThroughput(plain, seconds))], plain.name)
}

/** Each figure as a share of what `plain` has for the same measure. */
function withShares(figures: readonly Figure[], plain: string): Figure[] {
  const base = new Map(figures.filter(({ subject }) => subject === plain).map(({ measure, value }) => [measure, value]))
  return figures.map(figure => {
    const value = figure.subject === plain ? undefined : base.get(figure.measure)
    return value === undefined ? figure : { ...figure, shareOfPlainKafka: figure.value / value }
  })
}

function machineOf(stack: Stack | undefined): Machine {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    broker: stack === undefined ? 'no broker' : `${stack.kafkaBrokers.length} Kafka broker(s), ${stack.source}`,
  }
}
