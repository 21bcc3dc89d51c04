// The benchmarks themselves: each is run for a moment, and asked whether it measured everything. No figure is judged: a slow
// machine is no failure.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isInstalled, PEERS_DIR } from '../../scripts/npm-folder.ts'
import { findPostgres } from '../../bench/postgres-programs.ts'
import type { BenchReport } from '../../bench/report.ts'
import type { Ended } from '../support/run-program.ts'
import { runVerb } from '../support/run-program.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const ENQUEUES = ['enqueue, batches of 500', 'enqueue, one by one, 500 callers']
const LATENCIES = [50, 99].map(p => `enqueue to handler start, 100/s, p${p}`)
const COMPARED = [...ENQUEUES, 'run and settle no-ops, concurrency 100', ...LATENCIES]
/** Processes of four queues start a dozen times; how long that takes is no matter here. */
const SMOKE_MS_MAX = 600_000
/** A measure that each benchmark of Errand alone has; all of them are theirs to name. */
const ALONE = ['growth of Redis', 'behind an activity of an hour', 'worker processes', 'idle worker', 'heap']

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errand-bench-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return runVerb('bench', [...args, '--results', folder], { env })
}

function onStack(): Readonly<Record<string, string>> {
  return { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() }
}

function reportOf({ exitCode, stdout, stderr }: Ended): BenchReport {
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout)
}

function measuresOf({ figures }: BenchReport, name: string): string[] {
  return figures.filter(({ subject }) => subject === name).map(({ measure }) => measure)
}

describe('the benchmarks', () => {
  test('smoke on memory measures everything that has to do with no server, prints it as JSON and keeps it', async () => {
    const report = reportOf(await bench(['smoke', '--storage', 'memory', '--json', '--seconds', '0.2']))
    expect(measuresOf(report, 'errand (memory)')).toEqual(COMPARED)
    for (const { measure, value } of report.figures) expect(value, measure).toBeGreaterThan(0)
    expect(report.machine).toMatchObject({
      cores: expect.any(Number),
      node: process.versions.node,
      servers: 'no servers',
    })
    const [kept = ''] = await readdir(folder)
    expect(JSON.parse(await readFile(join(folder, kept), 'utf8'))).toEqual(report)
  })

  test(
    'smoke on Kafka measures everything of Errand, and beside it every peer that is at hand',
    async () => {
      const report = reportOf(await bench(['smoke', '--json', '--seconds', '0.2'], onStack()))
      const peers = ['kafkajs', ...(isInstalled(PEERS_DIR) ? ['bullmq'] : [])]
      if (isInstalled(PEERS_DIR) && findPostgres() !== undefined) peers.push('graphile-worker')
      expect(report.subjects.map(({ name }) => name)).toEqual(['errand', ...peers])
      for (const peer of peers) {
        expect(measuresOf(report, peer)).toEqual(COMPARED)
        expect(report.ratios.filter(ratio => ratio.peer === peer).map(({ measure }) => measure)).toEqual(COMPARED)
      }
      const own = measuresOf(report, 'errand')
      expect(own).toEqual(expect.arrayContaining(COMPARED))
      for (const part of ALONE) expect(own.join('\n')).toContain(part)
      // Those of Errand alone are not looked at: a trend of a moment may be no number.
      for (const { subject, measure, value } of report.figures.filter(each => COMPARED.includes(each.measure))) {
        expect(value, `${measure}: ${subject}`).toBeGreaterThan(0)
      }
    },
    SMOKE_MS_MAX,
  )

  test('rounds are printed as medians with their spread, and the parts that were not asked for are left out', async () => {
    const args = ['throughput', '--rounds', '3', '--seconds', '0.1', '--only', 'batches']
    const { exitCode, stdout, stderr } = await bench(args, onStack())
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toContain('medians of 3 rounds')
    expect(stdout).toMatch(
      / errand +[\d,]+ \/s +\([\d,]+ to [\d,]+\)\n kafkajs +[\d,]+ \/s +\([\d,]+ to [\d,]+\) +errand [\d.]+ ×/,
    )
    expect(stdout).not.toContain(ENQUEUES[1])
    expect(stderr).toContain('round 3 of 3: enqueue, batches of 500: errand')
    expect(stderr).toContain(`kept in ${folder}`)
  })

  test.each([
    [[], 'say one of: throughput, latency, backlog, scale, soak, smoke'],
    [['speed'], '"speed"'],
    [['smoke', '--seconds', '0'], '--seconds is "0"'],
    [['smoke', '--storage', 'disk'], '--storage is "disk"'],
    [['smoke', '--fast'], '--fast'],
    [['throughput', '--peers', 'sidekiq'], '--peers is "sidekiq"'],
    [['throughput', '--rounds', '1.5'], '--rounds is "1.5"'],
    [['throughput', '--rounds', '21'], '--rounds is "21"'],
    [['throughput', '--only', 'reads'], '--only is "reads"'],
    [['throughput', '--concurrency', '100,0'], '--concurrency is "0"'],
    [['throughput', '--storage', 'memory', '--peers', 'bullmq'], '--storage memory'],
    [['soak', '--storage', 'memory'], '--storage memory'],
    [['scale', '--peers', 'bullmq'], '--peers belongs to throughput, latency, smoke'],
    [['latency', '--only', 'runs'], '--only belongs to throughput, smoke'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { exitCode, stderr } = await runVerb('bench', args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})
