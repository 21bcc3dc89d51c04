import { describe, expect, test } from 'vitest'
import { dropTopics } from '../support/drop-topics.ts'
import { runVerb } from '../support/run-program.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

interface Report {
  readonly namespace: string | null
  readonly machine: Readonly<Record<string, unknown>>
  readonly figures: readonly {
    readonly subject: string
    readonly measure: string
    readonly value: number
    readonly unit: string
  }[]
}

const RUNS = ['run and settle no-ops, concurrency 100', 'run and settle no-ops, concurrency 500']
const ENQUEUES = ['enqueue, batches of 500', 'enqueue, one by one, 500 callers']
const LATENCIES = [100, 200].flatMap(rate => [50, 99].map(p => `enqueue to handler start, ${rate}/s, p${p}`))

describe('the benchmarks', () => {
  test('smoke on memory measures everything and prints it as JSON', async () => {
    const { exitCode, stdout, stderr } = await runVerb('bench', [
      'smoke',
      '--storage',
      'memory',
      '--json',
      '--seconds',
      '0.2',
    ])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const report: Report = JSON.parse(stdout)
    expect(report.figures.map(({ measure }) => measure)).toEqual([...ENQUEUES, ...RUNS, ...LATENCIES])
    for (const { measure, value } of report.figures) expect(value, measure).toBeGreaterThan(0)
    expect(report.machine).toMatchObject({
      cores: expect.any(Number),
      node: process.versions.node,
      broker: 'no broker',
    })
  })

  test('smoke on Kafka measures plain kafkajs beside it', async () => {
    const env = { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() }
    const { exitCode, stdout, stderr } = await runVerb('bench', ['smoke', '--json', '--seconds', '0.2'], { env })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const { figures, namespace }: Report = JSON.parse(stdout)
    const measuresOf = (name: string): string[] =>
      figures.filter(({ subject }) => subject === name).map(each => each.measure)
    expect(measuresOf('errand')).toEqual([...ENQUEUES, ...RUNS, ...LATENCIES])
    expect(measuresOf('kafkajs')).toEqual(ENQUEUES)
    for (const figure of figures) expect(figure.value, figure.measure).toBeGreaterThan(0)
    await dropTopics(namespace ?? '')
  })

  test.each([
    [[], 'say one of: throughput, latency, smoke'],
    [['speed'], '"speed"'],
    [['smoke', '--seconds', '0'], '--seconds is "0"'],
    [['smoke', '--storage', 'disk'], '--storage is "disk"'],
    [['smoke', '--fast'], '--fast'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { exitCode, stderr } = await runVerb('bench', args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})
