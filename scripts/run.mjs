// Every npm script comes through here: `node scripts/run.mjs <verb> [args...]`. It makes a fresh clone work with
// nothing done by hand: dependencies are installed when they are missing or out of date, a recent enough Node is found,
// and the verb's program is started. Plain JavaScript without dependencies, because it runs before there are any, and on
// whatever Node (>= 18) a machine has.
//
// Nothing here writes to stdout: it belongs to the program. (`npm run driver` prints npm's own banner there;
// `npm run --silent driver` and `node scripts/run.mjs driver` do not.)

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const bundledNode = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const stampFile = join(modules, '.errand-install-stamp')

// The scripts look at Kafka with kafkajs 2.2.4 as it is, which arms a timer in the past after every answer. The library
// itself does not need this flag: it mends the timer.
const quiet = '--disable-warning=TimeoutNegativeWarning'

/** verb -> Node's arguments, paths relative to the repository's root, which is also where the program runs. */
const verbs = {
  start: ['examples/orders/main.ts'],
  stack: [quiet, 'scripts/stack/main.ts'],
  driver: ['src/cli/driver.ts'],
  errand: ['src/cli/main.ts'],
  bench: ['bench/main.ts'],
  chaos: [quiet, 'test/chaos/main.ts'],
  build: ['scripts/build.ts'],
  dashboards: ['scripts/dashboards.ts'],
  screenshots: ['scripts/screenshots.ts'],
  check: ['scripts/check.ts'],
  test: [quiet, 'scripts/test.ts'],
  'test:unit': ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'],
  format: ['node_modules/oxfmt/bin/oxfmt', 'src', 'test', 'scripts', 'examples', 'bench', 'observability'],
}

try {
  await main(process.argv[2], process.argv.slice(3))
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}

async function main(verb, args) {
  const program = Object.hasOwn(verbs, verb ?? '') ? verbs[verb] : undefined
  if (program === undefined) {
    fail(`unknown verb ${JSON.stringify(verb ?? '')}; use one of: ${Object.keys(verbs).join(', ')}`)
  }
  await ensureDependencies()
  run(findNode(), [...program, ...args], verb)
}

// --- dependencies ---

async function ensureDependencies() {
  if (whyInstall() === undefined) return
  await withInstallLock(() => {
    const why = whyInstall() // asked again: whoever held the lock may just have installed
    if (why !== undefined) install(why)
  })
}

/** The reason to install, or undefined when what is installed is what the lock file says. */
function whyInstall() {
  if (!existsSync(modules)) return 'node_modules is missing'
  const lock = lockHash()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lock) return undefined
  if (!holdsWhatTheLockSays()) return 'node_modules is not what package-lock.json says'
  writeFileSync(stampFile, lock) // installed by hand, and right
  return undefined
}

/** Compares the lock file with npm's own record of what it put into node_modules. */
function holdsWhatTheLockSays() {
  const record = join(modules, '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages ?? {}
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages ?? {}
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    // Optional packages are those of other platforms: absent is right, another version is not.
    return installed[path] === undefined ? entry.optional === true : installed[path].version === entry.version
  })
}

function install(why) {
  process.stderr.write(`errand: ${why}; running npm ci (once)\n`)
  const ci = ['ci', '--loglevel=error'] // else it warns that the machine's Node is old, which is why there is another
  // The npm that started us, else the one on the PATH. npm's own words go to stderr.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, [process.env.npm_execpath, ...ci]]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm', ci]
  const result = spawnSync(npm[0], npm[1], { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.error) throw new Error(`npm could not be started (${result.error.message}); install Node >= 18 with npm`)
  if (result.status !== 0) throw new Error(`npm ci failed with exit code ${result.status}; its output is above`)
  writeFileSync(stampFile, lockHash())
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** One install at a time. The lock is a directory, since making one is atomic everywhere. */
async function withInstallLock(action) {
  const lock = join(root, '.errand', 'install.lock')
  mkdirSync(dirname(lock), { recursive: true })
  const deadline = Date.now() + 600_000
  while (!tryMakeLock(lock)) {
    if (Date.now() > deadline) throw new Error(`another install holds ${lock} for 10 minutes; remove it if none runs`)
    if (isAbandoned(lock)) discard(lock)
    else await new Promise(resolve => setTimeout(resolve, 200))
  }
  try {
    action()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function tryMakeLock(lock) {
  try {
    mkdirSync(lock)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  writeFileSync(join(lock, 'pid'), String(process.pid))
  return true
}

/** True when the process that made the lock is gone. A lock without a pid is one being made this moment. */
function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')) || process.pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Renamed first, so that of two who found it abandoned only one takes it away. */
function discard(lock) {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
    rmSync(aside, { recursive: true, force: true })
  } catch {
    // The other one was faster: the loop tries again.
  }
}

// --- the program ---

/** Node that runs TypeScript as it is: this one, or the one that is a dev dependency. */
function findNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath
  if (existsSync(bundledNode)) return bundledNode
  throw new Error(
    `Node ${process.versions.node} cannot run TypeScript and ${bundledNode} is missing. ` +
      'Install Node >= 22.18, or run `npm ci` with install scripts allowed.',
  )
}

function run(node, args, verb) {
  const env = { ...process.env }
  const pathKey = Object.keys(env).find(key => key.toUpperCase() === 'PATH') ?? 'PATH'
  // The chosen Node's folder first, so that what the program starts with `node` is the same Node.
  env[pathKey] = [dirname(node), join(modules, '.bin'), env[pathKey] ?? ''].join(delimiter)
  const child = spawn(node, args, { stdio: 'inherit', env, cwd: root })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => forward(child, signal))
  child.on('error', error => fail(`${verb} could not be started: ${error.message}`))
  child.on('close', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

/** A Ctrl-C on a terminal has reached the child already, as it reaches the whole group; twice would mean "at once". */
function forward(child, signal) {
  if (signal === 'SIGINT' && process.stdin.isTTY) return
  child.kill(signal)
}

function fail(message) {
  process.stderr.write(`errand: ${message}\n`)
  process.exit(1)
}
