// `npm run check`: types, lint and format, side by side; the output of what failed, and one line for each. What compares
// Errand with its peers has packages of its own, and is checked where those are installed.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled, PEERS_DIR } from './npm-folder.ts'
import { repositoryDir } from './stack/places.ts'

interface Check {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
}

const folders = ['src', 'test', 'scripts', 'examples', 'bench', 'observability'].filter(name =>
  existsSync(join(repositoryDir, name)),
)
const hasPeers = isInstalled(PEERS_DIR)
// Without their packages everything that comes from them would be of unknown type, which is what lint is about.
const lintArgs = ['--type-aware', '--deny-warnings', ...(hasPeers ? [] : ['--ignore-pattern=bench/peers/**'])]
const tsc = 'typescript/bin/tsc'

const checks: readonly Check[] = [
  { name: 'types', program: tsc, args: ['-p', 'tsconfig.json', '--noEmit'] },
  // What runs in a browser knows other globals.
  { name: 'pages', program: tsc, args: ['-p', 'src/console/ui', '--noEmit'] },
  { name: 'browser', program: tsc, args: ['-p', 'test/browser', '--noEmit'] },
  ...(hasPeers ? [{ name: 'peers', program: tsc, args: ['-p', 'bench/peers', '--noEmit'] }] : []),
  { name: 'lint', program: 'oxlint/bin/oxlint', args: [...lintArgs, ...folders] },
  { name: 'format', program: 'oxfmt/bin/oxfmt', args: ['--check', '--no-error-on-unmatched-pattern', ...folders] },
]

const results = await Promise.all(checks.map(check => run(check)))
process.exitCode = Number(results.includes(false))

/** Runs one check and prints it as a whole once it is done, so that the three do not mix. */
function run({ name, program, args }: Check): Promise<boolean> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [join(repositoryDir, 'node_modules', program), ...args], {
    cwd: repositoryDir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  return new Promise(resolve => {
    child.on('error', error => output.push(Buffer.from(`${error.message}\n`)))
    child.on('close', code => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      if (code !== 0) process.stdout.write(Buffer.concat(output))
      process.stdout.write(`${name.padEnd(8)}${code === 0 ? 'ok' : 'FAILED'}  ${seconds} s\n`)
      resolve(code === 0)
    })
  })
}
