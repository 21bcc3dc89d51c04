// `npm run check`: types, lint and format, side by side; the output of what failed, and one line for each.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryDir } from './stack/places.ts'

const folders = ['src', 'test', 'scripts', 'examples', 'bench'].filter(name => existsSync(join(repositoryDir, name)))

const checks = [
  { name: 'types', program: 'typescript/bin/tsc', args: ['-p', 'tsconfig.json', '--noEmit'] },
  { name: 'lint', program: 'oxlint/bin/oxlint', args: ['--type-aware', '--deny-warnings', ...folders] },
  { name: 'format', program: 'oxfmt/bin/oxfmt', args: ['--check', '--no-error-on-unmatched-pattern', ...folders] },
] as const

const results = await Promise.all(checks.map(check => run(check)))
process.exitCode = Number(results.includes(false))

/** Runs one check and prints it as a whole once it is done, so that the three do not mix. */
function run({ name, program, args }: (typeof checks)[number]): Promise<boolean> {
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
