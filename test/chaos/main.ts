// `npm run chaos`: runs, judges, reports. The report goes to stdout, what happens meanwhile to stderr.

import { randomInt } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { repositoryDir } from '../../scripts/stack/places.ts'
import type { Verdict } from './checker/report.ts'
import { reportText } from './checker/report.ts'
import { judge } from './judge.ts'
import type { ChaosOptions } from './options.ts'
import { parseOptions, USAGE, UsageError } from './options.ts'
import { runChaos } from './run.ts'

const EXIT_CODES: Readonly<Record<Verdict, number>> = { valid: 0, violated: 1, invalid: 3 }

class Interrupted extends Error {}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second one ends the process at once, and leaves servers behind.
  process.once(signal, () => interrupted.abort(new Interrupted(signal)))
}

try {
  const options = parseOptions(process.argv.slice(2), () => randomInt(2 ** 31))
  if (options.isHelp) process.stdout.write(USAGE)
  else process.exitCode = EXIT_CODES[await verdictOf(options)]
} catch (error) {
  if (error instanceof Interrupted) process.exit(130) // what the fault under way still waits for is gone
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`chaos: ${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}

async function verdictOf(options: ChaosOptions): Promise<Verdict> {
  const dir = options.judge === null ? await run(options) : resolve(options.judge)
  const report = await judge(dir)
  const text = options.isJson ? `${JSON.stringify(report, null, 2)}\n` : reportText(report)
  writeFileSync(join(dir, 'report.txt'), reportText(report))
  process.stdout.write(text)
  return report.verdict
}

async function run(options: ChaosOptions): Promise<string> {
  const { seed, seconds, brokers, rate } = options
  const started = new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, '-')
  const dir = resolve(options.out ?? join(repositoryDir, '.errand', 'chaos', `${started}-${seed}`))
  mkdirSync(dir, { recursive: true })
  const startedMs = performance.now()
  const say = (line: string): void => {
    process.stderr.write(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`)
  }
  say(`chaos --seconds ${seconds} --seed ${seed} --brokers ${brokers} --rate ${rate}; evidence in ${dir}`)
  await runChaos(options, { dir, say, signal: interrupted.signal })
  return dir
}
