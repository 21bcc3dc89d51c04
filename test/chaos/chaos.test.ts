// Ninety seconds of chaos on one broker, with faults of every part: nothing is lost, and the faults did happen.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reportText } from './checker/report.ts'
import { judge } from './judge.ts'
import { parseOptions } from './options.ts'
import { runChaos } from './run.ts'

const FAULTS = [
  ...['worker.kill', 'worker.stop', 'worker.clock', 'rebalance.storm'],
  ...['redis.restart', 'redis.flushall', 'redis.rollback', 'brokers.killall', 'net.lost.kafka', 'net.lost.redis'],
]
/** So many of them fit twice into the time, whichever are drawn. */
const FAULTS_MIN = 8
/** Another one is another order of faults; the same one is the same. */
const SEED = process.env['ERRAND_CHAOS_SEED'] ?? '1'

test('90 seconds of chaos lose nothing', { timeout: 600_000 }, async ({ signal }) => {
  const dir = mkdtempSync(join(tmpdir(), 'errand-chaos-'))
  const options = parseOptions(['--seconds', '90', '--seed', SEED, '--faults', FAULTS.join(',')], () => 0)
  const said: string[] = []
  await runChaos(options, { dir, say: line => void said.push(line), signal })
  const report = await judge(dir)
  const text = reportText(report)
  console.log(text)
  expect(report.verdict, `${text}\n${said.join('\n')}\nevidence in ${dir}`).toBe('valid')
  expect(report.run.faults.length).toBeGreaterThanOrEqual(FAULTS_MIN)
  rmSync(dir, { recursive: true })
})
