// `npm test`: a Kafka and a Redis for this run, all tests, the counts as the last line of stdout, and everything ended
// again. Arguments go to vitest: `npm test -- --project contract`, `npm test -- ledger`.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { type Counts, COUNTS_FILE_VARIABLE, countsLine, finalCounts, parseCounts } from './counts.ts'
import { stackEnvironment } from './stack/command.ts'
import { repositoryDir } from './stack/places.ts'
import { PRIVATE_STACKS_DIR_VARIABLE } from './stack/private-stack.ts'
import { say } from './stack/say.ts'
import { ensureStack, stopStacksIn } from './stack/stack.ts'

// A folder for each run, named after its process: two runs at once do not share a Kafka that one of them then stops.
const runsDir = join(repositoryDir, '.errand', 'test')
const runDir = join(runsDir, String(process.pid))
const countsFile = join(runDir, 'counts.json')

let runner: ChildProcess | undefined
let interruptedBy: NodeJS.Signals | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal))

const counts = await runTests()
process.stdout.write(`${countsLine(counts)}\n`)
process.exitCode = interruptedBy === undefined ? Number(counts.failed > 0) : 128 + constants.signals[interruptedBy]

/** The whole run; whatever was started for it is gone afterwards. */
async function runTests(): Promise<Counts> {
  try {
    await stopWhatEarlierRunsLeft()
    mkdirSync(runDir, { recursive: true })
    const environment = await stackForTests()
    if (interruptedBy !== undefined) return finalCounts(undefined, 1)
    const exitCode = await runVitest(environment)
    return finalCounts(readCounts(), exitCode)
  } finally {
    await stopStacksIn(runDir)
  }
}

/** Where the tests find Kafka and Redis. Those that need them fail, with the reason, when there are none: never skipped. */
async function stackForTests(): Promise<Record<string, string>> {
  try {
    return stackEnvironment(await ensureStack({ dataDir: join(runDir, 'stack') }))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    say(`no Kafka and Redis, so every test that needs them will fail: ${reason}`)
    return { ERRAND_STACK_ERROR: reason }
  }
}

function runVitest(environment: Record<string, string>): Promise<number> {
  const vitest = join(repositoryDir, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', `--reporter=${join(repositoryDir, 'scripts', 'counts-reporter.ts')}`]
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
    cwd: repositoryDir,
    stdio: 'inherit',
    env: { ...process.env, ...environment, [COUNTS_FILE_VARIABLE]: countsFile, [PRIVATE_STACKS_DIR_VARIABLE]: runDir },
  })
  runner = child
  return new Promise(resolve => {
    child.on('error', error => {
      say(`vitest could not be started: ${error.message}`)
      resolve(1)
    })
    child.on('close', code => resolve(code ?? 1))
  })
}

/** A Ctrl-C on a terminal reaches vitest by itself; a signal sent to this process has to be passed on. */
function interrupt(signal: NodeJS.Signals): void {
  interruptedBy = signal
  if (signal !== 'SIGINT' || !process.stdin.isTTY) runner?.kill(signal)
}

/** Runs that were killed could not end what they had started. */
async function stopWhatEarlierRunsLeft(): Promise<void> {
  mkdirSync(runsDir, { recursive: true })
  const left = readdirSync(runsDir).filter(name => Number(name) === process.pid || !isAlive(Number(name)))
  await Promise.all(left.map(name => stopStacksIn(join(runsDir, name))))
  for (const name of left) rmSync(join(runsDir, name), { recursive: true, force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function readCounts(): Counts | undefined {
  try {
    return parseCounts(readFileSync(countsFile, 'utf8'))
  } catch {
    return undefined // the runner did not come so far
  }
}
